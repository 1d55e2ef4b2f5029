#!/bin/sh
# build.sh OUT : builds the fuzzer.
exec "$(dirname "$0")/../swift.sh" "$1" "$(dirname "$0")/fuzz.swift"
