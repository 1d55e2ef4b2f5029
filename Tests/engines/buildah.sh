#!/bin/sh
# buildah.sh RUNTIME : images built by buildah with this runtime. The same must pass with crun and runc.
set -u
runtime=$(realpath -e "$1") || exit 1
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
work=$(mktemp -d /tmp/perigee-test-buildah.XXXXXX)
failed=0
buildah() { command buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
clean() {
    buildah rm -a >/dev/null 2>&1
    rm -rf "$work"
    find /sys/fs/cgroup -depth -type d -path '*/buildah-*' -exec rmdir {} \; 2>/dev/null
}
trap clean EXIT
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' >"$work/containers.conf"
export CONTAINERS_CONF="$work/containers.conf" BUILDAH_ISOLATION=oci BUILDAH_RUNTIME="$runtime"
is() { # what, expected, said
    if [ "$3" = "$2" ]; then echo "ok    $1"; else
        failed=1
        echo "FAIL  $1: it said '$3', expected '$2'"
        cat "$work/errors"
    fi
}
from=$(buildah from -q "docker-archive:$images/demo-host.docker.tar" 2>/dev/null) || exit 1
is "run" "hello" "$(buildah run --network none "$from" -- echo hello 2>"$work/errors")"
buildah run --network none "$from" -- sh -c 'exit 3' >"$work/errors" 2>&1
is "exit code" 3 $?
is "user, directory, variable" "1000 /usr b" "$(buildah run --network none --user 1000 --workingdir /usr --env A=b "$from" -- sh -c 'echo $(id -u) $PWD $A' 2>"$work/errors")"
is "volume" "x" "$(buildah run --network none -v "$work:/mnt:ro" "$from" -- sh -c 'touch /mnt/y 2>/dev/null || echo x' 2>"$work/errors")"
script -qec "buildah --root $work/root --runroot $work/run --storage-driver vfs run -t --network none $from tty" /dev/null \
    </dev/null 2>"$work/errors" | grep -q /dev/pts/0 && echo "ok    terminal" || { failed=1; echo "FAIL  terminal"; }
buildah commit "$from" base >/dev/null 2>&1 || failed=1
printf 'FROM base\nRUN echo built >/made\nRUN test -s /made && ! test -w /proc/sysrq-trigger\nUSER 1001\nRUN id -u >/tmp/who\nCMD ["cat", "/made"]\n' >"$work/Containerfile"
buildah bud --network none -t made -f "$work/Containerfile" "$work" >"$work/errors" 2>&1
is "bud" 0 $?
made=$(buildah from made) || failed=1
is "what was built" "built 1001" "$(buildah run --network none "$made" -- sh -c 'echo $(cat /made) $(cat /tmp/who)' 2>"$work/errors")"
printf 'FROM base\nRUN exit 5\n' >"$work/Containerfile"
buildah bud --network none -t bad -f "$work/Containerfile" "$work" >"$work/errors" 2>&1
grep -q "exit status 5" "$work/errors" && echo "ok    a step that fails" || { failed=1; echo "FAIL  a step that fails"; cat "$work/errors"; }
exit $failed
