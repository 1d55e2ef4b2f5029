#!/bin/sh
# podman.sh RUNTIME : podman's daily verbs with this runtime. The same must pass with crun and runc: what is
# expected here is podman's, not ours. It has a network namespace to itself, for its bridge.
set -u
runtime=$(realpath -e "$1") || exit 1
here=$(dirname "$(realpath "$0")")
if [ "${2:-}" != inside ]; then exec unshare -n -m --propagation private "$here/podman.sh" "$runtime" inside; fi
ip link set lo up
mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni # what it would leave there is another network's
seat=$(dirname "$(realpath "$0")")/../terminal.py
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
work=$(mktemp -d /tmp/perigee-test-podman.XXXXXX)
podman() {
    command podman --root "$work/root" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs \
        --runtime "$runtime" "$@"
}
clean() {
    podman pod rm -fa >/dev/null 2>&1
    podman rm -fa >/dev/null 2>&1
    rm -rf "$work"
    # podman makes this group and leaves it.
    find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} \; 2>/dev/null
}
trap clean EXIT
# This host may not give more, and podman asks for what its own limits are.
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' >"$work/containers.conf"
export CONTAINERS_CONF="$work/containers.conf"
engine() { podman "$@"; }
. "$here/check.sh"
run() { # what, status, output, then options, -- and words
    what=$1 status=$2 expected=$3
    shift 3
    check "$what" "$status" "$expected" run --rm --network none "$@"
}
podman load -q -i "$images/demo-host.docker.tar" >/dev/null || exit 1
run "output" 0 hello demo-host echo hello
run "exit code" 3 "" demo-host sh -c 'exit 3'
run "no such command" 127 "" demo-host nosuch
run "not executable" 126 "" demo-host /etc/passwd
run "user and groups" 0 "1000 1000 7" --user 1000:1000 --group-add 7 demo-host sh -c 'echo $(id -u) $(id -g) $(id -G | cut -d" " -f2)'
run "name, directory, variable" 0 "name /usr b" --hostname name -w /usr --env A=b demo-host sh -c 'echo $(hostname) $PWD $A'
run "volume" 0 "x" -v "$work/containers.conf:/file:ro" demo-host sh -c 'echo y >>/file || echo x'
run "memory and pids" 0 "" --memory 64m --pids-limit 50 demo-host true
run "read-only" 1 "" --read-only --read-only-tmpfs=false demo-host touch /file
run "read-only, with a tmpfs" 0 "ok" --read-only demo-host sh -c 'touch /tmp/file && echo ok'
run "tmpfs with the image's content" 0 "tmpfs root" --tmpfs /etc:size=1m demo-host sh -c 'echo $(grep " /etc " /proc/mounts | cut -d" " -f1) $(head -1 /etc/passwd | cut -d: -f1)'
run "user namespace" 0 "         0     100000       1000" --uidmap 0:100000:1000 --gidmap 0:100000:1000 demo-host cat /proc/self/uid_map
run "device" 0 "crw-rw-rw-" --device /dev/zero:/dev/nil demo-host sh -c 'ls -l /dev/nil | cut -d" " -f1'
run "init" 0 "podman-init" --init demo-host cat /proc/1/comm
run "out-of-memory score" 0 "500" --oom-score-adj 500 demo-host cat /proc/self/oom_score_adj
run "no new privileges" 0 "1" --security-opt no-new-privileges demo-host sh -c 'grep NoNewPrivs /proc/self/status | cut -f2'
check "network of the host" 0 "lo" run --rm --network host demo-host sh -c 'ls /sys/class/net'
check "bridge" 0 "eth0 lo" run --rm --network bridge -p 127.0.0.1:8999:80 demo-host sh -c 'echo $(ls /sys/class/net)'
run "no capabilities" 0 "0000000000000000" --cap-drop ALL demo-host sh -c 'grep CapEff /proc/self/status | cut -f2'
run "seccomp" 0 "2" demo-host sh -c 'grep Seccomp: /proc/self/status | cut -f2'
run "limits" 0 "100" --ulimit nofile=100:100 --ulimit nproc=1000:1000 demo-host sh -c 'ulimit -n'
run "sysctl" 0 "4096" --sysctl kernel.msgmax=4096 demo-host cat /proc/sys/kernel/msgmax
run "input" 0 "from outside" -i demo-host cat <<end
from outside
end
podman run -d --name one --network none demo-host \
    sh -c 'echo started; trap "exit 7" TERM; while :; do sleep 0.05; done' >/dev/null || failed=1
check "state" 0 "running" inspect --format '{{.State.Status}}' one
podman top one comm 2>&1 | grep -qx sh && echo "ok    top" || { failed=1; echo "FAIL  top"; }
check "logs" 0 "started" logs one
check "exec" 4 "in" exec one sh -c 'echo in; exit 4'
check "exec as" 0 "1000 /usr b" exec -u 1000 -w /usr -e A=b one sh -c 'echo $(id -u) $PWD $A'
check "exec of nothing" 127 "" exec one nosuch
check "exec, not executable" 126 "" exec one /etc/passwd
check "exec with input" 0 "from outside" exec -i one cat <<end
from outside
end
at_terminal() { # what, expected, arguments of podman, behind -- of who sits at a terminal of 30 by 100
    what=$1 expected=$2
    shift 2
    said=$(python3 "$seat" at 30x100 expect:ready size:40x120 expect:seen "type:x\\n" expect:bye end -- \
        podman --root "$work/root" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs \
        --runtime "$runtime" "$@" 2>&1 |
        grep -v 'container not running') # podman's, where it was slower with a new size than the command with its end
    if [ "$said" = "$expected" ]; then
        echo "ok    $what"
    else
        failed=1
        echo "FAIL  $what: it said '$said', expected '$expected'"
    fi
}
inside='test -t 0 && tty; trap "test \"\$(stty size)\" = \"40 120\" && echo seen && trap : WINCH" WINCH; echo ready; while :; do read x && break; done; echo bye; exit 5'
at_terminal "run at a terminal" "/dev/pts/0
ready
seen
x
bye
status 5" run --rm -it --network none demo-host sh -c "$inside"
at_terminal "exec at a terminal" "/dev/pts/0
ready
seen
x
bye
status 5" exec -it one sh -c "$inside"
check "a terminal without a caller's" 0 "terminal" run --rm -t --network none demo-host sh -c 'test -t 0 && printf terminal'
check "stats" 0 "one" stats --no-stream --format '{{.Name}}' one
podman update --memory 64m one >/dev/null || failed=1
check "update" 0 "67108864" exec one sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max'
check "pause" 0 "one" pause one
check "paused" 0 "paused" inspect --format '{{.State.Status}}' one
check "unpause" 0 "one" unpause one
check "stop" 0 "one" stop one
check "its code" 0 "7" inspect --format '{{.State.ExitCode}}' one
check "start again" 0 "one" start one
check "kill" 0 "one" kill one
check "wait" 0 "137" wait one
podman rm one >/dev/null || failed=1
podman run -d --name healthy --network none --health-cmd true demo-host sleep 100 >/dev/null 2>&1
check "health" 0 "" healthcheck run healthy
check "healthy" 0 "healthy" inspect --format '{{.State.Healthcheck.Status}}' healthy
podman rm -f -t 0 healthy >/dev/null 2>&1
podman pod create --name pod --network none >/dev/null 2>&1 || failed=1
check "pod" 0 "pod" run --rm --pod pod demo-host hostname
podman pod rm -f -t 0 pod >/dev/null || failed=1
check "nothing left" 0 "" ps -aq
exit $failed
