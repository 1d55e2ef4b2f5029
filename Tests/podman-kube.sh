#!/bin/sh
# podman-kube.sh PERIGEE : the manifests that `pod bundle` writes are run by `podman kube play` to their ends, one step after the
# other, and the same task file by perigee: each pod must print the same, and leave the same in its volume. A published port is
# asked meanwhile. What podman ignores of them is in the documentation's page Kubernetes, and is looked for here. podman has a
# network namespace to itself, for its bridge; perigee another one.
set -eu
perigee=$(realpath "$1")
if [ "${2:-}" != inside ]; then exec unshare -n -m --propagation private "$0" "$perigee" inside; fi
images=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}/images
work=$(mktemp -d /tmp/perigee-test-kube.XXXXXX)
mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni # what it would leave there is another network's
ip link set lo up
podman() { timeout 60 podman --root "$work/podman" --runroot "$work/run" --storage-driver vfs --cgroup-manager cgroupfs "$@"; }
clean() { # whatever there is; Tests/leftovers.sh looks what is not gone
    set +e
    podman pod rm -fa -t 0 >/dev/null 2>&1
    for name in first left right server; do
        "$perigee" --store "$work/store" --root "$work/root" pod rm --force --tenant kube "$name" >/dev/null 2>&1
    done
    umount -R "$work/podman/vfs" 2>/dev/null
    rm -rf "$work"
    find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} \; 2>/dev/null
}
trap clean EXIT
fail() {
    echo "error: $1"
    exit 1
}
# This host may not give more, and podman asks for what its own limits are.
printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n' >"$work/containers.conf"
export CONTAINERS_CONF="$work/containers.conf"
cat >"$work/task.yaml" <<'end'
- id: First
  type: dphi.space.cg2.pod.run
  pod_name: first
  image: {name: demo-host, tag: latest}
  command: [/bin/sh]
  args: [-c, 'echo "hello from $0 as `hostname`, `id -u`" | tee /data/first', 'a "word"; $HOME']
  volume: shared
  max_duration: 2
- id: Left
  type: dphi.space.cg2.pod.run
  pod_name: left
  image: {name: demo-host, tag: latest}
  command: 'echo left of `cat /data/first`; until [ -e /data/right ]; do sleep 0.1; done; cat /data/right; exit 3'
  volume: shared
  on_failure: continue
  merge: true
- id: Right
  type: dphi.space.cg2.pod.run
  pod_name: right
  image: {name: demo-host, tag: latest}
  command: 'echo right > /data/right; echo done >&2'
  volume: shared
  merge: true
- id: Server
  type: dphi.space.cg2.pod.run
  pod_name: server
  image: {name: demo-host, tag: latest}
  command: 'ls /data; echo served by `hostname` | nc -l -p 8080; echo ended'
  volume: shared
  ports: [{container: 8080, host: 18080}]
end
# So that each is still there at the end.
echo '{"defaults": {"mode": "parallel", "max_pods": 8}}' >"$work/config.json"
chmod 644 "$work/config.json"
"$perigee" --store "$work/store" image load "$images/demo-host.oci.tar" >/dev/null
"$perigee" pod bundle --tenant kube -o "$work/bundle" "$work/task.yaml"
podman load -q -i "$images/demo-host.docker.tar" >/dev/null
echo "podman $(podman version --format '{{.Client.Version}}')"

# Asks the published port until somebody answers; in the background, since its pod ends with the answer.
ask() {
    python3 - "$1" <<'end'
import socket, sys, time
end = time.monotonic() + 50
while time.monotonic() < end:
    try:
        with socket.create_connection(("127.0.0.1", 18080), 5) as peer:
            said = peer.makefile().read()
        if said:
            sys.exit(open(sys.argv[1], "w").write(said) == 0)
    except OSError:
        pass
    time.sleep(0.05)
sys.exit("nobody answers")
end
}

# By perigee, in a namespace of its own, whose exit ends the links there.
cat >"$work/own.sh" <<'end'
set -eu
ip link set lo up
"$1" --store "$2/store" --root "$2/root" --config-file "$2/config.json" pod run --tenant kube "$2/task.yaml" >"$2/own.out" 2>&1 || status=$?
echo "${status:-0}" >"$2/own.status"
end
unshare -n sh -c "$(sed -n '/^ask() {$/,/^}$/p' "$0")
ip link set lo up; ask \"\$2/own.answer\" & asks=\$!; sh \"\$2/own.sh\" \"\$1\" \"\$2\"; wait \$asks" sh "$perigee" "$work" ||
    fail "perigee: $(cat "$work/own.out")"
for name in first left right server; do
    "$perigee" --store "$work/store" --root "$work/root" pod logs --tenant kube "$name" >"$work/own.$name" 2>&1 ||
        fail "no log of $name: $(cat "$work/own.$name" "$work/own.out")"
done

# By podman.
for id in First Left Server; do
    [ $id = Server ] && { ask "$work/podman.answer" & asks=$!; }
    podman kube play -q "$work/bundle/manifests/$id.yaml" >"$work/play" 2>&1 || fail "podman kube play $id: $(cat "$work/play")"
    case $id in First) names=first ;; Left) names="left right" ;; Server) names=server ;; esac
    for name in $names; do
        code=$(podman wait "kube-$name-main") || fail "$name does not end"
        podman logs "kube-$name-main" >"$work/podman.$name" 2>&1
        want=0
        [ $name = left ] && want=3
        [ "$code" = $want ] || fail "$name: exit code $code: $(cat "$work/podman.$name")"
        cmp "$work/own.$name" "$work/podman.$name" || fail "$name: perigee's and podman's output differ:
$(cat "$work/own.$name")
--
$(cat "$work/podman.$name")"
        echo "ok    $name: $(head -1 "$work/podman.$name")"
    done
    [ $id = Server ] && { wait $asks || fail "podman's port is not reached"; }
done
cmp "$work/own.answer" "$work/podman.answer"
echo "ok    port: $(cat "$work/podman.answer")"
own="$work/store/volumes/kube/shared"
its=$(podman volume inspect --format '{{.Mountpoint}}' kube-shared)
diff -r "$own" "$its" || fail "the volumes differ"
echo "ok    volume: $(ls "$its" | tr '\n' ' ')"

# What it ignores, as the documentation says.
ignored() { # field, format, what podman has in its place
    found=$(podman inspect --format "$2" kube-first-main)
    [ "$found" = "$3" ] || fail "$1: podman has $found; the documentation says that it ignores it"
    echo "ok    ignored: $1"
}
ignored activeDeadlineSeconds '{{.Config.Timeout}}' 0
ignored terminationGracePeriodSeconds '{{.Config.StopTimeout}}' 10
printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec:\n  restartPolicy: Never\n  containers:\n  - {name: c, image: demo-host, command: [echo, "$$(uname)"]}\n' >"$work/dollar.yaml"
podman kube play -q "$work/dollar.yaml" >/dev/null
podman wait d-c >/dev/null
# Kubernetes prints $(uname).
[ "$(podman logs d-c)" = '$$(uname)' ] || fail "podman reads \$\$( now: the documentation says that it does not"
echo 'ok    ignored: $$('
