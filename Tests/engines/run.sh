#!/bin/sh
# run.sh RUNTIME [ENGINE...] : each engine's daily verbs with this runtime: podman, docker, buildah, containerd, or those
# that are named; and perigee's own published ports beside docker's (beside-docker). As root, on Debian; it installs what is
# missing. To see that what is expected is the engine's and not ours, give it runc or crun.
set -u
runtime=$(realpath -e "$1") || exit 1
shift
cd "$(dirname "$0")" || exit 1
[ $# -gt 0 ] || {
    set -- podman docker buildah containerd
    # It is about perigee's pods.
    [ "$(basename "$runtime")" = perigee ] && set -- "$@" beside-docker
}
for engine; do
    case $engine in
    docker | beside-docker) program=dockerd package=docker.io ;;
    containerd) program=containerd package=containerd ;;
    podman) program=catatonit package="podman catatonit containernetworking-plugins" ;;
    *) program=$engine package=$engine ;;
    esac
    command -v "$program" >/dev/null || apt-get install -y --no-install-recommends $package >/dev/null || exit 1
done
../../Rootfs/images/build.py demo-host >/dev/null || exit 1
failed=0
for engine; do
    echo "== $engine"
    "./$engine.sh" "$runtime" || failed=1
done
[ $failed = 0 ] && echo "all engines passed" || echo "an engine FAILED"
exit $failed
