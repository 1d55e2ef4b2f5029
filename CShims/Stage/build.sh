#!/bin/sh
# build.sh CLANG OUTPUT.swift : compiles perigee-stage for every architecture and writes it as a Swift constant, which
# the build links into the executable. Run by the EmbedPlugin.
set -eu
clang=$1 output=$2
cd "$(dirname "$0")"
work=$(mktemp -d "$output.XXXXXX")
trap 'rm -rf "$work"' EXIT
{
    echo "// perigee-stage, made by CShims/Stage/build.sh from the C beside it."
    for arch in x86_64 arm64; do
        triple=$arch; [ $arch = arm64 ] && triple=aarch64
        "$clang" --target=$triple-unknown-linux-gnu -std=c11 -O2 -ffreestanding -fno-builtin -fno-stack-protector \
            -fno-asynchronous-unwind-tables -fno-pic -Wall -Wextra -Werror -Wvla -Wframe-larger-than=8192 \
            -nostdlib -static -fuse-ld=lld -Wl,--build-id=none,-z,noseparate-code,-z,noexecstack,--gc-sections \
            -I ../CLaunch/include -I ../CLinux/include -o "$work/stage" ./*.c
        echo "#if arch($arch)"
        echo "/// The executable, an ELF file padded to whole words, least byte first."
        echo "let stageWords: [UInt64] = ["
        # od pads the last word with zeroes; a file may be longer than its last section
        od -An -v -tx8 "$work/stage" | sed 's/  *\([0-9a-f]*\)/0x\1,/g'
        echo "]"
        echo "#endif"
    done
} > "$work/swift"
mv "$work/swift" "$output"
