#!/bin/sh
# podman-smoke.sh PERIGEE : what podman writes, perigee reads and runs: an image goes through podman's own store and
# comes out as a docker-archive and as an OCI archive.
set -eu
perigee=$(realpath "$1")
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
work=$(mktemp -d /tmp/perigee-test-podman.XXXXXX)
trap 'rm -rf "$work"' EXIT
podman() { command podman --root "$work/podman" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
podman load -q -i "$images/demo-host.docker.tar"
podman tag localhost/demo-host:latest localhost/podman-made:v1
for format in docker-archive oci-archive; do
    podman save -q --format $format -o "$work/$format.tar" localhost/podman-made:v1
    "$perigee" --store "$work/store-$format" image load "$work/$format.tar"
    said=$("$perigee" --store "$work/store-$format" --root "$work/root" pod run --image podman-made:v1 'echo through podman')
    [ "$said" = "through podman" ] || { echo "error: $format: it said '$said'"; exit 1; }
done
