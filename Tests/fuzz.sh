#!/bin/sh
# fuzz.sh [SECONDS] : builds each fuzzer of Tests/Fuzz, replays its corpus, and lets it look for more for SECONDS (default
# 0: the corpus alone). A fuzzer is a folder with `build.sh OUT`, which makes a libFuzzer program, and `corpus`. What it
# finds is left in .build/fuzz; inputs that reach new code are left in .build/fuzz/NAME.found, for the corpus.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:-0}
failed=0
mkdir -p .build/fuzz
for folder in Tests/Fuzz/*/; do
    name=$(basename "$folder")
    program=.build/fuzz/$name
    found=$program.found
    mkdir -p "$found"
    if ! "$folder/build.sh" "$program" >"$program.log" 2>&1; then
        echo "FAIL  $name does not build"
        tail -20 "$program.log"
        failed=1
        continue
    fi
    # With runs=0 the inputs that there are are run, and no new ones made.
    limit=-max_total_time=$seconds
    [ "$seconds" = 0 ] && limit=-runs=0
    if "$program" "$limit" -timeout=20 -max_len=16384 -artifact_prefix="$program." "$found" "${folder}corpus" \
        >"$program.log" 2>&1; then
        echo "ok    $name: $(ls "${folder}corpus" | wc -l) inputs, $(grep -E '^(Done|#.*DONE)' "$program.log" | tail -1)"
    else
        echo "FAIL  $name: an input that breaks it is in $program.*"
        grep -E 'ERROR|SUMMARY|broke a rule|Test unit' "$program.log" | head -8
        failed=1
    fi
done
exit $failed
