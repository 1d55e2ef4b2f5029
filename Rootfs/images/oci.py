"""OCI images as values, and the three forms in which they are stored: layout, OCI archive and docker-archive."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Callable, Mapping, Sequence

from layers import Layer, gzip, gzip_members, write_tar, zstd, zstd_frames

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
TAG = "latest"
REFERENCE = "org.opencontainers.image.ref.name"

PACKERS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", lambda data: data),
    "gzip": ("+gzip", gzip),
    "gzip-members": ("+gzip", gzip_members),
    "zstd": ("+zstd", zstd),
    "zstd-frames": ("+zstd", zstd_frames),
}
"""Compression by name: the suffix of the media type, and what does it."""


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def encoded(value: object) -> bytes:
    """JSON without spaces, keys in the order in which they were written."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Blob:
    """Content with the descriptor that refers to it."""

    media_type: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        return digest(self.data)

    @property
    def file_name(self) -> str:
        return self.digest.split(":")[1]

    @property
    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True)
class PackedLayer:
    """A layer's archive, and the blob that it is compressed to."""

    archive: Blob
    blob: Blob
    comment: str

    @staticmethod
    def pack(layer: Layer, compression: str, comment: str) -> "PackedLayer":
        suffix, packer = PACKERS[compression]
        archive = Blob(LAYER, layer.tar())
        return PackedLayer(archive, Blob(LAYER + suffix, packer(archive.data)) if suffix else archive, comment)


@dataclass(frozen=True)
class Image:
    """An image for one platform. `settings` is the `config` object that says how to run it."""

    architecture: str
    layers: Sequence[PackedLayer]
    settings: Mapping[str, object]
    created: str
    notes: Sequence[str] = ()
    """History entries that made no layer, after those that did."""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> dict[str, str]:
        variant = {"variant": "v8"} if self.architecture == "arm64" else {}
        return {"architecture": self.architecture, "os": "linux", **variant}

    @cached_property
    def config(self) -> Blob:
        history: list[dict[str, object]] = [
            {"created": self.created, "created_by": f"perigee: {layer.comment}"} for layer in self.layers]
        history += [{"created": self.created, "created_by": note, "empty_layer": True} for note in self.notes]
        return Blob(CONFIG, encoded({
            "created": self.created, **self.platform, "config": self.settings,
            "rootfs": {"type": "layers", "diff_ids": [layer.archive.digest for layer in self.layers]},
            "history": history}))

    @cached_property
    def manifest(self) -> Blob:
        annotations = {"annotations": self.annotations} if self.annotations else {}
        return Blob(MANIFEST, encoded({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": self.config.descriptor,
            "layers": [layer.blob.descriptor for layer in self.layers], **annotations}))

    def blobs(self) -> list[Blob]:
        return [self.manifest, self.config, *(layer.blob for layer in self.layers)]


@dataclass(frozen=True)
class Stored:
    """Something that was written: what stands in its output line, and what the stamp remembers."""

    path: Path
    digest: str


def layout_files(images: Sequence[Image]) -> tuple[dict[str, bytes], str]:
    """The files of an OCI layout by name, and the digest of what its tag refers to. Several images become an index
    of platforms of their own, which the layout's index refers to."""
    blobs = [blob for image in images for blob in image.blobs()]
    if len(images) == 1:
        root, descriptor = images[0].manifest, {**images[0].manifest.descriptor, "platform": images[0].platform}
    else:
        root = Blob(INDEX, encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            {**image.manifest.descriptor, "platform": image.platform} for image in images]}))
        descriptor = root.descriptor
        blobs.append(root)
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{**descriptor, "annotations": {REFERENCE: TAG}}]}
    files = {f"blobs/sha256/{blob.file_name}": blob.data for blob in blobs}
    files["index.json"] = encoded(index)
    files["oci-layout"] = encoded({"imageLayoutVersion": "1.0.0"})
    return dict(sorted(files.items())), root.digest


def write_layout(path: Path, images: Sequence[Image]) -> Stored:
    """An OCI layout directory."""
    files, root = layout_files(images)
    for name, data in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return Stored(path, root)


def write_oci_archive(path: Path, images: Sequence[Image], mtime: int) -> Stored:
    """The layout as one archive."""
    files, root = layout_files(images)
    with path.open("wb") as output:
        write_tar(output, [("blobs/", b""), ("blobs/sha256/", b""), *files.items()], mtime)
    return Stored(path, root)


def write_docker_archive(path: Path, image: Image, name: str, mtime: int) -> Stored:
    """What `docker save` writes. It has no manifest of OCI's kind: the digest is the image's id, its config's."""
    config, names = image.config, [layer.archive.file_name + ".tar" for layer in image.layers]
    files = {layer.archive.file_name + ".tar": layer.archive.data for layer in image.layers}
    files[config.file_name + ".json"] = config.data
    files["manifest.json"] = encoded([
        {"Config": config.file_name + ".json", "RepoTags": [f"localhost/{name}:{TAG}"], "Layers": names}])
    with path.open("wb") as output:
        write_tar(output, sorted(files.items()), mtime)
    return Stored(path, config.digest)
