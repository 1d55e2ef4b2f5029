"""The images that only carry programs, `demo` and `python`, and the parts that every image is made of."""

from __future__ import annotations

import os
import posixpath
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

from debian import Archive, BuildError, members
from layers import Layer
from oci import Image, PackedLayer, Stored, write_docker_archive, write_layout, write_oci_archive

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32")
"""Directories that Debian keeps below /usr, with a link in their old place."""

UNUSED = ("usr/share/man/", "usr/share/info/", "usr/share/locale/", "usr/share/lintian/", "usr/share/bug/")


@dataclass
class Context:
    """What a recipe builds from."""

    cache: Path
    host: str
    epoch: int
    """SOURCE_DATE_EPOCH: every time that is not part of a test, in seconds."""
    archives: dict[str, Archive] = field(default_factory=dict)

    @property
    def images(self) -> Path:
        return self.cache / "images"

    @property
    def created(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.epoch))

    def archive(self, architecture: str) -> Archive:
        return self.archives.setdefault(architecture, Archive(self.cache, architecture))

    def layer(self) -> Layer:
        return Layer(mtime=self.epoch * 10 ** 9)


# --- busybox ------------------------------------------------------------------------------------------------------

def busybox_program(context: Context, architecture: str) -> tuple[bytes, bytes]:
    """The program and its licence."""
    package = context.archive(architecture).fetch("busybox-static")["busybox-static"]
    program = licence = b""
    for info, content in members(package):
        if info.isreg() and info.name.endswith("bin/busybox"):
            program = content
        elif info.isreg() and info.name.endswith("/copyright"):
            licence = content
    if not program:
        raise BuildError(f"{package.name} holds no bin/busybox")
    return program, licence


def busybox_applets(context: Context) -> list[str]:
    """Where busybox wants its names, such as `bin/sh`. Only the host's can be asked; Debian builds all alike."""
    program, _ = busybox_program(context, context.host)
    memory = os.memfd_create("busybox")
    try:
        os.write(memory, program)
        output = subprocess.run(["busybox", "--list-full"], executable=f"/proc/self/fd/{memory}", pass_fds=[memory],
                                capture_output=True, text=True).stdout
    finally:
        os.close(memory)
    applets = [line for line in output.split() if "/" in line and not line.endswith("/busybox")]
    if "bin/sh" not in applets:
        raise BuildError("busybox-static does not list its applets, or lists no shell")
    return sorted(applets)


def add_busybox(layer: Layer, context: Context, architecture: str, usr: str = "") -> None:
    """The program, a link for each applet whose path is free, and the licence. `usr` is where bin and sbin are."""
    program, licence = busybox_program(context, architecture)
    home = f"{usr}bin/busybox"
    add_parents(layer, home)
    layer.file(home, program, 0o755)
    for applet in busybox_applets(context):
        path = applet if applet.startswith("usr/") else usr + applet
        if path not in layer:
            add_parents(layer, path)
            layer.symlink(path, posixpath.relpath(home, posixpath.dirname(path)))
    path = "usr/share/doc/busybox-static/copyright"
    add_parents(layer, path)
    layer.file(path, licence)


def add_parents(layer: Layer, path: str) -> None:
    """The directories above a path that the layer does not list yet."""
    while path := posixpath.dirname(path):
        if path not in layer:
            layer.directory(path)


# --- what every image has -----------------------------------------------------------------------------------------

DIRECTORIES = {"": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755,
               "srv": 0o755, "sys": 0o555, "tmp": 0o1777, "usr": 0o755, "var": 0o755, "var/tmp": 0o1777}

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
                  "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
                  "app:x:1000:1000:Application,,,:/home/app:/bin/sh\n"
                  "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\n"
                 "daemon:x:1:\n"
                 "audio:x:29:app\n"
                 "video:x:44:root,app\n"
                 "staff:x:50:app\n"
                 "app:x:1000:\n"
                 "nogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/shells": "/bin/sh\n",
}


def add_system(layer: Layer) -> None:
    """Mount points, accounts and the home of `app`, where nothing has been put yet."""
    for path, mode in DIRECTORIES.items():
        if path not in layer:
            layer.directory(path, mode)
    for path, text in FILES.items():
        layer.file(path, text)
    layer.directory("home/app", 0o750, uid=1000, gid=1000)
    if "var/run" not in layer:
        layer.symlink("var/run", "/run")


def os_release(name: str) -> str:
    return f'PRETTY_NAME="Perigee test image ({name})"\nNAME="Perigee"\nID=perigee-{name}\nID_LIKE=debian\n'


def write_all(context: Context, folder: Path, name: str, images: Sequence[Image]) -> list[Stored]:
    """The three forms of an image. A docker-archive has one platform: the first."""
    return [write_layout(folder / name, images),
            write_oci_archive(folder / f"{name}.oci.tar", images, context.epoch),
            write_docker_archive(folder / f"{name}.docker.tar", images[0], name, context.epoch)]


# --- demo ---------------------------------------------------------------------------------------------------------

def demo(context: Context, architecture: str) -> Image:
    """Busybox, and above it the files that make a system of it."""
    programs, system = context.layer(), context.layer()
    add_busybox(programs, context, architecture)
    add_system(system)
    system.file("etc/os-release", os_release("demo"))
    return Image(architecture, [PackedLayer.pack(programs, "gzip", "busybox"),
                                PackedLayer.pack(system, "gzip", "system files")],
                 {"Env": [PATH], "Cmd": ["/bin/sh"], "WorkingDir": "/"}, context.created, ['CMD ["/bin/sh"]'])


# --- python -------------------------------------------------------------------------------------------------------

PYTHON_PACKAGES = ("base-files", "busybox-static", "media-types", "python3", "tzdata")


def python(context: Context, architecture: str) -> Image:
    """Debian's Python with its standard library, on the libraries that it needs, as `python` and `python3`. /bin/sh is
    busybox's."""
    base, top = context.layer(), context.layer()
    for name, package in sorted(context.archive(architecture).fetch(*PYTHON_PACKAGES).items()):
        if name != "busybox-static":
            unpack(package, top if "python" in name else base, below=base)
    add_busybox(base, context, architecture, usr="usr/")
    add_system(base)
    for path in [path for path in top.entries if path in base]:
        del top.entries[path]
    top.symlink("usr/bin/python", "python3")
    return Image(architecture, [PackedLayer.pack(base, "gzip", "libraries and shell"),
                                PackedLayer.pack(top, "gzip", "python3")],
                 {"Env": [PATH, "LANG=C.UTF-8"], "Cmd": ["python3"], "WorkingDir": "/root"}, context.created,
                 ['CMD ["python3"]'])


def unpack(package: Path, layer: Layer, below: Layer) -> None:
    """Adds a package's files, in their merged place, with the links for the old places in the layer below."""
    for info, content in members(package):
        path = info.name.strip("/") if not info.name.startswith("./") else info.name[2:].strip("/")
        if unwanted(path):
            continue
        if not (info.issym() and path in MERGED):               # newer releases ship the links themselves
            path = merged(path, below)
        owner = {"uid": info.uid, "gid": info.gid}
        if info.isdir():
            if path not in layer:
                layer.directory(path, info.mode, **owner)
        elif info.issym():
            layer.symlink(path, info.linkname, **owner)
        elif info.islnk():
            layer.hardlink(path, merged(posixpath.normpath(info.linkname), below))
        elif info.isreg():
            layer.file(path, content, info.mode, **owner)
        else:
            raise BuildError(f"{package.name} holds {path}, which is of a type that the recipe does not know")


def merged(path: str, below: Layer) -> str:
    """Where a path of a package is once /usr is merged. Makes the link that leads there."""
    first = path.split("/")[0]
    if first not in MERGED:
        return path
    if first not in below:
        below.symlink(first, f"usr/{first}")
    return f"usr/{path}"


def unwanted(path: str) -> bool:
    """Documentation, other than licences."""
    return path.startswith(UNUSED) or (path.startswith("usr/share/doc/") and posixpath.basename(path) != "copyright"
                                       and path.count("/") > 3)
