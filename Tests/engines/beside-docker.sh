#!/bin/sh
# beside-docker.sh PERIGEE : published ports of pods beside a dockerd that has rules of its own, on a host of the test's own: one
# network namespace for both, and another one that asks from outside. Both kinds of ports are reached while both are there, from
# the host and from outside, though docker's FORWARD drops; neither reaches into the other's networks; and after the pods the
# host is as it was before them. docker's containers are run by its own runc.
set -u
perigee=$(realpath -e "$1") || exit 1
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
if [ "${2:-}" != inside ]; then exec unshare -n -m --propagation private "$0" "$perigee" inside; fi
work=$(mktemp -d /tmp/perigee-test-beside.XXXXXX)
failed=0
docker() { command docker -H "unix://$work/docker.sock" "$@"; }
own() { "$perigee" --store "$work/store" --root "$work/perigee" --config-file "$work/config.json" "$@"; }
outside() { nsenter --net="/proc/$outside/ns/net" "$@"; }
clean() {
    for name in web client; do own pod rm --force "$name"; done >/dev/null 2>&1
    docker ps -aq 2>/dev/null | while read -r id; do docker rm -f "$id"; done >/dev/null 2>&1
    [ -s "$work/dockerd.pid" ] && kill "$(cat "$work/dockerd.pid")" && tail --pid="$(cat "$work/dockerd.pid")" -f /dev/null
    [ -n "${outside:-}" ] && kill "$outside"
    umount -R "$work/root" 2>/dev/null
    rm -rf "$work"
    find /sys/fs/cgroup -depth -type d -path '*/perigee-docker*' -exec rmdir {} \; 2>/dev/null
}
trap clean EXIT
ok() { # what, what is said, what is expected
    if [ "$2" = "$3" ]; then
        echo "ok    $1"
    else
        failed=1
        echo "FAIL  $1: '$2', expected '$3'"
    fi
}
until_true() { # what, command...
    what=$1
    shift
    n=0
    until "$@" >/dev/null 2>&1; do
        n=$((n + 1))
        [ $n = 200 ] && { echo "FAIL  $what"; exit 1; }
        sleep 0.1
    done
}
# A host with an address, and a neighbour.
unshare -n sleep 600 &
outside=$!
until_true "a network namespace" test "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$outside/ns/net)"
ip link set lo up
ip link add up0 type veth peer name up0 netns "$outside"
ip addr add 198.51.100.1/24 dev up0 && ip link set up0 up
outside ip link set lo up && outside ip addr add 198.51.100.2/24 dev up0 && outside ip link set up0 up
echo 0 >/proc/sys/net/ipv4/ip_forward # as on a host where docker is the first to set it

echo '{}' >"$work/daemon.json"
dockerd --config-file "$work/daemon.json" --data-root "$work/root" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" \
    -H "unix://$work/docker.sock" --storage-driver vfs --cgroup-parent perigee-docker \
    --default-ulimit nofile=1024:1024 >"$work/log" 2>&1 &
until_true "dockerd does not start" docker version
echo "docker $(docker version --format '{{.Server.Version}}')"
docker load -q -i "$images/demo-host.docker.tar" >/dev/null && docker tag localhost/demo-host demo-host || exit 1
docker run -d --name theirs -p 18090:80 demo-host sh -c 'while :; do echo theirs | nc -l -p 80; done' >/dev/null || exit 1
theirs=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' theirs)
ok "docker's FORWARD drops" "$(iptables -S FORWARD | head -1)" "-P FORWARD DROP"

# Counters and times differ.
state() {
    nft -s list ruleset 2>/dev/null
    iptables-save | sed '/^#/d; s/ \[.*//'
    ip -o link | sed 's/ promiscuity.*//' | grep -v veth
    ip -4 route show table all
    cat /proc/sys/net/ipv4/ip_forward
    ls -A "$work/perigee" 2>/dev/null | grep networks
}
# The whole answer of a port; nothing where nobody answers.
ask() { # where, host, port
    "$1" timeout 5 python3 -c '
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 1) as peer:
        print(peer.makefile().read().strip())
except OSError:
    print("nothing")' "$2" "$3"
}
here() { "$@"; }
answers() { [ "$(ask "$@")" != nothing ]; }
until_true "docker's port" answers here 198.51.100.1 18090
state >"$work/before"

echo '{"defaults": {"mode": "parallel", "max_pods": 4}}' >"$work/config.json"
chmod 644 "$work/config.json"
own image load "$images/demo-host.oci.tar" >/dev/null || exit 1
for round in 1 2; do
    own pod run --detach --name web --image demo-host --publish 18080:80 'while :; do echo ours | nc -l -p 80; done' >/dev/null
    own pod run --detach --name client --image demo-host 'while :; do sleep 1; done' >/dev/null
    until_true "our port" answers here 198.51.100.1 18080
    for from in here outside; do
        for port in "18080 ours" "18090 theirs"; do
            set -- $port
            # One that has just answered does not listen for a moment.
            until_true "port $1, $from" answers $from 198.51.100.1 "$1"
            n=0
            until said=$(ask $from 198.51.100.1 "$1"); [ "$said" = "$2" ] || [ $n = 50 ]; do n=$((n + 1)); sleep 0.05; done
            ok "round $round: port $1, asked from $from" "$said" "$2"
        done
    done
    ours=$(own pod exec web -- sh -c 'grep default-web /etc/hosts | cut -d" " -f1')
    ok "round $round: docker's container does not reach a pod" \
        "$(docker exec theirs sh -c "nc -w 1 $ours 80 </dev/null || echo nothing" 2>/dev/null)" nothing
    ok "round $round: a pod does not reach docker's container" \
        "$(own pod exec client -- sh -c "nc -w 1 $theirs 80 </dev/null || echo nothing" 2>/dev/null)" nothing
    # docker writes its chains anew when it starts a container.
    docker run --rm demo-host true || failed=1
    until_true "port 18080 after docker's change" answers outside 198.51.100.1 18080
    for name in web client; do own pod rm --force "$name" >/dev/null || failed=1; done
    state >"$work/after"
    ok "round $round: the host is as it was" "$(diff "$work/before" "$work/after")" ""
    until_true "docker's port after ours" answers outside 198.51.100.1 18090
done
exit $failed
