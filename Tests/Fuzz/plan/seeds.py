#!/usr/bin/env python3
"""seeds.py DIR: writes a first corpus for the plan fuzzer, one input for each operation of launch.h and two plans of all
of them, so that the fuzzer need not guess what a well-formed plan looks like."""

import re
import struct
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3]
HEADER = (PACKAGE / "CShims/CLaunch/include/launch.h").read_text()
OPERATIONS = re.findall(r'X\((\w+), "(.{4})"\)', HEADER)
HEADER_BYTES = 40 + 4 * 96


class Pool:
    """The pool of a plan; offsets count from the arena's start."""

    def __init__(self) -> None:
        self.bytes = bytearray(b"\0" * 8)

    def put(self, data: bytes, alignment: int = 1) -> int:
        self.bytes += b"\0" * (-len(self.bytes) % alignment)
        self.bytes += data
        return HEADER_BYTES + len(self.bytes) - len(data)

    def text(self, text: str) -> int:
        return self.put(text.encode() + b"\0")

    def array(self, *texts: str) -> int:
        offsets = [self.text(text) for text in texts]
        return self.put(struct.pack(f"<{len(offsets) + 1}Q", *offsets, 0), 8)

    def field(self, letter: str) -> int:
        """Something that the letter of launch.h may refer to."""
        if letter == "s":
            return self.text("/dev/pts")
        if letter == "o":
            return self.text("source")
        if letter == "l":
            return len("/dev/pts")
        if letter == "v":
            return self.array("/bin/sh", "-c", "true")
        if letter == "p":
            return self.put(b"mode\x00755\0ro\0\1\0\0")
        if letter == "g":
            return self.put(struct.pack("<2I", 5, 6), 8)
        if letter == "f":
            return self.put(struct.pack("<2Q", 6, 6), 8)
        return 0


def operation(kind: int, fields: str, step: int, pool: Pool) -> bytes:
    values = [pool.field(letter) for letter in fields]
    if fields[0] == "g":
        values[1] = 2
    if fields[0] == "f":
        values[1] = 16
    return struct.pack("<HH5I2Q", kind, step, *values, 0, 1, 0)


def plan(kinds: list[int], script: bytes, flags: int) -> bytes:
    pool = Pool()
    operations = b"".join(operation(kind, OPERATIONS[kind][1], n + 1, pool) for n, kind in enumerate(kinds))
    pool.bytes += b"\0" * (-len(pool.bytes) % 8)
    count = len(kinds)
    return bytes([1, count, 3, count, flags]) + struct.pack("<H", len(pool.bytes)) + pool.bytes + operations + script


def main() -> None:
    folder = Path(sys.argv[1])
    last = len(OPERATIONS) - 1
    for kind, (name, _) in enumerate(OPERATIONS):
        for result, script in [("works", b""), ("fails", bytes([13]) * 12), ("mixed", bytes([0, 38, 0, 2]) * 8)]:
            kinds = [kind] if kind == last else [kind, last]
            (folder / f"{name.lower()}-{result}").write_bytes(plan(kinds, script, flags=0))
    everything = list(range(len(OPERATIONS)))
    (folder / "everything").write_bytes(plan(everything, bytes(400), flags=0))
    (folder / "everything-mixed").write_bytes(plan(everything, bytes([0, 0, 0, 255, 0, 0, 38]) * 40, flags=1))


main()
