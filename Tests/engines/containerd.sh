#!/bin/sh
# containerd.sh RUNTIME : containerd's ctr with this runtime, in a daemon of its own. The same must pass with crun and runc:
# what is expected here is containerd's, not ours. The daemon has a network namespace to itself.
set -u
runtime=$(realpath -e "$1") || exit 1
here=$(dirname "$(realpath "$0")")
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
if [ "${2:-}" != inside ]; then exec unshare -n -m --propagation private "$0" "$runtime" inside; fi
ip link set lo up
work=$(mktemp -d /tmp/perigee-test-containerd.XXXXXX)
ctr() { command ctr -a "$work/socket" -n perigee "$@"; }
clean() {
    ctr tasks ls -q 2>/dev/null | while read -r id; do ctr tasks rm -f "$id"; done >/dev/null 2>&1
    kill "$daemon" && tail --pid="$daemon" -f /dev/null
    umount -R "$work"/state/*/* 2>/dev/null
    rm -rf "$work"
    find /sys/fs/cgroup -depth -type d -path '*/perigee-ctr*' -exec rmdir {} \; 2>/dev/null
}
mkdir -m 711 "$work/root" "$work/state"
# In a user namespace root is nobody outside, and must come through.
chmod 711 "$work"
cat >"$work/config.toml" <<end
version = 2
root = "$work/root"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/socket"
[ttrpc]
address = "$work/ttrpc"
end
containerd -c "$work/config.toml" >"$work/log" 2>&1 &
daemon=$!
trap clean EXIT
n=0
until ctr version >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n = 100 ] && { tail "$work/log"; exit 1; }
    sleep 0.1
done
ctr version | sed -n 's/^  Version: */containerd /p' | tail -1
engine() { timeout 60 ctr -a "$work/socket" -n perigee "$@"; }
. "$here/check.sh"
number=0
run() { # what, status, output, options, image and words behind --
    what=$1 status=$2 expected=$3
    shift 3
    number=$((number + 1))
    options=
    while [ "$1" != -- ]; do options="$options $1"; shift; done
    shift
    # shellcheck disable=SC2086
    check "$what" "$status" "$expected" run --rm --snapshotter native --runc-binary "$runtime" --cgroup "/perigee-ctr/r$number" \
        $options "$image" "r$number" "$@"
}
ctr images import --snapshotter native "$images/demo-host.docker.tar" >/dev/null || exit 1
image=$(ctr images ls -q | head -1)
run "output" 0 hello -- echo hello
run "exit code" 3 "" -- sh -c 'exit 3'
run "variable and directory" 0 "b /usr" --env A=b --cwd /usr -- sh -c 'echo $A $PWD'
run "memory" 0 "" --memory-limit 67108864 -- true
run "read-only" 1 "" --read-only -- touch /file
run "mount" 0 "x" --mount "type=bind,src=$work,dst=/mnt,options=rbind:ro" -- sh -c 'touch /mnt/y 2>/dev/null || echo x'
run "seccomp" 0 "2" --seccomp -- sh -c 'grep Seccomp: /proc/self/status | cut -f2'
run "no capability" 0 "0" --cap-drop CAP_CHOWN --cap-drop CAP_KILL -- sh -c 'echo $((0x$(grep CapEff /proc/self/status | cut -f2) & 0x21))'
run "device" 0 "crw-rw-rw-" --device /dev/zero -- sh -c 'ls -l /dev/zero | cut -d" " -f1'
run "user namespace" 0 "         0     100000       1000" --uidmap 0:100000:1000 --gidmap 0:100000:1000 --remap-labels -- cat /proc/self/uid_map
command script -qec "ctr -a $work/socket -n perigee run --rm -t --snapshotter native --runc-binary $runtime --cgroup /perigee-ctr/t $image tty tty" /dev/null </dev/null \
    | grep -q /dev/pts/0 && echo "ok    terminal" || { failed=1; echo "FAIL  terminal"; }
ctr run -d --snapshotter native --runc-binary "$runtime" --cgroup /perigee-ctr/one "$image" one sleep 100 || failed=1
check "exec" 4 "in" tasks exec --exec-id e1 one sh -c 'echo in; exit 4'
check "pause" 0 "" tasks pause one
check "paused" 0 "~PAUSED" tasks ls
check "resume" 0 "" tasks resume one
check "metrics" 0 "~pids.current             1" tasks metrics one
check "kill" 0 "" tasks kill -s KILL one
sleep 0.5
check "delete" 0 "" tasks rm one
exit $failed
