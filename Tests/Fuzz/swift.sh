#!/bin/sh
# swift.sh OUT FILE : builds a fuzzer in Swift of the rooms OCI and Images, of which it may use what is internal. The
# rooms are built for it apart, with coverage counters and the address sanitizer.
set -eu
output=$(realpath -m "$1")
source=$(realpath "$2")
cd "$(dirname "$0")/../.."
build=.build/fuzz-swift
swift build --scratch-path $build -c release --target Images \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing -Xcc -fsanitize=address -Xcc -fsanitize=fuzzer-no-link
# SwiftPM's name for this package, after its folder, without which `package` declarations are not seen.
name=$(sed -n 's/.*"-package-name","\([^"]*\)".*/\1/p' $build/release.yaml | head -1)
# shellcheck disable=SC2086
swiftc -use-ld=lld -swift-version 6 -O -g -sanitize=fuzzer,address -parse-as-library -package-name "$name" -Xcc -D_GNU_SOURCE \
    -enable-upcoming-feature ExistentialAny -warnings-as-errors \
    -I $build/release/Modules -I CShims/CLinux/include \
    -Xcc -fmodule-map-file=$build/release/CLinux.build/module.modulemap \
    $(for library in CArchive CCrypto CJansson CZlib CZstd; do echo -I CShims/$library; done) \
    -o "$output.program" "$source" Tests/Fuzz/Demand.swift $build/release/Images.build/*.o $build/release/OCI.build/*.o $build/release/Linux.build/*.o \
    $(find $build/release/CLinux.build -name '*.o') -larchive -lcrypto -lz -lzstd -ljansson
# Swift's own crash handler would take the crashes from libFuzzer, which then would not keep the input.
printf '#!/bin/sh\nSWIFT_BACKTRACE=enable=no exec "%s.program" "$@"\n' "$output" >"$output"
chmod +x "$output"
