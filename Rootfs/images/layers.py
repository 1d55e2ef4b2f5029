"""Layers: file system changes as values, and the tar archives that carry them.

The writer is our own because the bytes must be the same whichever Python runs it, and because the test images want
things that `tarfile` rounds off (nanoseconds) or wraps in a vendor's header (binary attribute values).
"""

from __future__ import annotations

import posixpath
import subprocess
import zlib
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Iterable, Iterator, Mapping

from debian import BuildError

BLOCK = 512
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"

TYPE_FLAGS = {"file": b"0", "hardlink": b"1", "symlink": b"2", "directory": b"5", "fifo": b"6"}


@dataclass(frozen=True)
class Entry:
    """One member of a layer. `path` is relative to the root, which is the empty path; `mtime` is in nanoseconds."""

    path: str
    kind: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    content: bytes = b""
    target: str = ""
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


class Layer:
    """A set of entries. What is added again replaces what had the same path."""

    def __init__(self, mtime: int = 0, prefix: str = "") -> None:
        """`mtime` is that of entries that bring none; `prefix` stands before the names, as in `tar -C root .`."""
        self.mtime = mtime
        self.prefix = prefix
        self.entries: dict[str, Entry] = {}

    def __contains__(self, path: str) -> bool:
        return path in self.entries

    def add(self, entry: Entry) -> None:
        self.entries[entry.path] = entry

    def directory(self, path: str, mode: int = 0o755, **attributes: object) -> None:
        self._make(path, "directory", mode, attributes)

    def file(self, path: str, content: bytes | str = b"", mode: int = 0o644, **attributes: object) -> None:
        content = content.encode() if isinstance(content, str) else content
        self._make(path, "file", mode, {"content": content, **attributes})

    def symlink(self, path: str, target: str, **attributes: object) -> None:
        self._make(path, "symlink", 0o777, {"target": target, **attributes})

    def hardlink(self, path: str, target: str, **attributes: object) -> None:
        """A further name of `target`, which is a path in this layer or in one below. Real archives repeat the
        target's attributes: those of this layer are known, those of one below must be given."""
        if known := self.entries.get(target):
            attributes = {"mode": known.mode, "uid": known.uid, "gid": known.gid, "mtime": known.mtime, **attributes}
        self._make(path, "hardlink", 0o644, {"target": target, **attributes})

    def fifo(self, path: str, mode: int = 0o644, **attributes: object) -> None:
        self._make(path, "fifo", mode, attributes)

    def whiteout(self, path: str) -> None:
        """Deletes what the layers below have at the path."""
        folder, name = posixpath.split(path)
        self.file(posixpath.join(folder, WHITEOUT + name))

    def opaque(self, path: str) -> None:
        """Hides all that the layers below have in the directory."""
        self.file(posixpath.join(path, OPAQUE))

    def ordered(self) -> list[Entry]:
        """By name, so that a directory comes before what is in it; hard links last, after what they point to."""
        return sorted(self.entries.values(), key=lambda entry: (entry.kind == "hardlink", entry.path.encode()))

    def tar(self) -> bytes:
        """The layer as an uncompressed archive."""
        parts: list[bytes] = []
        for entry in self.ordered():
            parts += member(entry, self.prefix)
        return b"".join(parts) + bytes(2 * BLOCK)

    def _make(self, path: str, kind: str, mode: int, attributes: Mapping[str, object]) -> None:
        self.add(replace(Entry(path, kind, mode, mtime=self.mtime), **attributes))  # type: ignore[arg-type]


# --- the archive format -------------------------------------------------------------------------------------------

def member(entry: Entry, prefix: str = "") -> Iterator[bytes]:
    """The blocks of one member: an extended header if it needs one, its header, its content."""
    name = (prefix + entry.path) or "./"
    if entry.kind == "directory" and not name.endswith("/"):
        name += "/"
    target = (prefix if entry.kind == "hardlink" else "") + entry.target
    folder, base, records = split_name(name)
    if len(target.encode()) > 100 or not target.isascii():
        records["linkpath"] = target.encode()
    for key, number, limit in (("uid", entry.uid, 8 ** 7), ("gid", entry.gid, 8 ** 7)):
        if number >= limit:
            records[key] = str(number).encode()
    seconds, nanoseconds = divmod(entry.mtime, 10 ** 9)
    if nanoseconds or not 0 <= seconds < 8 ** 11:
        records["mtime"] = f"{seconds}.{nanoseconds:09}".rstrip("0").rstrip(".").encode()
    for key, value in entry.xattrs.items():
        records[f"SCHILY.xattr.{key}"] = value
    if records:
        body = b"".join(record(key, records[key]) for key in sorted(records))
        yield header(b"", b"PaxHeaders/" + base[-80:], b"x", 0o644, 0, 0, len(body), 0, b"")
        yield padded(body)
    yield header(folder, base, TYPE_FLAGS[entry.kind], entry.mode, entry.uid, entry.gid, len(entry.content), seconds,
                 target.encode("ascii", "replace"))
    yield padded(entry.content)


def split_name(name: str) -> tuple[bytes, bytes, dict[str, bytes]]:
    """The name as ustar's prefix and name, or, where it does not fit those, as a pax record."""
    if name.isascii():
        if len(name) <= 100:
            return b"", name.encode(), {}
        for cut in (index for index, letter in enumerate(name[:-1]) if letter == "/"):
            if cut <= 155 and len(name) - cut - 1 <= 100:
                return name[:cut].encode(), name[cut + 1:].encode(), {}
    return b"", name.encode("ascii", "replace")[-100:], {"path": name.encode()}


def record(key: str, value: bytes) -> bytes:
    """One pax record. Its length counts its own digits."""
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def header(folder: bytes, name: bytes, flag: bytes, mode: int, uid: int, gid: int, size: int, mtime: int,
           target: bytes) -> bytes:
    """One ustar header block. Numbers that don't fit are left to the pax records."""
    def octal(value: int, width: int) -> bytes:
        return b"%0*o\0" % (width - 1, value if 0 <= value < 8 ** (width - 1) else 0)

    block = bytearray(b"".join((
        name.ljust(100, b"\0"), octal(mode, 8), octal(uid, 8), octal(gid, 8), octal(size, 12), octal(mtime, 12),
        b" " * 8, flag, target[:100].ljust(100, b"\0"), b"ustar\x0000", bytes(64), octal(0, 8), octal(0, 8),
        folder.ljust(155, b"\0"), bytes(12))))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def write_tar(output: BinaryIO, files: Iterable[tuple[str, bytes]], mtime: int) -> None:
    """An archive of plain files and of the directories (names that end in a slash) that they are in."""
    for name, content in files:
        kind, mode = ("directory", 0o755) if name.endswith("/") else ("file", 0o644)
        output.writelines(member(Entry(name.rstrip("/"), kind, mode, mtime=mtime, content=content)))
    output.write(bytes(2 * BLOCK))


# --- compression --------------------------------------------------------------------------------------------------

def gzip(data: bytes) -> bytes:
    """One gzip member without a name or a time."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def gzip_members(data: bytes) -> bytes:
    """Several gzip members in a row, as parallel and seekable compressors write them."""
    cuts = (0, BLOCK, len(data) // 2 + 1, len(data))            # one cut between blocks, one inside a block
    return b"".join(gzip(data[start:end]) for start, end in zip(cuts, cuts[1:]))


def zstd(data: bytes, *options: str) -> bytes:
    """One zstd frame."""
    command = ["zstd", "--quiet", "--stdout", "-9", "--single-thread", *options]
    result = subprocess.run(command, input=data, capture_output=True)
    if result.returncode:
        raise BuildError(f"zstd failed: {result.stderr.decode(errors='replace').strip()}")
    return result.stdout


def zstd_frames(data: bytes) -> bytes:
    """Several zstd frames with a skippable one between them, as zstd:chunked has at its end."""
    cut = len(data) // 2 + 1
    note = b"perigee"
    skippable = (0x184D2A50).to_bytes(4, "little") + len(note).to_bytes(4, "little") + note
    return zstd(data[:cut]) + skippable + zstd(data[cut:]) + skippable
