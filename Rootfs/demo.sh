#!/bin/sh
# demo.sh PERIGEE : the main job from end to end. Makes a small arm64 image from Debian's packages, loads it, runs two
# commands in it, and shows that what the first one wrote to /data is there for the second.
set -eu
perigee=$1
here=$(dirname "$(realpath "$0")")
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
if [ "$(id -u)" != 0 ]; then
    echo "demo.sh: containers need root here: sudo make run" >&2
    exit 1
fi
"$here/binfmt.sh"
echo "making an arm64 image from Debian packages:"
"$here/images/build.py" demo | sed 's/^/  /'
say() { printf '\n$ perigee %s\n' "$1"; }
say "image load demo.oci.tar"
"$perigee" image load "$images/demo.oci.tar"
say "pod run --image demo 'echo hello from \$(uname -m) > /data/msg.txt && uname -m'"
"$perigee" pod run --image demo 'echo hello from $(uname -m) > /data/msg.txt && uname -m'
say "pod run --image demo 'cat /data/msg.txt | grep hello'"
"$perigee" pod run --image demo 'cat /data/msg.txt | grep hello'
