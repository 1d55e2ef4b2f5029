#!/bin/sh
# run.sh : everything that `make test` runs. Root, since containers are made for real. A line for each part, the failures
# in full, and a test that was skipped is a failure unless Tests/expected-skips names it.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ "$(id -u)" != 0 ]; then
    echo "run.sh: the tests make containers and need root: sudo make test" >&2
    exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
part() { # name, command...
    name=$1
    shift
    start=$(date +%s)
    if "$@" >"$log" 2>&1; then
        echo "ok    $name ($(($(date +%s) - start)) s)"
    else
        failed=1
        echo "FAIL  $name ($(($(date +%s) - start)) s)"
        grep -E '✘|error:|FAIL|Fatal' "$log" | head -60
        [ -s "$log" ] && tail -20 "$log"
    fi
}
unit_tests() {
    swift test || return 1
    # "➜" marks a skipped test
    grep '➜' "$log" | grep -v -F -f Tests/expected-skips && { echo "error: skipped without leave"; return 1; }
    return 0
}
part "format" make -s format-check
part "test images" Rootfs/images/build.py demo demo-host python layers foreign
part "qemu-user" Rootfs/binfmt.sh
part "tests" unit_tests
grep 'Test run with' "$log"
part "manifests, by Kubernetes' schemas" Tests/manifests.sh .build/release/perigee
part "fuzzers' corpora" Tests/fuzz.sh
part "faults, one in 61" Tests/faults.py --every 61
part "podman's images" Tests/podman-smoke.sh .build/release/perigee
part "podman's kube play of our manifests" Tests/podman-kube.sh .build/release/perigee
part "podman on perigee" Tests/engines/podman.sh .build/release/perigee
part "1,000 containers, 8 at a time" Tests/cycles.sh .build/release/perigee
part "nothing left on the host" Tests/leftovers.sh
[ $failed = 0 ] && echo "all tests passed"
exit $failed
