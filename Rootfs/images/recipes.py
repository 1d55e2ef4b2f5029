"""The recipes by name: what they need, and what writes their artefacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Mapping, Sequence

import big
import foreign
import semantics
from oci import Image, Stored
from programs import PYTHON_PACKAGES, Context, demo, python, write_all

BUSYBOX = ("busybox-static",)


@dataclass(frozen=True)
class Recipe:
    """How the artefacts of one name are made."""

    summary: str
    packages: Callable[[str], Mapping[str, Sequence[str]]]
    """The packages to fetch by architecture, on a host of the given one, whose busybox lists the applets."""
    write: Callable[[Context, Path], list[Stored]]
    """Writes the artefacts into the folder."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Further programs that it runs: command to Debian package."""
    after: Sequence[str] = ()
    """Recipes whose artefacts it reads."""
    needs_root: bool = False
    on_demand: bool = False
    """Built only where it is named."""


def single(name: str, image: Callable[[Context], Image]) -> Callable[[Context, Path], list[Stored]]:
    """A writer for an image of one platform."""
    return lambda context, folder: write_all(context, folder, name, [image(context)])


RECIPES: dict[str, Recipe] = {
    "demo": Recipe(
        "a small arm64 image: busybox, accounts, a shell",
        lambda host: {host: BUSYBOX, "arm64": BUSYBOX},
        single("demo", lambda context: demo(context, "arm64"))),
    "demo-host": Recipe(
        "the same for this machine's architecture",
        lambda host: {host: BUSYBOX},
        single("demo-host", lambda context: demo(context, context.host))),
    "python": Recipe(
        "a larger arm64 image: Debian's Python with its standard library",
        lambda host: {host: BUSYBOX, "arm64": PYTHON_PACKAGES},
        single("python", lambda context: python(context, "arm64"))),
    "layers": Recipe(
        "the rules for layers, for two architectures, with the tree that must come out",
        lambda host: {architecture: BUSYBOX for architecture in semantics.architectures(host)},
        semantics.write, tools={"zstd": "zstd"}),
    "foreign": Recipe(
        "the contents of demo as umoci and skopeo write them",
        lambda host: {host: BUSYBOX, "arm64": BUSYBOX},
        foreign.write, tools={"umoci": "umoci", "skopeo": "skopeo"}, after=("demo",), needs_root=True),
    "big": Recipe(
        "one gzip layer of this machine's libraries, to measure loading with; not among all",
        lambda host: {}, big.write, on_demand=True),
}
