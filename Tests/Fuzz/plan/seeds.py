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

    def __init__(self, path: str = "/dev/pts") -> None:
        self.bytes = bytearray(b"\0" * 8)
        self.path = path

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
            return self.text(self.path)
        if letter == "o":
            return self.text("source")
        if letter == "l":
            return len(self.path)
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


def plan(kinds: list[int], script: bytes, flags: int, pool: Pool) -> bytes:
    operations = b"".join(operation(kind, OPERATIONS[kind][1], n + 1, pool) for n, kind in enumerate(kinds))
    pool.bytes += b"\0" * (-len(pool.bytes) % 8)
    count = len(kinds)
    return bytes([1, count, 3, count, flags]) + struct.pack("<H", len(pool.bytes)) + pool.bytes + operations + script


def whole(kinds: list[int], **changes: int) -> bytes:
    """A plan with its header, as the runtime lays it out; `changes` are lies in the header."""
    pool = Pool()
    operations = b"".join(operation(kind, OPERATIONS[kind][1], n + 1, pool) for n, kind in enumerate(kinds))
    pool.bytes += b"\0" * (-len(pool.bytes) % 8)
    at = HEADER_BYTES + len(pool.bytes)
    result = (at + len(operations) + 4095) // 4096 * 4096
    size = result + 24 + (len(kinds) + 1) * 16
    header = {
        "magic": 0x31475250, "size": size, "operations": at, "operation_count": len(kinds), "result": result,
        "step_count": len(kinds), "flags": 0, "control": 3, "descriptor_count": 1, "reserved": 0,
    } | changes
    body = struct.pack("<10I96i", *header.values(), *([4] * 96)) + pool.bytes + operations
    return b"\0" + body + b"\0" * (size - len(body))


def main() -> None:
    folder = Path(sys.argv[1])
    number = {name: kind for kind, (name, _) in enumerate(OPERATIONS)}
    root, last = number["ATTACH_ROOT"], number["EXEC"]
    # What comes first: prctl, close_range, umask; then the three calls that attach the root.
    begun = bytes(6)
    for name, kind in number.items():
        for result, script in [("works", b""), ("fails", bytes([13]) * 12), ("mixed", bytes([0, 38, 0, 2]) * 8)]:
            kinds = [root, last] if kind == last else [root, kind, last]
            (folder / f"{name.lower()}-{result}").write_bytes(plan(kinds, begun + script, 0, Pool()))
    # A path that is too long, and of which there is nothing yet.
    for kind_of_path, path in [("component", "a" * 4200), ("components", "a/" * 2100)]:
        for name in ("DIRECTORY", "MOUNT_ATTRIBUTES", "DEVICE"):
            made = plan([root, number[name], last], begun + bytes([2]), 0, Pool(path))
            (folder / f"long-{kind_of_path}-{name.lower()}").write_bytes(made)
    # A new file system that takes over what is in a directory: files, links and directories, as the kernel has it.
    for name, script in [("directory", bytes(9) + bytes([0, 2, 0, 0, 0, 0x40, 0, 0, 0, 0]) * 9),
                         ("file", bytes(9) + bytes([0, 2, 0, 0, 0, 0x80, 0, 0, 0, 2]) * 9),
                         ("link", bytes(9) + bytes([0, 2, 0, 0, 0, 0xA0, 0, 0, 0, 0]) * 9), ("mixed", bytes([0, 2, 0, 0]) * 60)]:
        made = bytearray(plan([root, number["MOUNT"], last], begun + script, 0, Pool()))
        made[len(made) - len(begun + script) - 2 * 40 + 32] = 8 | 16 # y of the second of three operations
        (folder / f"copied-{name}").write_bytes(bytes(made))
    # Two masked directories: opened, looked at (mode 040000), covered by a new tmpfs and then by a clone of it.
    directory = bytes([0, 0, 0x00, 0x40, 0, 0, 1, 0])
    script = begun + directory + bytes(6) + directory + bytes(2)
    (folder / "masked-directories").write_bytes(plan([root, number["MASK"], number["MASK"], last], script, 0, Pool()))
    # A terminal: devpts, its ptmx (mode 020000, 5:2), and all that follows.
    script = begun + bytes([0, 0, 0, 0, 0, 0x00, 0x20, 0, 0, 2])
    (folder / "terminal-whole").write_bytes(plan([root, number["TERMINAL"], last], script, 0, Pool()))
    (folder / "whole").write_bytes(whole([last]))
    (folder / "whole-cut").write_bytes(whole([last])[:300])
    for field, value in [
        ("magic", 0), ("size", 5000), ("operations", 8), ("operations", 441), ("operation_count", 0),
        ("operation_count", 1 << 30), ("result", 4097), ("result", 1 << 20), ("step_count", 0), ("step_count", 65535),
        ("descriptor_count", 97),
    ]:
        (folder / f"whole-{field}-{value}").write_bytes(whole([last], **{field: value}))
    everything = list(number.values())
    (folder / "everything").write_bytes(plan(everything, bytes(400), 0, Pool()))
    (folder / "everything-mixed").write_bytes(plan(everything, bytes([0, 0, 0, 255, 0, 0, 38]) * 40, 1, Pool()))


main()
