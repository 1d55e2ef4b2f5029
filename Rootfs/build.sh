#!/bin/sh
# build.sh FLAGS... : swift build, its output without the linker's warnings about dlopen and getpwnam in the Swift and C
# libraries, which a static executable of ours never calls.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build "$@" >"$log" 2>&1
status=$?
if [ $status = 0 ]; then tail -1 "$log"; else grep -v 'in statically linked applications requires' "$log"; fi
exit $status
