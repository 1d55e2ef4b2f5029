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

VIEWS = {
    "cgroup v2": "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup",
    "cgroup v1": "umount /sys/fs/cgroup/unified 2>/dev/null; grep -q '^cgroup ' /proc/mounts",
}
"""How a process sees the host's cgroups, in a mount namespace of its own. Peers refuse hosts that have both."""


class Bench:
    """The programs, a bundle and an image, in a folder that goes at the end."""

    def __init__(self, work: str):
        self.work = work
        # As `make install` does: the linker leaves its file in the page cache in pieces.
        self.perigee = f"{work}/bin/perigee"
        os.mkdir(f"{work}/bin")
        shutil.copy(".build/release/perigee", self.perigee)
        self.store = f"{work}/store"
        self.bundle = self.make_bundle()
        self.filtered = self.make_filtered()

    def make_bundle(self) -> str:
        """With the host's busybox image and the configuration that `runc spec` writes, without a terminal."""
        cache = os.environ.get("PERIGEE_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "perigee")
        quiet = {"stdout": subprocess.DEVNULL, "check": True}
        subprocess.run(["Rootfs/images/build.py", "demo-host"], **quiet)
        own = [self.perigee, "--store", self.store]
        subprocess.run([*own, "image", "load", f"{cache}/images/demo-host.oci.tar"], **quiet)
        path = os.path.join(self.work, "bundle")
        os.mkdir(path)
        subprocess.run([*own, "image", "unpack", "demo-host", f"{path}/rootfs"], **quiet)
        subprocess.run([self.perigee, "spec", "-b", path], **quiet)
        with open(f"{path}/config.json") as file:
            config = json.load(file)
        config["process"]["args"] = ["/bin/true"]
        config["process"]["terminal"] = False
        config["ociVersion"] = "1.0.2"
        with open(f"{path}/config.json", "w") as file:
            json.dump(config, file)
        return path

    def make_filtered(self) -> str:
        """The same with the default profile, as an engine writes it for a container without capabilities."""
        with open("Rootfs/seccomp.json") as file:
            template = json.load(file)
        with open(f"{self.bundle}/config.json") as file:
            config = json.load(file)
        native = f"SCMP_ARCH_{os.uname().machine.upper()}"
        arches = {"x86_64": {"amd64", "x32", "x86"}, "aarch64": {"arm64", "arm"}}[os.uname().machine]
        rules = []
        for rule in template["syscalls"]:
            wanted = rule.get("includes", {})
            if "caps" not in wanted and arches & set(wanted.get("arches", arches)):
                rules.append({key: rule[key] for key in ("names", "action", "errnoRet", "args") if key in rule})
        known = next(entry for entry in template["archMap"] if entry["architecture"] == native)
        config["linux"]["seccomp"] = {
            "defaultAction": template["defaultAction"], "defaultErrnoRet": template["defaultErrnoRet"],
            "architectures": [native, *known["subArchitectures"]], "syscalls": rules}
        path = os.path.join(self.work, "filtered")
        os.mkdir(path)
        os.symlink(f"{self.bundle}/rootfs", f"{path}/rootfs")
        with open(f"{path}/config.json", "w") as file:
            json.dump(config, file)
        return path

    def commands(self) -> dict[str, list[str]]:
        """By name; `ID` stands for a name that is new each time."""
        own = [self.perigee, "--store", self.store, "--root", f"{self.work}/perigee"]
        found = {"perigee run": [*own, "run", "-b", self.bundle, "ID"]}
        for peer in ("crun", "runc", "youki"):
            program = os.environ.get(peer.upper()) or shutil.which(peer)
            if program:
                found[f"{peer} run"] = [program, "--root", f"{self.work}/{peer}", "run", "-b", self.bundle, "ID"]
        if shutil.which("bwrap"):
            found["bwrap"] = [
                shutil.which("bwrap"), "--unshare-all", "--ro-bind", f"{self.bundle}/rootfs", "/", "--proc", "/proc",
                "--dev", "/dev", "--ro-bind", "/sys", "/sys", "--cap-drop", "ALL", "--new-session", "/bin/true"]
        found["with a filter"] = [*own, "run", "-b", self.filtered, "ID"]
        found["perigee pod run"] = [*own, "pod", "run", "--image", "demo-host", "--", "/bin/true"]
        return found


def start(command: list[str], number: int) -> tuple[float, int]:
    """Milliseconds of one whole process, and its status."""
    words = [word if word != "ID" else f"bench-{number}" for word in command]
    null = os.open("/dev/null", os.O_RDWR)
    files = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
    begin = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=files)
    _, status = os.waitpid(pid, 0)
    took = (time.monotonic() - begin) * 1e3
    os.close(null)
    return took, status


def quantiles(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{ordered[0]:7.2f} {statistics.median(ordered):7.2f} {ordered[int(len(ordered) * .95)]:7.2f}"


def compare(commands: dict[str, list[str]], rounds: int) -> None:
    """Runs `perigee run` and each other command in turn, two at a time, so that the machine's mood hits both alike."""
    own = commands.pop("perigee run")
    print(f"{'':16} {'its ms: min, median, p95':>24} {'perigee run:':>23}   perigee run is, pair by pair")
    for name, command in commands.items():
        if start(command, 0)[1]:
            print(f"{name:16} does not start here")
            continue
        times: list[tuple[float, float]] = []
        for number in range(-5, rounds):
            pair = [start(words, number + 10) for words in (own, command)]
            for words, (_, status) in zip((own, command), pair):
                if status:
                    sys.exit(f"bench: {' '.join(words)}: wait status {status}")
            if number >= 0:
                times.append((pair[0][0], pair[1][0]))
        ratios = sorted(mine / its for mine, its in times)
        quarter = len(ratios) // 4
        print(f"{name:16} {quantiles([its for _, its in times])}  {quantiles([mine for mine, _ in times])}"
              f"   {statistics.median(ratios):.2f} of it ({ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f})", flush=True)
        if command[0] == own[0]:
            more = sorted(its - mine for mine, its in times)
            # Of the median, by the order of the differences.
            off = int(0.98 * len(more) ** 0.5) + 1
            low, high = more[max(0, len(more) // 2 - off)], more[min(len(more) - 1, len(more) // 2 + off)]
            print(f"{'':16} {statistics.median(more):.2f} ms more than perigee run, pair by pair "
                  f"({low:.2f} to {high:.2f}, 95 %)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="rounds (default 200)")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        with open(options.inside) as file:
            return compare(json.load(file), options.n)
    work = tempfile.mkdtemp(prefix="perigee-bench-", dir="/dev/shm")
    try:
        commands = Bench(work).commands()
        self_program = commands["perigee run"][0]
        print(f"Linux {os.uname().release} {os.uname().machine}, {os.cpu_count()} processors, {options.n} rounds")
        for name, command in commands.items():
            if command[0] != self_program or name == "perigee run":
                version = subprocess.run([command[0], "--version"], capture_output=True, text=True).stdout
                print(f"{name.split()[0]}: {version.splitlines()[0]}")
        with open(f"{work}/commands.json", "w") as file:
            json.dump(commands, file)
        for view, change in VIEWS.items():
            print(f"\n{view}", flush=True)
            inside = [sys.executable, __file__, "-n", str(options.n), "--inside", f"{work}/commands.json"]
            script = f'{{ {change}; }} && exec "$@"'
            words = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", *inside]
            if subprocess.run(words).returncode:
                print("this host does not have it, or a command failed")
    finally:
        shutil.rmtree(work)


main()
