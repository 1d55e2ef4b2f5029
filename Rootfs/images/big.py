"""`big`: one gzip layer of several hundred megabytes, to measure loading with. It is no system to run anything in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from debian import BuildError
from oci import LAYER, Blob, Image, PackedLayer, Stored, gzip, write_layout
from programs import Context


def folders() -> list[str]:
    """What goes into the layer: this machine's libraries, large and small, and many small texts."""
    libraries = sorted(path for path in Path("/usr/lib").glob("*-linux-gnu") if (path / "libc.so.6").exists())
    return [str(path.relative_to("/")) for path in [*libraries[:1], Path("/usr/share/perl")] if path.exists()]


def write(context: Context, folder: Path) -> list[Stored]:
    """A layout alone. It is made in memory, of which it needs about 1.5 GB."""
    command = ["tar", "--create", "--directory", "/", "--numeric-owner", "--sort=name", *folders()]
    result = subprocess.run(command, capture_output=True)
    if result.returncode:
        raise BuildError(f"tar failed: {result.stderr.decode(errors='replace').strip()}")
    layer = PackedLayer(Blob(LAYER, result.stdout), Blob(LAYER + "+gzip", gzip(result.stdout)), "the host's libraries")
    return [write_layout(folder / "big", [Image(context.host, [layer], {"Cmd": ["/bin/true"]}, context.created)])]
