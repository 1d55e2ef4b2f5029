#!/bin/sh
# manifests.sh BINARY : the manifests of `pod bundle` against Kubernetes' schemas. Installs PyPI's kubernetes-validate into a
# cache; where that can't be had, PERIGEE_WITHOUT_KUBERNETES=1 skips this, and says so.
set -eu
if [ "${PERIGEE_WITHOUT_KUBERNETES:-}" = 1 ]; then
    echo "skipped: PERIGEE_WITHOUT_KUBERNETES is set: no manifest was checked"
    exit 0
fi
cache=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/kubernetes-validate
if ! "$cache/bin/python3" -c 'import kubernetes_validate' 2>/dev/null; then
    rm -rf "$cache"
    mkdir -p "$(dirname "$cache")"
    python3 -m venv "$cache"
    "$cache/bin/pip" install -q --disable-pip-version-check 'kubernetes-validate>=1.31' || {
        echo "error: kubernetes-validate can't be installed; PERIGEE_WITHOUT_KUBERNETES=1 does without"
        exit 1
    }
fi
exec "$cache/bin/python3" "$(dirname "$0")/manifests.py" "$1"
