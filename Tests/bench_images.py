#!/usr/bin/python3
"""How long it takes to load and unpack one gzip layer of several hundred megabytes, beside peers: see bench.sh.

perigee stores the image whole: it checks both digests and waits until the disk has all. umoci checks the digests;
igzip and tar unpack alone. Each run writes into a new folder, and all are removed at the end: ext4 is slow to reuse
what has just been deleted.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PERIGEE = os.path.abspath(".build/release/perigee")


def image() -> Path:
    """The layout."""
    made = subprocess.run(["Rootfs/images/build.py", "big"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return Path(made.split()[0])


def commands(layout: Path) -> dict[str, list[str]]:
    """What is compared, by name; `$1` is a new folder."""
    layer = max((layout / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    found = {"perigee": ["sh", "-c", f'exec {PERIGEE} --store "$1/store" image load {layout}', "sh"]}
    if shutil.which("umoci"):
        found["umoci"] = ["sh", "-c", f'exec umoci unpack --image {layout}:latest "$1/bundle"', "sh"]
    if shutil.which("igzip"):
        found["igzip | tar"] = ["sh", "-c", f'igzip -dc < {layer} | tar -x -C "$1"', "sh"]
    return found


def version(program: str) -> str:
    text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return text.splitlines()[0] if text else program


def run(command: list[str], work: str) -> float:
    """Seconds of one run."""
    folder = tempfile.mkdtemp(dir=work)
    os.sync()
    start = time.monotonic()
    result = subprocess.run([*command, folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)
    took = time.monotonic() - start
    if result.returncode:
        sys.exit(f"bench: {' '.join(command)}: {result.stderr.decode()}")
    return took


def descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(deeper for child in children for deeper in descendants(int(child)))]


def peak_memory(command: list[str], work: str) -> float:
    """MiB: the sum of what each process of one run had resident at its peak, an upper bound for all at once."""
    peaks: dict[int, int] = {}
    with subprocess.Popen([*command, tempfile.mkdtemp(dir=work)], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for pid in descendants(process.pid):
                try:
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                except OSError:
                    continue
                for line in lines:
                    if line.startswith("VmHWM:"):
                        peaks[pid] = int(line.split()[1])
            time.sleep(0.02)
    return sum(peaks.values()) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=3, help="rounds (default 3)")
    rounds = parser.parse_args().n
    layout = image()
    programs = commands(layout)
    work = tempfile.mkdtemp(prefix="perigee-bench-", dir="/var/tmp")
    try:
        size = sum(blob.stat().st_size for blob in (layout / "blobs/sha256").iterdir())
        print(f"\nloading and unpacking an image of {size / 1e6:.0f} MB")
        for name, program in {"perigee": PERIGEE, "umoci": "umoci", "igzip": "igzip", "tar": "tar"}.items():
            if shutil.which(program):
                print(f"{name}: {version(program)}")
        memory = {name: peak_memory(command, work) for name, command in programs.items()}
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(rounds):
            for name, command in programs.items():
                times[name].append(run(command, work))
        print(f"{'command':12} {'min s':>7} {'median':>7} {'peak MiB':>9}  ratio to perigee, median")
        for name, list_ in times.items():
            ratio = statistics.median(t / p for t, p in zip(list_, times["perigee"]))
            print(f"{name:12} {min(list_):7.2f} {statistics.median(list_):7.2f} {memory[name]:9.1f}  {ratio:.2f}")
    finally:
        shutil.rmtree(work)


main()
