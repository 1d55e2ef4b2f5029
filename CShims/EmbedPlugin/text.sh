#!/bin/sh
# text.sh CONSTANT FILE OUTPUT.swift : the text of FILE as a Swift string constant, and its digest as another.
set -eu
{
    echo "/// The text of $(basename "$2"), put here by the build."
    echo "package let $1: StaticString = ###\"\"\""
    cat "$2"
    echo
    echo '"""###'
    echo
    echo "/// The SHA-256 digest of $(basename "$2"), in hexadecimal."
    echo "package let $1Digest: StaticString = \"$(sha256sum < "$2" | cut -d ' ' -f 1)\""
} > "$3.new"
mv "$3.new" "$3"
