#!/usr/bin/env python3
"""Start-up times of perigee and its peers: see bench.sh."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PERIGEE = os.path.abspath(".build/release/perigee")


def bundle(work: str) -> str:
    """A bundle with the host's busybox image and the configuration that `runc spec` writes, without a terminal."""
    store = os.path.join(work, "store")
    cache = os.environ.get("PERIGEE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "perigee")
    subprocess.run(["Rootfs/images/build.py", "demo-host"], check=True, stdout=subprocess.DEVNULL)
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    subprocess.run([PERIGEE, "--store", store, "image", "load", f"{cache}/images/demo-host.oci.tar"], **quiet)
    path = os.path.join(work, "bundle")
    os.mkdir(path)
    subprocess.run([PERIGEE, "--store", store, "image", "unpack", "demo-host", f"{path}/rootfs"], **quiet)
    subprocess.run([PERIGEE, "spec", "-b", path], **quiet)
    config = json.load(open(f"{path}/config.json"))
    config["process"]["args"] = ["/bin/true"]
    config["process"]["terminal"] = False
    config["ociVersion"] = "1.0.2"
    json.dump(config, open(f"{path}/config.json", "w"))
    return path


def once(command: list[str]) -> float:
    """Milliseconds of one run; an exit status other than 0 ends the benchmark."""
    start = time.monotonic()
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    took = (time.monotonic() - start) * 1e3
    if result.returncode:
        sys.exit(f"bench: {' '.join(command)}: {result.stderr.decode()}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100, help="rounds (default 100)")
    rounds = parser.parse_args().n
    work = tempfile.mkdtemp(prefix="perigee-bench-")
    try:
        path = bundle(work)
        commands = {"perigee": lambda i: [PERIGEE, "--root", f"{work}/perigee", "run", "-b", path, f"bench-{i}"]}
        for peer in ("crun", "runc"):
            program = shutil.which(peer)
            if not program:
                continue
            command = lambda i, program=program, peer=peer: [
                program, "--root", f"{work}/{peer}", "run", "-b", path, f"bench-{i}"]
            if subprocess.run(command("try"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode:
                print(f"{peer}: does not start here, left out")
                continue
            commands[peer] = command
        for name, command in commands.items():
            version = subprocess.run([command(0)[0], "--version"], capture_output=True, text=True).stdout
            print(f"{name}: {version.splitlines()[0]}")
        times: dict[str, list[float]] = {name: [] for name in commands}
        for i in range(-5, rounds):
            for name, command in commands.items():
                took = once(command(i + 5))
                if i >= 0:
                    times[name].append(took)
        print(f"{'command':10} {'min ms':>8} {'median':>8} {'p95':>8}  ratio to perigee, median")
        for name, list_ in times.items():
            ordered = sorted(list_)
            ratio = statistics.median(t / p for t, p in zip(list_, times["perigee"]))
            print(f"{name:10} {ordered[0]:8.2f} {statistics.median(ordered):8.2f} "
                  f"{ordered[int(len(ordered) * .95)]:8.2f}  {ratio:.2f}")
    finally:
        shutil.rmtree(work)


main()
