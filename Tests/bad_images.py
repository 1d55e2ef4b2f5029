#!/usr/bin/python3
"""Makes images that are damaged or hostile, for BadArchiveTests.

    bad_images.py DIR CANARY

writes an OCI layout, or another kind of file, for each case into the new folder DIR. CANARY is a folder with a file
`file`, which the hostile ones try to reach.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True      # the repository is no place for it

import base64
import os
import zlib
from pathlib import Path
from typing import Callable, Mapping

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Rootfs/images"))

from layers import BLOCK, gzip, header, padded, record, write_tar
from oci import CONFIG, INDEX, LAYER, MANIFEST, REFERENCE, Blob, encoded

END = bytes(2 * BLOCK)


def entry(name: str | bytes, flag: str = "0", content: bytes = b"", target: str = "", size: int | None = None,
          records: Mapping[str, bytes] = {}, uid: int = 0) -> bytes:
    """One entry of an archive as nobody should write it."""
    name = name.encode() if isinstance(name, str) else name
    pax = b"".join(record(key, value) for key, value in records.items())
    before = header(b"", b"pax", b"x", 0o644, 0, 0, len(pax), 0, b"") + padded(pax) if pax else b""
    length = len(content) if size is None else size
    return before + header(b"", name[:100], flag.encode(), 0o755, uid, 0, length, 0, target.encode()) + padded(content)


def layout(path: Path, archive: bytes, settings: Mapping[str, object] = {}, *, packed: bytes | None = None,
           kind: str = LAYER, architecture: str = "arm64", diff_id: str | None = None,
           change: Callable[[dict[str, Blob]], None] = lambda blobs: None) -> None:
    """An image of one layer; `change` may replace blobs, whose names stay."""
    raw = Blob(LAYER, archive)
    layer = Blob(kind, archive if packed is None else packed)
    config = Blob(CONFIG, encoded({
        "architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/sh"], **settings},
        "rootfs": {"type": "layers", "diff_ids": [diff_id or raw.digest]}}))
    manifest = Blob(MANIFEST, encoded({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor, "layers": [layer.descriptor]}))
    blobs = {"layer": layer, "config": config, "manifest": manifest}
    names = {key: blob.file_name for key, blob in blobs.items()}
    change(blobs)
    folder = path / "blobs/sha256"
    folder.mkdir(parents=True)
    for key, blob in blobs.items():
        (folder / names[key]).write_bytes(blob.data)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {**manifest.descriptor, "annotations": {REFERENCE: "latest"}}]}
    (path / "index.json").write_bytes(encoded(index))
    (path / "oci-layout").write_bytes(encoded({"imageLayoutVersion": "1.0.0"}))


def damaged(key: str) -> Callable[[dict[str, Blob]], None]:
    def change(blobs: dict[str, Blob]) -> None:
        data = bytearray(blobs[key].data)
        data[len(data) // 2] ^= 1
        blobs[key] = Blob(blobs[key].media_type, bytes(data))
    return change


def sparse(size: int) -> bytes:
    """A file of `size` bytes, all of it a hole (GNU's format 1.0 in pax records)."""
    records = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.name": b"huge",
               "GNU.sparse.realsize": str(size).encode()}
    return entry("huge", content=(b"1\n%d\n0\n" % size).ljust(BLOCK, b"\0"), records=records)


def old_sparse(size: int) -> bytes:
    """The same in GNU's old format."""
    block = bytearray(header(b"", b"huge", b"S", 0o644, 0, 0, 0, 0, b""))
    block[257:265] = b"ustar  \0"
    block[386:410] = b"%011o\0%011o\0" % (min(size, 8 ** 11 - 1), 0)
    block[386:398] = b"\x80" + size.to_bytes(11, "big")
    block[483:495] = b"\x80" + size.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def many(thousands: int) -> bytes:
    """So many entries, which say nothing, and so cost nobody a file; compressed."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    block = entry(".wh..wh.note") * 1000
    return b"".join(packer.compress(block) for _ in range(thousands)) + packer.compress(END) + packer.flush()


def write(folder: Path, canary: Path) -> None:
    inside = str(canary)
    archives: dict[str, bytes] = {
        "climbing": entry(f"../../../../../../..{inside}/new", content=b"x"),
        "climbing-in-the-middle": entry(f"a/../../../../../../../..{inside}/new", content=b"x"),
        "absolute": entry(f"{inside}/new", content=b"x"),
        "below-a-link-out": entry("out", "2", target=inside) + entry("out/new", content=b"x"),
        "below-a-climbing-link": entry("out", "2", target="../../../../../../.." + inside)
        + entry("out/file", content=b"x"),
        "link-put-under-an-entry": entry("d", "5") + entry("d/file", content=b"x") + entry("d", "2", target=inside)
        + entry("d/file", content=b"y") + entry("d/new", content=b"z"),
        "link-overwritten": entry("file", "2", target=f"{inside}/file") + entry("file", content=b"x"),
        "hard-link-out": entry("link", "1", target=f"../../../../../..{inside}/file"),
        "hard-link-absolute": entry("link", "1", target=f"{inside}/file"),
        "hard-link-through-a-link": entry("out", "2", target=inside) + entry("link", "1", target="out/file")
        + entry("link", content=b"x"),
        "hard-link-to-a-directory": entry("d", "5") + entry("link", "1", target="d"),
        "overlay-attribute": entry("d", "5", records={"SCHILY.xattr.trusted.overlay.redirect": b"/etc"}),
        "overlay-attribute-libarchive": entry("d", "5", records={
            "LIBARCHIVE.xattr.trusted.overlay.opaque": base64.b64encode(b"y").rstrip(b"=")}),
        "whiteout-device": entry("gone", "3"),
        "sparse-file": sparse(10 << 40),
        "sparse-file-old": old_sparse(10 << 40),
        "claims-10-terabytes": entry("huge", records={"size": str(10 << 40).encode()}),
        "long-name": entry("short", records={"path": b"a" * 5000}),
        "long-component": entry("short", records={"path": b"d/" + b"a" * 256}),
        "deep-name": entry("short", records={"path": b"d/" * 300 + b"f"}),
        "long-link": entry("link", "2", target="x", records={"linkpath": b"a" * 5000}),
        "empty-link": entry("link", "2"),
        "foreign-names": entry(b"f\xff\xfe\xe4", content=b"x") + entry("l", "2", target="x", records={"linkpath": b"\xff\x80"}),
        "root-replaced": entry("./", "2", target=inside),
        "owner-too-large": entry("f", records={"uid": str(2 ** 32 - 1).encode()}),
        "reserved-name": entry(".wh..", content=b""),
        "below-a-file": entry("f", content=b"x") + entry("f/g", content=b"x"),
        "circle-of-links": entry("a", "2", target="b") + entry("b", "2", target="a") + entry("a/file", content=b"x"),
        "unknown-type": entry("f", "9"),
    }
    for name, body in archives.items():
        layout(folder / name, body + END)

    plain = entry("file", content=b"x" * 5000)
    good = gzip(plain + END)
    layout(folder / "truncated-layer", plain[:3000])
    layout(folder / "truncated-gzip", plain + END, packed=good[:len(good) // 2], kind=LAYER + "+gzip")
    layout(folder / "no-gzip", plain + END, packed=b"plain text" * 99, kind=LAYER + "+gzip")
    layout(folder / "damaged-layer", plain + END, change=damaged("layer"))
    layout(folder / "damaged-config", plain + END, change=damaged("config"))
    layout(folder / "damaged-manifest", plain + END, change=damaged("manifest"))
    layout(folder / "wrong-diff-id", plain + END, diff_id="sha256:" + "0" * 64)
    layout(folder / "other-architecture", plain + END, architecture="s390x")
    layout(folder / "unknown-media-type", plain + END, kind="application/vnd.example.layer")
    layout(folder / "nul-in-environment", plain + END, {"Env": ["A=b\0c"]})
    layout(folder / "name-only-in-environment", plain + END, {"Env": ["A"]})
    layout(folder / "newline-in-environment", plain + END, {"Env": ["A=b\nc"]})
    zeros = entry("zeros", content=bytes(64 << 20)) + END
    layout(folder / "bomb", zeros, packed=gzip(zeros), kind=LAYER + "+gzip")
    layout(folder / "a-million-entries", b"", packed=many(1001), kind=LAYER + "+gzip")

    layout(folder / "missing-layer", plain + END)
    layer = Blob(LAYER, plain + END)
    (folder / f"missing-layer/blobs/sha256/{layer.file_name}").unlink()
    layout(folder / "layer-is-a-link", plain + END)
    part = folder / f"layer-is-a-link/blobs/sha256/{layer.file_name}"
    part.unlink()
    part.symlink_to(canary / "file")
    layout(folder / "layer-is-a-fifo", plain + END)
    part = folder / f"layer-is-a-fifo/blobs/sha256/{layer.file_name}"
    part.unlink()
    os.mkfifo(part)
    layout(folder / "deep-json", plain + END)
    (folder / "deep-json/index.json").write_bytes(b"[" * 100_000)
    (folder / "empty-folder").mkdir()
    (folder / "empty-file").write_bytes(b"")
    (folder / "text-file").write_text("no image\n" * 1000)
    with (folder / "whole.tar").open("wb") as output:
        files = [(str(path.relative_to(folder / "absolute")), path.read_bytes())
                 for path in sorted((folder / "absolute").rglob("*")) if path.is_file()]
        write_tar(output, files, 0)
    whole = (folder / "whole.tar").read_bytes()
    (folder / "truncated.tar").write_bytes(whole[:len(whole) // 2])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(Path(sys.argv[1]), Path(sys.argv[2]))
