#!/bin/sh
# docker.sh RUNTIME : docker's daily verbs with this runtime, in a daemon of its own. The same must pass with crun and
# runc: what is expected here is docker's, not ours. The daemon has a network namespace to itself.
set -u
runtime=$(realpath -e "$1") || exit 1
here=$(dirname "$(realpath "$0")")
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
if [ "${2:-}" != inside ]; then exec unshare -n -m --propagation private "$0" "$runtime" inside; fi
ip link set lo up
work=$(mktemp -d /tmp/perigee-test-docker.XXXXXX)
docker() { command docker -H "unix://$work/docker.sock" "$@"; }
clean() {
    docker ps -aq 2>/dev/null | while read -r id; do docker rm -f "$id"; done >/dev/null 2>&1
    [ -s "$work/dockerd.pid" ] && kill "$(cat "$work/dockerd.pid")" && tail --pid="$(cat "$work/dockerd.pid")" -f /dev/null
    umount -R "$work/root" 2>/dev/null
    rm -rf "$work"
    find /sys/fs/cgroup -depth -type d -path '*/perigee-docker*' -exec rmdir {} \; 2>/dev/null
}
trap clean EXIT
printf '{"runtimes": {"it": {"path": "%s"}}, "default-runtime": "it"}' "$runtime" >"$work/daemon.json"
dockerd --config-file "$work/daemon.json" --data-root "$work/root" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" \
    -H "unix://$work/docker.sock" --storage-driver vfs --cgroup-parent perigee-docker \
    --default-ulimit nofile=1024:1024 >"$work/log" 2>&1 &
n=0
until docker version >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n = 100 ] && { tail "$work/log"; exit 1; }
    sleep 0.1
done
echo "docker $(docker version --format '{{.Server.Version}}'), containerd $(docker version --format '{{range .Server.Components}}{{if eq .Name "containerd"}}{{.Version}}{{end}}{{end}}')"
engine() { timeout 60 docker -H "unix://$work/docker.sock" "$@"; }
. "$here/check.sh"
run() {
    what=$1 status=$2 expected=$3
    shift 3
    check "$what" "$status" "$expected" run --rm --network none "$@"
}
docker load -q -i "$images/demo-host.docker.tar" >/dev/null && docker tag localhost/demo-host demo-host || exit 1
run "output" 0 hello demo-host echo hello
run "exit code" 3 "" demo-host sh -c 'exit 3'
run "no such command" 127 "" demo-host nosuch
run "not executable" 126 "" demo-host /etc/passwd
run "user and groups" 0 "1000 1000 7" --user 1000:1000 --group-add 7 demo-host sh -c 'echo $(id -u) $(id -g) $(id -G | cut -d" " -f2)'
run "name, directory, variable" 0 "name /usr b" --hostname name -w /usr --env A=b demo-host sh -c 'echo $(hostname) $PWD $A'
run "volume, read-only" 0 "x" -v "$work/daemon.json:/file:ro" demo-host sh -c 'echo y 2>/dev/null >>/file || echo x'
docker volume create vol >/dev/null
run "volume with the image's content" 0 "root" -v vol:/etc demo-host sh -c 'head -1 /etc/passwd | cut -d: -f1'
run "tmpfs" 0 "tmpfs" --tmpfs /run:size=1m demo-host sh -c 'grep " /run " /proc/mounts | cut -d" " -f1'
run "memory, pids, cpus" 0 "" --memory 64m --pids-limit 50 --cpus 0.5 demo-host true
run "out of memory" 137 "" --memory 16m demo-host sh -c 'x=a; while :; do x=$x$x; done'
run "read-only" 1 "" --read-only demo-host touch /file
run "no capabilities" 0 "0000000000000000" --cap-drop ALL demo-host sh -c 'grep CapEff /proc/self/status | cut -f2'
run "seccomp" 0 "2" demo-host sh -c 'grep Seccomp: /proc/self/status | cut -f2'
run "no new privileges" 0 "1" --security-opt no-new-privileges demo-host sh -c 'grep NoNewPrivs /proc/self/status | cut -f2'
run "sysctl" 0 "4096" --sysctl kernel.msgmax=4096 demo-host cat /proc/sys/kernel/msgmax
run "device" 0 "crw-rw-rw-" --device /dev/zero:/dev/nil demo-host sh -c 'ls -l /dev/nil | cut -d" " -f1'
run "limits" 0 "100" --ulimit nofile=100:100 demo-host sh -c 'ulimit -n'
run "shared pid, ipc, uts of the host" 0 "$(hostname)" --pid host --ipc host --uts host demo-host hostname
run "init" 0 "docker-init" --init demo-host cat /proc/1/comm
run "input" 0 "from outside" -i demo-host cat <<end
from outside
end
check "terminal" 0 "$(printf '40 132\r')" run --rm --network none -t demo-host sh -c 'stty rows 40 cols 132; stty size'
docker run -d --name one --network none --memory 64m demo-host \
    sh -c 'echo started; trap "exit 7" TERM; while :; do sleep 0.05; done' >/dev/null || failed=1
check "state" 0 "running" inspect --format '{{.State.Status}}' one
docker top one | grep -q 'echo started' && echo "ok    top" || { failed=1; echo "FAIL  top"; }
check "logs" 0 "started" logs one
check "exec" 4 "in" exec one sh -c 'echo in; exit 4'
check "exec as" 0 "1000 /usr b" exec -u 1000 -w /usr -e A=b one sh -c 'echo $(id -u) $PWD $A'
check "exec, privileged" 0 "0000000000000000" exec one sh -c 'grep CapInh /proc/self/status | cut -f2'
check "exec of nothing" 126 "~executable file not found" exec one nosuch
check "exec with a terminal" 0 "$(printf '/dev/pts/0\r')" exec -t one tty
check "exec with input" 0 "from outside" exec -i one cat <<end
from outside
end
check "stats" 0 "64MiB" stats --no-stream --format '{{slice .MemUsage 9}}' one
check "update" 0 "one" update --memory 80m --memory-swap 80m --pids-limit 60 one
check "updated" 0 "83886080" exec one sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max'
check "pause" 0 "one" pause one
check "paused" 0 "paused" inspect --format '{{.State.Status}}' one
check "unpause" 0 "one" unpause one
check "stop" 0 "one" stop one
check "its code" 0 "7" inspect --format '{{.State.ExitCode}}' one
check "start again" 0 "one" start one
check "kill" 0 "one" kill one
check "wait" 0 "137" wait one
check "restart" 0 "one" restart -t 1 one
docker rm -f one >/dev/null || failed=1
docker run -d --name healthy --network none --health-cmd true --health-interval 1s demo-host sleep 100 >/dev/null || failed=1
sleep 2.5
check "health" 0 "healthy" inspect --format '{{.State.Health.Status}}' healthy
docker rm -f healthy >/dev/null
mkdir "$work/build" && printf 'FROM demo-host\nRUN echo built >/made && chmod 644 /made\nUSER 1001\nCMD ["cat", "/made"]\n' >"$work/build/Dockerfile"
check "build" 0 "~sha256:" build -q --network none -t made "$work/build"
run "what was built" 0 "built" made
check "nothing left" 0 "" ps -aq
exit $failed
