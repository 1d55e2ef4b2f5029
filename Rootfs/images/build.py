#!/usr/bin/python3
"""Builds the images that Perigee's tests use, from Debian packages.

    build.py [--cache DIR] [NAME...]     builds these images, or all but `big`
    build.py --list                      names them

Each artefact gives a line of output: its path and the image's digest (of a docker-archive: the image's id). They are
written to `images/` in the cache folder, which is DIR, or $PERIGEE_CACHE, or `perigee` in $XDG_CACHE_HOME or ~/.cache:

    NAME/            an OCI layout, tagged `latest`
    NAME.oci.tar     the same as an archive
    NAME.docker.tar  what `docker save` would write, for the first platform
    layers.expected.json     the tree that unpacking `layers` must give, per architecture (see merge.py)
    foreign-umoci/, foreign-skopeo.oci.tar, foreign-skopeo.docker.tar    for `foreign`
    big/                                                                 for `big`

The machine must be a Debian; packages come from its own mirrors, for other architectures too, and are never
installed. Its apt is not touched: index and downloads are in the cache folder. What is up to date is not built again:
the recipes, the versions of the packages (the index is refreshed daily) and the artefacts are compared with the stamp
of the last build. The same packages give the same bytes, whatever the machine's clock says; times in the images are
$SOURCE_DATE_EPOCH or 0. Only `foreign` varies, being written by other tools, and `big`, which holds what this machine
has installed.

Exit status: 0 built, 1 failed, 2 usage.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True      # the repository is no place for it

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from debian import BuildError, host_architecture, replace
from oci import Stored
from programs import Context
from recipes import RECIPES, Recipe

TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg"}
"""Programs that every recipe runs: command to Debian package."""


def default_cache() -> Path:
    """The cache folder where none is named."""
    if named := os.environ.get("PERIGEE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "perigee"


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--cache", type=Path, metavar="DIR", default=None)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args(words)
    for name in options.names:
        if name not in RECIPES:
            parser.exit(2, f"build.py: there is no image {name}; --list names them\n")
    return options


def need(recipes: list[Recipe]) -> None:
    """Says at once what the machine lacks, with the command that installs it."""
    tools = dict(TOOLS)
    for recipe in recipes:
        tools.update(recipe.tools)
    if missing := sorted({package for command, package in tools.items() if not shutil.which(command)}):
        raise BuildError(f"programs are missing; install them with: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0 and any(recipe.needs_root for recipe in recipes):
        raise BuildError("only root can build this image, since umoci unpacks files of several owners")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps two builds from the same cache."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("images: waiting for another build", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- what is up to date -------------------------------------------------------------------------------------------

def ingredients(recipe: Recipe, context: Context) -> dict[str, object]:
    """All that the bytes of an image depend on."""
    source = hashlib.sha256()
    for path in sorted(Path(__file__).resolve().parent.glob("*.py")):
        source.update(path.read_bytes())
    packages = {architecture: [[p.name, p.version] for p in context.archive(architecture).resolve(*names)]
                for architecture, names in sorted(recipe.packages(context.host).items())}
    return {"recipes": source.hexdigest(), "epoch": context.epoch, "host": context.host, "packages": packages}


def footprint(path: Path) -> list[list[object]]:
    """Size and time of the files of an artefact, by which a damaged or replaced one is noticed."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(file, file.stat()) for file in files]
    return [[str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns] for file, stat in stats
            if not file.is_dir()]


def built_already(stamp: Path, wanted: dict[str, object]) -> list[Stored] | None:
    """The artefacts of the last build, if they are there and what is wanted."""
    try:
        record = json.loads(stamp.read_text())
        if record["ingredients"] != wanted:
            return None
        stored = [Stored(stamp.parent.parent / name, digest) for name, digest, _ in record["artefacts"]]
        if any(footprint(item.path) != known for item, (_, _, known) in zip(stored, record["artefacts"])):
            return None
        return stored
    except (OSError, ValueError, KeyError, TypeError):
        return None


# --- building -----------------------------------------------------------------------------------------------------

def build(name: str, context: Context, again: bool = False) -> tuple[list[Stored], bool]:
    """The artefacts of a recipe, and whether they had to be made."""
    recipe, stamp = RECIPES[name], context.images / ".stamps" / f"{name}.json"
    wanted = ingredients(recipe, context)
    if not again and (stored := built_already(stamp, wanted)) is not None:
        return stored, False
    print(f"images: building {name}", file=sys.stderr)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=context.images) as folder:
        made = recipe.write(context, Path(folder))
        stored = [Stored(install(item.path, context.images), item.digest) for item in made]
    # If a download had to refresh the index, these versions are no longer wanted, and the next build starts anew.
    replace(stamp, json.dumps({
        "ingredients": wanted,
        "artefacts": [[item.path.name, item.digest, footprint(item.path)] for item in stored]}))
    return stored, True


def install(path: Path, folder: Path) -> Path:
    """Moves a finished artefact to its place. A folder can't replace another in one step: the stamp, which is
    written later, makes the gap harmless."""
    final = folder / path.name
    if final.is_dir() and not final.is_symlink():
        final.rename(path.with_name(path.name + ".old"))        # deleted with the temporary folder
    path.rename(final)
    return final


def sweep(folder: Path) -> None:
    """Removes what a killed build left."""
    for leftover in folder.glob(".new-*"):
        shutil.rmtree(leftover)


def build_all(names: list[str], context: Context) -> None:
    """Builds the named images, after those that they are made from, and prints the artefacts of the named."""
    order = [name for name in RECIPES if name in names or any(name in RECIPES[other].after for other in names)]
    need([RECIPES[name] for name in order])
    made: set[str] = set()
    with locked(context.images):
        sweep(context.images)
        for name in order:
            stored, new = build(name, context, again=not made.isdisjoint(RECIPES[name].after))
            if new:
                made.add(name)
            for item in stored if name in names else []:
                print(item.path, item.digest, flush=True)


def main() -> int:
    options = arguments(sys.argv[1:])
    if options.list:
        for name, recipe in RECIPES.items():
            print(f"{name:10} {recipe.summary}")
        return 0
    try:
        epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
        cache = (options.cache or default_cache()).absolute()
        every = [name for name, recipe in RECIPES.items() if not recipe.on_demand]
        build_all(options.names or every, Context(cache, host_architecture(), epoch))
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"build.py: {error.filename or 'system call'}: {error.strerror}", file=sys.stderr)
        return 1
    except ValueError:
        print("build.py: SOURCE_DATE_EPOCH is not a number", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
