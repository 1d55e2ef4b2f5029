#!/bin/sh
# build.sh OUT : builds the fuzzer of the plan validator and of the stage. CLANG names a clang that has libFuzzer.
set -eu
output=$(realpath -m "$1")
cd "$(dirname "$0")/../../.."
stage=$(ls CShims/Stage/*.c | grep -v /entry.c) # libc has an entry of its own
# shellcheck disable=SC2086
"${CLANG:-clang}" -std=c11 -g -O1 -DPERIGEE_FUZZ -fno-builtin -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined -fuse-ld=lld -Wall -Wextra -Werror -I CShims/CLaunch/include -I CShims/Stage \
    -o "$output" Tests/Fuzz/plan/plan.c CShims/CLaunch/validate.c $stage
