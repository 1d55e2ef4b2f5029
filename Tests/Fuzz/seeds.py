#!/usr/bin/python3
"""Writes the first inputs of the fuzzers of images and JSON: their corpora hold these and what the fuzzers have found
to reach more code.

    seeds.py FOLDER     writes FOLDER/NAME/seed-...
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True      # the repository is no place for it

import gzip
import json
import subprocess
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from bad_images import END, entry, old_sparse, sparse

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"


def documents() -> dict[str, bytes]:
    part = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 7,
            "annotations": {"org.opencontainers.image.ref.name": "latest"},
            "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
    config = {"os": "linux", "architecture": "arm64", "created": "1970-01-01T00:00:00Z", "config": {
        "Env": ["PATH=/bin"], "Cmd": ["sh"], "Entrypoint": ["e"], "WorkingDir": "/w", "User": "1:2", "StopSignal": "9",
        "Labels": {"a": "b"}, "Volumes": {"/v": {}}, "ExposedPorts": {"80/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": [DIGEST]}}
    spec = json.loads((TESTS.parent / "Rootfs/default-spec.json").read_text())
    values: dict[str, object] = {
        "m-manifest": {"schemaVersion": 2, "config": part, "layers": [part]},
        "i-index": {"schemaVersion": 2, "manifests": [part]}, "c-config": config, "s-spec": spec}
    found = {name: name[:1].encode() + json.dumps(value, separators=(",", ":")).encode()
             for name, value in values.items()}
    found["r-name"] = b"rregistry.example:5000/team/app:2.1"
    found["p-platform"] = b"plinux/arm64/v8"
    return found


def texts() -> dict[str, bytes]:
    found = {name: text[1:] for name, text in documents().items() if name[0] in "mics"}
    found["numbers"] = b"[0,-1,9223372036854775807,-9223372036854775808,1.5,-0.0,1e300,1E-7,0.1]"
    found["strings"] = rb'["\u00e4\ud83d\ude00\"\\\/\b\f\n\r\t","","~0/~1",{"a/b~":null}]'
    found["twice"] = b'{"a":1,"a":2}'
    return found


def archives() -> dict[str, bytes]:
    pax = {"SCHILY.xattr.user.a": b"b", "mtime": b"1.5", "uid": b"70000", "path": "d/grün".encode()}
    return {
        "plain": entry("d", "5") + entry("d/file", content=b"x" * 600) + entry("l", "2", target="d/file") + END,
        "pax": entry("short", records=pax, content=b"y") + END,
        "links": entry("f", content=b"x") + entry("h", "1", target="f") + entry("out", "2", target="../../x") +
        entry("out/f", content=b"x") + END,
        "nodes": entry("p", "6") + entry("c", "3") + END,
        "whiteouts": entry("d/.wh.f") + entry("x/.wh..wh..opq") + entry("d/e/new", content=b"x") + END,
        "below": entry("h", "1", target="d/f") + entry("l/new", content=b"x") + entry("x", content=b"x") + END,
        "sparse": sparse(10000) + END, "old-sparse": old_sparse(10000) + END, "global": entry("g", "g") + END,
        "long": entry("././@LongLink", "L", content=b"d/" * 90 + b"f\0") + entry("f") + END,
        "unended": entry("d/file", content=b"x"), "nothing": b""}


def streams() -> dict[str, bytes]:
    text = b"perigee " * 100
    member = gzip.compress(text, mtime=0)
    frame = subprocess.run(["zstd", "-c"], input=text, capture_output=True, check=True).stdout
    skipped = (0x184D2A50).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"abc"
    return {"gzip": b"\x10" + member, "members": b"\x02" + member + member + bytes(20), "zstd": b"\x11" + frame,
            "frames": b"\x03" + frame + skipped + frame, "empty": b"\x00", "stored": b"\x20" + gzip.compress(text, 0, mtime=0)}


def main() -> None:
    folder = Path(sys.argv[1])
    for name, seeds in {"documents": documents(), "json": texts(), "tar": archives(), "layer": archives(),
                        "compression": streams()}.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for seed, content in seeds.items():
            (folder / name / f"seed-{seed}").write_bytes(content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
