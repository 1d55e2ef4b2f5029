#!/bin/sh
# cycles.sh RUNTIME [COUNT] [TOGETHER] : containers that are created, started, killed and deleted, several at a time. Each
# call must succeed, and nothing may be left of any.
set -u
runtime=$(realpath -e "$1") || exit 1
count=${2:-1000} together=${3:-8}
cache=${PERIGEE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/perigee}
work=$(mktemp -d /tmp/perigee-test-cycles.XXXXXX)
trap 'rm -rf "$work"' EXIT
"$runtime" --store "$work/store" image load "$cache/images/demo-host.oci.tar" >/dev/null || exit 1
"$runtime" --store "$work/store" image unpack demo-host "$work/rootfs" >/dev/null || exit 1
"$runtime" spec -b "$work" || exit 1
python3 - "$work/config.json" <<'end' || exit 1
import json, sys
with open(sys.argv[1]) as file: config = json.load(file)
config["process"].update(terminal=False, args=["/bin/sleep", "1000"])
with open(sys.argv[1], "w") as file: json.dump(config, file)
end
mounts=$(wc -l </proc/self/mountinfo)
cat >"$work/cycle" <<'end'
#!/bin/sh
# RUNTIME DIRECTORY NAME
fail() { echo "$1 of $name failed" >>"$directory/failures"; }
runtime=$1 directory=$2 name=$3
own() { "$runtime" --root "$directory/root" "$@" </dev/null >"$directory/$name.out" 2>&1; }
own create -b "$directory" --pid-file "$directory/$name.pid" "$name" || { fail create; cat "$directory/$name.out" >>"$directory/failures"; exit; }
own start "$name" || fail start
own kill "$name" KILL || fail kill
# It is being killed; `delete` refuses as long as it is not dead.
n=0
while ! own delete "$name"; do
    n=$((n + 1))
    [ $n -gt 100 ] && { fail delete; cat "$directory/$name.out" >>"$directory/failures"; break; }
    sleep 0.02
done
grep -q '^State:.[^ZX]' "/proc/$(cat "$directory/$name.pid")/status" 2>/dev/null && fail "the end"
rm -f "$directory/$name.out" "$directory/$name.pid"
echo "$name" >>"$directory/ended"
end
start=$(date +%s)
seq "$count" | xargs -P "$together" -I @@ sh "$work/cycle" "$runtime" "$work" cycle@@
failures=$work/failures
touch "$failures" "$work/ended"
[ "$(wc -l <"$work/ended")" = "$count" ] || echo "$(wc -l <"$work/ended") of $count came to their end" >>"$failures"
[ "$(find "$work/root" -mindepth 1 ! -name '@*' | wc -l)" = 0 ] || echo "states are left: $(ls "$work/root")" >>"$failures"
[ "$(wc -l </proc/self/mountinfo)" = "$mounts" ] || echo "mounts are left" >>"$failures"
find /sys/fs/cgroup -type d -name '*.cycle[0-9]*' >>"$failures"
pgrep -f "^/bin/sleep 1000" >>"$failures"
if [ -s "$failures" ]; then
    head -20 "$failures"
    echo "cycles: $(wc -l <"$failures") failures in $count"
    exit 1
fi
echo "cycles: $count containers, $together at a time, nothing left, $(($(date +%s) - start)) s"
