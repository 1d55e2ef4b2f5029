"""`layers`: an image in which every rule for layers has a file that shows whether it was kept.

Each subject has a folder of its own, such as /whiteouts; what a layer does is told in its function. The tree that must
come out of it is worked out by `merge.py`, from the blobs, and stored beside the image.
"""

from __future__ import annotations

import json
from pathlib import Path

from layers import Layer
from merge import archive_of, merge
from oci import Image, PackedLayer, Stored
from programs import PATH, Context, add_busybox, add_system, busybox_program, os_release, write_all

TIME = 1_700_000_000_123_456_789
"""When the test files changed, in nanoseconds: a time whose fraction shows if it is lost."""

SECOND = 10 ** 9
CAP_NET_BIND_SERVICE = 10

LONG_NAME = "l" * 255
LONG_FOLDER = "long/" + "/".join(f"folder-{number:02}-of-a-path-that-does-not-end" for number in range(8))


def architectures(host: str) -> list[str]:
    """The host's, and another one: arm64, where the host's is not that."""
    return [host, "amd64" if host == "arm64" else "arm64"]


def capability(number: int) -> bytes:
    """The security.capability attribute, version 2, with one capability permitted and effective."""
    words = [0x02000001, 1 << number, 0, 0, 0]
    return b"".join(word.to_bytes(4, "little") for word in words)


def images(context: Context) -> list[Image]:
    """The image for each architecture, the host's first."""
    middle = [PackedLayer.pack(hiding(), "zstd", "whiteouts"),
              PackedLayer.pack(reaching_down(), "none", "names in the layers below"),
              PackedLayer.pack(changing(), "gzip-members", "changed types and attributes"),
              PackedLayer.pack(hiding_again(), "zstd-frames", "whiteouts of what came back"),
              PackedLayer.pack(Layer(), "gzip", "nothing"),
              PackedLayer.pack(Layer(), "gzip", "nothing again")]
    return [Image(architecture, [PackedLayer.pack(base(context, architecture), "gzip", "base"), *middle],
                  {"Env": [PATH, "LAYERS=seven"], "Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo layers"],
                   "WorkingDir": "/srv", "StopSignal": "SIGINT", "Labels": {"perigee.test": "layers"}},
                  context.created, ['ENTRYPOINT ["/bin/sh", "-c"]', 'CMD ["echo layers"]'],
                  {"perigee.test": "layers"}) for architecture in architectures(context.host)]


def write(context: Context, folder: Path) -> list[Stored]:
    """The image in its three forms, and the tree that is expected."""
    made = images(context)
    stored = write_all(context, folder, "layers", made)
    trees = {image.architecture: merge(archive_of(layer.blob.media_type, layer.blob.data) for layer in image.layers)
             for image in made}
    path = folder / "layers.expected.json"
    path.write_text(json.dumps(trees, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*stored, Stored(path, stored[0].digest)]


# --- the layers, the lowest first ---------------------------------------------------------------------------------

def base(context: Context, architecture: str) -> Layer:
    """A system, what the layers above act on, and what is difficult without them."""
    layer = Layer(TIME)
    add_busybox(layer, context, architecture)
    add_system(layer)
    layer.file("etc/os-release", os_release("layers"))
    program, _ = busybox_program(context, architecture)
    add_to_be_hidden(layer)
    add_links(layer)
    add_names(layer)
    add_attributes(layer, program)

    layer.directory("unlisted", 0o711, uid=1000, gid=1000)
    layer.file("unlisted/below", "below\n")
    layer.directory("modes")
    layer.directory("modes/directory")
    layer.file("modes/directory/child", "child\n")
    layer.directory("types")
    layer.file("types/file-to-directory", "file\n")
    layer.directory("types/directory-to-file")
    layer.directory("types/directory-to-file/inner")
    layer.file("types/directory-to-file/inner/lost", "lost\n")
    layer.directory("types/directory-to-link")
    layer.file("types/directory-to-link/lost", "lost\n")
    layer.file("types/file-to-link", "file\n")
    layer.symlink("types/link-to-directory", "../targets/directory")
    layer.symlink("types/link-to-file", "../targets/untouched")
    layer.file("types/file-to-fifo", "file\n")
    return layer


def add_to_be_hidden(layer: Layer) -> None:
    """Files that `hiding` hides, next to such that it must leave."""
    layer.directory("whiteouts")
    layer.file("whiteouts/file", "hidden\n")
    layer.file("whiteouts/file.kept", "the name of a hidden file is its beginning\n")
    layer.directory("whiteouts/directory")
    layer.directory("whiteouts/directory/deep")
    layer.file("whiteouts/directory/deep/file", "hidden\n")
    layer.symlink("whiteouts/link", "../targets/directory")
    layer.file("whiteouts/-replaced", "the old one\n")
    layer.directory("whiteouts/renewed", 0o700)
    layer.file("whiteouts/renewed/old", "hidden\n")
    layer.file("whiteouts/returning", "the first one\n")
    layer.file("whiteouts/hard", "has another name\n")
    layer.hardlink("whiteouts/hard.kept", "whiteouts/hard")
    layer.directory("opaque", 0o750, gid=50)
    layer.file("opaque/old", "hidden\n")
    layer.file("opaque/both", "the old one\n")
    layer.directory("opaque/folder")
    layer.file("opaque/folder/old", "hidden\n")
    layer.directory("opaque/folder/deep")
    layer.directory("opaque-empty")
    layer.file("opaque-empty/old", "hidden\n")
    layer.directory("opaque-unlisted", 0o705, uid=1000, gid=50)
    layer.file("opaque-unlisted/old", "hidden\n")


def add_links(layer: Layer) -> None:
    layer.directory("targets")
    layer.file("targets/untouched", "untouched\n")
    layer.directory("targets/directory")
    layer.directory("hardlinks")
    layer.file("hardlinks/z-first", "hard\n", 0o640, uid=1000, gid=50)      # its further names sort before it
    layer.hardlink("hardlinks/second", "hardlinks/z-first")
    layer.hardlink("targets/third", "hardlinks/z-first")
    layer.directory("symlinks")
    layer.symlink("symlinks/absolute", "/targets/untouched")
    layer.symlink("symlinks/relative", "../targets/untouched")
    layer.symlink("symlinks/dangling", "nowhere/at all")
    layer.symlink("symlinks/loop", "loop")
    layer.symlink("symlinks/owned", "../targets/untouched", uid=1000, gid=1000)
    layer.symlink("symlinks/long", "../targets/" + "./" * 200 + "untouched")
    layer.symlink("symlinks/ütf", "../names/ünïcödé")
    layer.symlink("symlinks/to-directory", "../targets/directory")
    layer.symlink("symlinks/to-absolute", "/targets/directory")
    layer.symlink("symlinks/to-above", "../../../../../../targets/directory")
    layer.symlink("symlinks/to-link", "to-absolute")
    layer.directory("symlinks/directory")
    layer.symlink("symlinks/to-neighbour", "directory")
    layer.file("symlinks/to-neighbour/file", "in symlinks/directory, through a link of the same layer\n")
    layer.hardlink("hardlinks/to-a-link", "symlinks/absolute")


def add_names(layer: Layer) -> None:
    layer.directory("names")
    for name in ("ünïcödé", "日本語", "🛰", "\u00e9", "e\u0301", "with space", " ", "trailing ", "new\nline", "tab\t",
                 "back\\slash", "quote\"'", "-dash", "...", "..two", ".wh", "wh.", "%s%n", "\x01\x7f", "*", LONG_NAME):
        layer.file(f"names/{name}", name)
    layer.directory("long")
    path = ""
    for part in LONG_FOLDER.split("/"):
        path = f"{path}/{part}" if path else part
        layer.directory(path)
    layer.file(f"{path}/file", "a path of more than 256 bytes\n")
    layer.hardlink("hardlinks/long", f"{path}/file")
    middle = "/".join(LONG_FOLDER.split("/")[:4])
    layer.file(f"{middle}/file", "a path of more than 100 bytes, in ustar's two fields\n")
    layer.file(f"{middle}/{'x' * 101}", "a path that does not fit ustar's two fields\n")


def add_attributes(layer: Layer, program: bytes) -> None:
    """What is lost if attributes are set in the wrong order, or not at all."""
    layer.directory("capabilities")
    bind = {"security.capability": capability(CAP_NET_BIND_SERVICE)}
    layer.file("capabilities/busybox", program, 0o755, xattrs=bind)
    layer.file("capabilities/owned", program, 0o750, uid=1000, gid=1000, xattrs=bind)
    layer.directory("setuid")
    layer.file("setuid/busybox", program, 0o4755)
    layer.file("setuid/owned", "changing the owner clears these bits\n", 0o6755, uid=1000, gid=1000)
    layer.directory("setuid/group", 0o2775, gid=50)
    layer.file("setuid/group/file", "does not inherit the group\n")
    layer.directory("setuid/group/folder")
    layer.directory("owners")
    layer.file("owners/app", "app\n", uid=1000, gid=1000)
    layer.file("owners/large", "more than ustar's seven digits\n", uid=3_000_000, gid=3_000_001)
    layer.directory("owners/unreadable", 0o000, uid=1000, gid=1000)
    layer.file("owners/unreadable/file", "below a directory without permissions\n", 0o000)
    layer.directory("owners/read-only", 0o555)
    layer.file("owners/read-only/file", "\n", 0o444)
    layer.directory("owners/world", 0o1777)
    layer.file("owners/world/writable", "whatever the umask\n", 0o666)
    layer.directory("special")
    layer.fifo("special/fifo", 0o620, uid=1000, gid=50)
    layer.file("special/empty")
    layer.file("special/zeros", bytes(8 << 20))
    layer.file("special/block", b"b" * 512)
    layer.file("special/block-and-one", b"b" * 513)
    layer.directory("xattrs", xattrs={"user.perigee": b"directory"})
    layer.file("xattrs/file", "attributes\n", xattrs={"user.perigee": b"value", "user.second": b"=equals=\n10 x=y\n"})
    layer.file("xattrs/binary", "\n", xattrs={"user.binary": bytes(range(256))})
    layer.file("xattrs/read-only", "\n", 0o400, uid=1000, xattrs={"user.perigee": b"set before the mode"})
    layer.directory("times", mtime=TIME + 1)
    layer.file("times/epoch", mtime=0)
    layer.file("times/one-nanosecond", mtime=1)
    layer.file("times/half", mtime=TIME // SECOND * SECOND + SECOND // 2)
    layer.file("times/far", "after 2038\n", mtime=4_000_000_000 * SECOND + 999_999_999)
    layer.symlink("times/link", "epoch", mtime=TIME + 2)
    layer.directory("times/folder", mtime=1 * SECOND)
    layer.file("times/folder/newer", mtime=TIME)


def hiding() -> Layer:
    """Whiteouts and opaque directories. They concern the layers below, wherever in the archive they are: `!` and `-`
    sort before the dot of `.wh.`, and what is there stays."""
    layer = Layer(TIME + 2 * SECOND)
    layer.directory("whiteouts")
    for name in ("file", "directory", "link", "returning", "hard", "never-was"):
        layer.whiteout(f"whiteouts/{name}")
    layer.whiteout("whiteouts/-replaced")
    layer.file("whiteouts/-replaced", "the new one\n")
    layer.whiteout("whiteouts/renewed")
    layer.directory("whiteouts/renewed", 0o755)
    layer.file("whiteouts/renewed/new", "the only one\n")
    layer.directory("opaque", 0o750, gid=50)
    layer.opaque("opaque")
    layer.file("opaque/!new", "before the marker\n")
    layer.file("opaque/new", "after the marker\n")
    layer.file("opaque/both", "the new one\n")
    layer.directory("opaque/folder")
    layer.file("opaque/folder/new", "its neighbours are hidden\n")
    layer.directory("opaque-empty")
    layer.opaque("opaque-empty")
    layer.opaque("opaque-unlisted")
    layer.file("implied/by/nobody", "no layer lists its folders\n")
    layer.directory("shortlived")
    layer.file("shortlived/file", "hidden later\n")
    return layer


def reaching_down() -> Layer:
    """Names that need the layers below: hard links to their files, directories that only they list, and links of
    theirs that lead elsewhere. Written as `tar -C root .` names things."""
    layer = Layer(TIME + 3 * SECOND, prefix="./")
    layer.directory("", 0o755)
    layer.hardlink("hardlinks/fourth", "hardlinks/z-first", mode=0o640, uid=1000, gid=50, mtime=TIME)
    layer.hardlink("hardlinks/to-a-capable", "capabilities/busybox", mode=0o755, mtime=TIME)
    layer.file("unlisted/above", "the directory keeps mode and owner\n")
    layer.file("symlinks/to-directory/relative", "in /targets/directory\n")
    layer.file("symlinks/to-absolute/absolute", "in /targets/directory of the image, not of the host\n")
    layer.file("symlinks/to-above/above", "in /targets/directory: there is nothing above the root\n")
    layer.file("symlinks/to-link/link", "in /targets/directory, over two links\n")
    layer.file("var/run/run", "in /run\n")
    return layer


def changing() -> Layer:
    """Attributes alone, types, one name of several, and what was hidden before."""
    layer = Layer(TIME + 4 * SECOND)
    layer.directory("modes/directory", 0o2770, gid=29)
    layer.directory("types/file-to-directory")
    layer.file("types/file-to-directory/new", "new\n")
    layer.file("types/directory-to-file", "new\n")
    layer.symlink("types/directory-to-link", "../targets/directory")
    layer.symlink("types/file-to-link", "../targets/untouched")
    layer.directory("types/link-to-directory")
    layer.file("types/link-to-directory/new", "not in /targets/directory\n")
    layer.file("types/link-to-file", "/targets/untouched stays as it is\n")
    layer.fifo("types/file-to-fifo")
    layer.file("hardlinks/second", "no longer one of several names\n")
    layer.file("whiteouts/returning", "the second one\n")
    layer.file("opaque/old", "another one\n")
    layer.directory("whiteouts/directory", 0o755)
    layer.file("whiteouts/directory/new", "the old ones are gone\n")
    layer.file("xattrs/file", "without attributes\n")
    layer.file("capabilities/owned", "without capabilities\n", 0o750, uid=1000, gid=1000)
    return layer


def hiding_again() -> Layer:
    """Hides what the layers above the first brought."""
    layer = Layer(TIME + 5 * SECOND)
    layer.whiteout("shortlived")
    layer.whiteout("opaque/new")
    layer.whiteout("targets/third")
    layer.directory("whiteouts/directory", 0o755)
    layer.opaque("whiteouts/directory")
    return layer
