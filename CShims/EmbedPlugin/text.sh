#!/bin/sh
# text.sh CONSTANT FILE OUTPUT.swift : the text of FILE as a Swift string constant.
set -eu
{
    echo "/// The text of $(basename "$2"), put here by the build."
    echo "package let $1: StaticString = ###\"\"\""
    cat "$2"
    echo
    echo '"""###'
} > "$3.new"
mv "$3.new" "$3"
