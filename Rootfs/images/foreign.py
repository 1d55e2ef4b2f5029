"""`foreign`: images that tools other than ours have written, with the contents of `demo`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from debian import BuildError, run
from oci import TAG, Stored
from programs import PATH, Context, demo


def write(context: Context, folder: Path) -> list[Stored]:
    """umoci's layout, and skopeo's two kinds of archive."""
    scratch = folder / "scratch"
    scratch.mkdir()
    return [by_umoci(context, folder / "foreign-umoci", scratch),
            by_skopeo(context, "docker-archive", folder / "foreign-skopeo.docker.tar", scratch),
            by_skopeo(context, "oci-archive", folder / "foreign-skopeo.oci.tar", scratch)]


def by_umoci(context: Context, layout: Path, scratch: Path) -> Stored:
    """An image in five layers: the demo's files, a change with deletions, an inserted file, an inserted opaque
    folder, and an inserted whiteout."""
    image, bundle = f"{layout}:{TAG}", scratch / "bundle"
    root, created = bundle / "rootfs", f"--history.created={context.created}"
    run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", image)
    run("umoci", "config", "--image", image, created, "--created", context.created, "--architecture", "arm64",
        "--os", "linux", "--config.env", PATH, "--config.cmd", "/bin/sh", "--config.workingdir", "/")

    run("umoci", "unpack", "--image", image, bundle)
    for layer in demo(context, "arm64").layers:
        extract(layer.archive.data, root)
    run("umoci", "repack", "--image", image, created, bundle)

    shutil.rmtree(bundle)
    run("umoci", "unpack", "--image", image, bundle)
    (root / "etc/shells").unlink()
    (root / "usr/sbin").rename(root / "usr/moved")
    (root / "srv").chmod(0o1770)
    (root / "srv/repacked").write_text("written in the bundle\n")
    os.link(root / "srv/repacked", root / "srv/repacked.link")
    run("umoci", "repack", "--image", image, created, bundle)

    inserted = scratch / "inserted"
    inserted.mkdir()
    (inserted / "file").write_text("inserted\n")
    run("umoci", "insert", "--image", image, created, inserted / "file", "/srv/inserted")
    run("umoci", "insert", "--image", image, created, "--opaque", inserted, "/usr/moved")
    run("umoci", "insert", "--image", image, created, "--whiteout", "/srv/repacked.link")
    run("umoci", "gc", "--layout", layout)
    shutil.rmtree(scratch)
    scratch.mkdir()
    return Stored(layout, manifest_digest((layout / "index.json").read_bytes()))


def by_skopeo(context: Context, transport: str, path: Path, scratch: Path) -> Stored:
    """A copy of the demo's layout."""
    source = f"oci:{context.images / 'demo'}:{TAG}"
    name = f"localhost/foreign:{TAG}" if transport == "docker-archive" else TAG
    run("skopeo", "--insecure-policy", "--override-os", "linux", "--override-arch", "arm64", "--tmpdir", scratch,
        "copy", "--quiet", source, f"{transport}:{path}:{name}")
    with tarfile.open(path) as archive:
        if transport == "oci-archive":
            return Stored(path, manifest_digest(content(archive, "index.json")))
        config = json.loads(content(archive, "manifest.json"))[0]["Config"]
    return Stored(path, "sha256:" + Path(config).name.split(".")[0])


def manifest_digest(index: bytes) -> str:
    return json.loads(index)["manifests"][0]["digest"]


def content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise BuildError(f"skopeo wrote no {name}")
    return file.read()


def extract(archive: bytes, folder: Path) -> None:
    """Unpacks a layer that has no whiteouts, over what is there."""
    command = ["tar", "--extract", "--numeric-owner", "--same-owner", "--preserve-permissions", "--directory", folder]
    result = subprocess.run(command, input=archive, capture_output=True)
    if result.returncode:
        raise BuildError(f"tar failed: {result.stderr.decode(errors='replace').strip()}")
