#!/bin/sh
# swift.sh OUT FILE : builds a fuzzer in Swift of the rooms down to Pods, of which it may use what is internal. The
# rooms are built for it apart, with coverage counters and the address sanitizer.
set -eu
output=$(realpath -m "$1")
source=$(realpath "$2")
cd "$(dirname "$0")/../.."
build=.build/fuzz-swift
swift build --scratch-path $build -c release --target Pods \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing -Xcc -fsanitize=address -Xcc -fsanitize=fuzzer-no-link
# SwiftPM's name for this package, after its folder, without which `package` declarations are not seen.
name=$(sed -n 's/.*"-package-name","\([^"]*\)".*/\1/p' $build/release.yaml | head -1)
rooms="Pods Network Containers Launching Planning Seccomp Cgroups Images OCI Linux CLaunch CLinux"
# shellcheck disable=SC2086
swiftc -use-ld=lld -swift-version 6 -O -g -sanitize=fuzzer,address -parse-as-library -package-name "$name" -Xcc -D_GNU_SOURCE \
    -enable-upcoming-feature ExistentialAny -warnings-as-errors \
    -I $build/release/Modules -I CShims/CLinux/include -I CShims/CLaunch/include \
    -Xcc -fmodule-map-file=$build/release/CLinux.build/module.modulemap \
    -Xcc -fmodule-map-file=$build/release/CLaunch.build/module.modulemap \
    $(for library in CArchive CCrypto CSeccomp CYaml CZlib CZstd; do echo -I CShims/$library; done) \
    -o "$output.program" "$source" Tests/Fuzz/Demand.swift \
    $(for room in $rooms; do find $build/release/$room.build -name '*.o'; done) \
    -larchive -lcrypto -lseccomp -lyaml -lz -lzstd
# Swift's own crash handler would take the crashes from libFuzzer, which then would not keep the input.
printf '#!/bin/sh\nSWIFT_BACKTRACE=enable=no exec "%s.program" "$@"\n' "$output" >"$output"
chmod +x "$output"
