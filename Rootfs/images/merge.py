"""The tree that the layers of an image make, worked out in memory.

This is the judge of unpackers, so it follows the text of the OCI image specification ("Image Layer Filesystem
Changeset") and shares no code with the writer of the layers: it reads their blobs with Python's `tarfile`.
Where the specification is silent:
- a symbolic link in the parent of a name is followed, inside the root;
- a directory that no layer lists is root's with mode 0755, and marked `implied`;
- a directory that a layer changes without listing it keeps its attributes, except that its time is not fixed (null).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import posixpath
import subprocess
import tarfile
from dataclasses import dataclass, field
from typing import Iterable

MAXIMUM_LINKS = 40
XATTR = "SCHILY.xattr."
KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.FIFOTYPE: "fifo"}


@dataclass(eq=False)
class Node:
    """An inode. Hard links are several names for one."""

    kind: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: str | None = None
    content: bytes = b""
    target: str = ""
    xattrs: dict[str, bytes] = field(default_factory=dict)
    implied: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)


def archive_of(media_type: str, blob: bytes) -> bytes:
    """The uncompressed archive of a layer's blob."""
    if media_type.endswith("+gzip"):
        return gzip.decompress(blob)
    if media_type.endswith("+zstd"):
        return subprocess.run(["zstd", "--decompress", "--stdout"], input=blob, capture_output=True, check=True).stdout
    return blob


def merge(archives: Iterable[bytes]) -> dict[str, dict[str, object]]:
    """Absolute path to description, for the tree of these layers, the lowest first."""
    root = Node("directory", implied=True)
    for archive in archives:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as members:
            apply(root, members)
    return describe(root)


def apply(root: Node, layer: tarfile.TarFile) -> None:
    """Applies one layer. What it hides belongs to the layers below, wherever in the archive it says so: hence that
    comes first."""
    entries = [(entry, normal(entry.name)) for entry in layer]
    for _, path in entries:
        folder, name = posixpath.split(path)
        if name.startswith(".wh.") and (parent := find_directory(root, folder)):
            hide(parent, name)
    for entry, path in entries:
        if not posixpath.basename(path).startswith(".wh."):
            place(root, path, entry, layer)
    for entry, path in entries:         # once more, since what is put into a directory changes its time
        if entry.isdir():
            parent, name = parent_of(root, path)
            (parent.children[name] if name else root).mtime = time_of(entry)


def normal(name: str) -> str:
    """A member's name without the leading `./`; the root's is empty."""
    return posixpath.normpath("/" + name).strip("/")


def hide(parent: Node, marker: str) -> None:
    """Carries out a whiteout."""
    gone = list(parent.children) if marker == ".wh..wh..opq" else [marker[len(".wh."):]]
    for name in gone:
        parent.children.pop(name, None)
    parent.mtime = None


def place(root: Node, path: str, entry: tarfile.TarInfo, layer: tarfile.TarFile) -> None:
    """Puts one member into the tree."""
    parent, name = parent_of(root, path)
    existing = parent.children.get(name) if name else root
    if entry.islnk():
        folder, last = parent_of(root, normal(entry.linkname))
        parent.children[name] = folder.children[last]
        parent.mtime = None
        return
    node = existing if existing and existing.kind == "directory" and entry.isdir() else Node(KINDS[entry.type])
    node.mode, node.uid, node.gid, node.mtime = entry.mode, entry.uid, entry.gid, time_of(entry)
    node.target, node.implied = entry.linkname, False
    node.xattrs = {key[len(XATTR):]: value.encode("utf-8", "surrogateescape")
                   for key, value in entry.pax_headers.items() if key.startswith(XATTR)}
    if entry.isreg():
        node.content = layer.extractfile(entry).read()  # type: ignore[union-attr]
    if name and node is not existing:
        parent.children[name] = node
        parent.mtime = None


def time_of(entry: tarfile.TarInfo) -> str:
    """Seconds with nine decimals, from the text of the header: a float would round them."""
    seconds, _, fraction = str(entry.pax_headers.get("mtime", int(entry.mtime))).partition(".")
    return f"{seconds}.{fraction[:9]:0<9}"


# --- walking ------------------------------------------------------------------------------------------------------

def walk(root: Node, path: str, create: bool) -> Node | None:
    """The directory at a path, symbolic links followed as in a chroot. `create` makes what is missing."""
    trail, left, links = [root], path.split("/"), 0
    while left:
        name = left.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            trail = trail[:-1] or trail
            continue
        child = trail[-1].children.get(name)
        if child is None and create:
            child = trail[-1].children[name] = Node("directory", implied=True)
            trail[-1].mtime = None
        if child is not None and child.kind == "symlink" and links < MAXIMUM_LINKS:
            links += 1
            trail = [root] if child.target.startswith("/") else trail
            left = child.target.split("/") + left
        elif child is not None and child.kind == "directory":
            trail.append(child)
        else:
            return None
    return trail[-1]


def find_directory(root: Node, path: str) -> Node | None:
    return walk(root, path, create=False)


def parent_of(root: Node, path: str) -> tuple[Node, str]:
    """The directory that a path is in, made if need be, and the last name, which is empty for the root."""
    folder, name = posixpath.split(path)
    parent = walk(root, folder, create=True)
    if parent is None:
        raise ValueError(f"a layer puts something below {folder}, which is no directory")
    return parent, name


# --- describing ---------------------------------------------------------------------------------------------------

def describe(root: Node) -> dict[str, dict[str, object]]:
    """Every path with what `lstat` and friends must say of it; `links` names the other paths of its inode."""
    nodes: dict[str, Node] = {}

    def visit(path: str, node: Node) -> None:
        nodes[path or "/"] = node
        for name, child in node.children.items():
            visit(f"{path}/{name}", child)

    visit("", root)
    names: dict[Node, list[str]] = {}
    for path in sorted(nodes):
        names.setdefault(nodes[path], []).append(path)
    return {path: description(nodes[path], names[nodes[path]]) for path in sorted(nodes)}


def description(node: Node, paths: list[str]) -> dict[str, object]:
    result: dict[str, object] = {"type": node.kind}
    if node.kind != "symlink":                  # Linux has no mode for them
        result["mode"] = f"{node.mode:04o}"
    result.update(uid=node.uid, gid=node.gid, mtime=node.mtime)
    if node.kind == "file":
        result.update(size=len(node.content), sha256=hashlib.sha256(node.content).hexdigest())
    if node.kind == "symlink":
        result["target"] = node.target
    if node.kind != "directory":
        result["nlink"] = len(paths)
    if len(paths) > 1:
        result["links"] = paths
    if node.xattrs:
        result["xattrs"] = {key: value.hex() for key, value in sorted(node.xattrs.items())}
    if node.implied:
        result["implied"] = True
    return result
