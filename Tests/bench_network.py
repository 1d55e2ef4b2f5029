#!/usr/bin/env python3
"""How long a pod with a network takes to start, beside podman, and what goes through it: see bench.sh.

A start is measured as in bench_pods.py: to the first thing that the command does, in a volume; here of a pod in its tenant's
network, with a port that is published, and of a podman container with a bridge network and the same. The pod is its tenant's
first each time, so that its network is made and taken away; and once more beside another one of its tenant's, as podman's bridge
stays from the first round on. Then iperf3, between two pods and from the host through a published port, perigee's and podman's
in turn. Each has a network namespace that is its host, so that neither has the other's rules.
"""

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench_pods import VIEWS, Gates, Perigee, Podman, milliseconds

PORT = 18080
STREAM = 18081
ADDRESS = "192.0.2.1"
IMAGE = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--pids-limit", "0"]


def text(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


class Hosts:
    """A network namespace for each: perigee's is this process's."""

    NEW = 0x40000000  # CLONE_NEWNET

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        text("ip", "link", "set", "lo", "up")
        # A host's own address: with some, 127.0.0.1 is another way.
        text("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")
        self.check(self.libc.unshare(self.NEW))
        self.theirs = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        text("ip", "link", "set", "lo", "up")
        text("ip", "addr", "add", f"{ADDRESS}/32", "dev", "lo")
        self.check(self.libc.setns(self.own, self.NEW))

    def check(self, result: int) -> None:
        if result:
            raise OSError(ctypes.get_errno(), "a network namespace")

    @contextlib.contextmanager
    def of(self, whose: str):
        """Whatever this thread begins meanwhile is there."""
        self.check(self.libc.setns(self.own if whose == "perigee" else self.theirs, self.NEW))
        try:
            yield
        finally:
            self.check(self.libc.setns(self.own, self.NEW))


class Starts:
    """Starts pods with network, volume and published port, and takes them away."""

    def __init__(self, hosts: Hosts, perigee: Perigee, podman: "Podman | None", work: str):
        self.hosts, self.perigee, self.podman = hosts, perigee, podman
        self.own = Gates(perigee.volume("network", "many"), 1)
        self.folder = f"{work}/podman-network"
        os.mkdir(self.folder)
        self.its = Gates(self.folder, 1)

    def mine(self) -> float:
        words = ["--tenant", "many", "--name", "start"]
        took = self.own.wait([*self.perigee.own, "pod", "run", "--detach", *words, "--image", "demo-host", "--volume",
                              "network", "--publish", f"{PORT}:80", ": > /data/gate0"])[0]
        self.perigee.run("pod", "wait", "start", "--tenant", "many")
        self.perigee.run("pod", "rm", "start", "--tenant", "many")
        return took

    def other(self) -> float:
        with self.hosts.of("podman"):
            took = self.its.wait([*self.podman.own, "run", "--detach", "--name", "bench", "--network", "bridge", *IMAGE, "-p",
                                  f"{PORT}:80", "-v", f"{self.folder}:/data", "localhost/demo-host:latest", "/bin/sh", "-c",
                                  ": > /data/gate0"])[0]
            self.podman.clean()
        return took

    def compare(self, title: str, rounds: int) -> None:
        times = []
        for number in range(-2, rounds):
            pair = self.mine(), self.other() if self.podman else 0.0
            if number >= 0:
                times.append(pair)
        print(f"\n{title}, ms: min, median, p95")
        print(f"{'perigee pod run':16} {milliseconds([mine for mine, _ in times])}")
        if self.podman:
            ratios = sorted(mine / other for mine, other in times)
            quarter = len(ratios) // 4
            print(f"{'podman run':16} {milliseconds([other for _, other in times])}   perigee takes "
                  f"{statistics.median(ratios):.3f} of it ({ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f})", flush=True)


class Streams:
    """Pairs of pods, one with a server; the host's iperf3 runs in their namespaces, so that no image needs it."""

    def __init__(self, hosts: Hosts, perigee: Perigee, podman: "Podman | None"):
        self.hosts, self.perigee, self.podman = hosts, perigee, podman
        self.spaces: dict[str, list[str]] = {"perigee": [], "podman": []}
        for name in ("server", "client"):
            publish = ["--publish", f"{STREAM}:5201"] if name == "server" else []
            perigee.run("pod", "run", "--detach", "--tenant", "many", "--name", name, "--image", "demo-host", *publish,
                        "while :; do sleep 1; done")
            self.spaces["perigee"].append(self.pid(name))
            if podman:
                ports = ["-p", f"{STREAM}:5201"] if name == "server" else []
                with hosts.of("podman"):
                    text(*podman.own, "run", "--detach", "--name", name, "--network", "bridge", *IMAGE, *ports,
                         "localhost/demo-host:latest", "/bin/sh", "-c", "while :; do sleep 1; done")
                self.spaces["podman"].append(text(*podman.own, "inspect", "--format", "{{.State.Pid}}", name).strip())
        self.servers = [subprocess.Popen(["nsenter", f"--net=/proc/{pids[0]}/ns/net", "iperf3", "-s"],
                                         stdout=subprocess.DEVNULL) for pids in self.spaces.values() if pids]

    def pid(self, name: str) -> str:
        """Of a pod that is about to run."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            status = json.loads(text(*self.perigee.own, "pod", "status", name, "--tenant", "many"))["data"]
            if status["phase"] == "Running":
                return str(json.loads(text(*self.perigee.own, "state", status["id"]))["pid"])
            time.sleep(0.01)
        sys.exit(f"bench_network: {name} does not run")

    def end(self) -> None:
        for server in self.servers:
            server.kill()
            server.wait()
        for name in ("server", "client"):
            self.perigee.run("pod", "rm", "--force", "--tenant", "many", name)
            if self.podman:
                with self.hosts.of("podman"):
                    subprocess.run([*self.podman.own, "rm", "-f", "-t", "0", name], stdout=subprocess.DEVNULL)

    def address(self, whose: str) -> str:
        space = f"--net=/proc/{self.spaces[whose][0]}/ns/net"
        return json.loads(text("nsenter", space, "ip", "-j", "-4", "addr", "show", "eth0"))[0]["addr_info"][0]["local"]

    def gigabits(self, before: list[str], host: str, port: int, seconds: int) -> float:
        """What iperf3 got through, in 10^9 bits a second; it may be that the server does not listen yet."""
        words = [*before, "iperf3", "-J", "-c", host, "-p", str(port), "-t", str(seconds), "-O", "0.2"]
        for _ in range(100):
            said = subprocess.run(words, capture_output=True, text=True, timeout=seconds + 30)
            # One that lost its server's answer at the end says so in its text alone.
            total = json.loads(said.stdout)["end"].get("sum_received") if said.returncode == 0 else None
            if total:
                return total["bits_per_second"] / 1e9
            time.sleep(0.05)
        sys.exit(f"bench_network: {' '.join(words)}: {said.stdout}")

    def compare(self, rounds: int, seconds: int) -> None:
        ways = {
            "between two pods": lambda whose: self.gigabits(
                ["nsenter", f"--net=/proc/{self.spaces[whose][1]}/ns/net"], self.address(whose), 5201, seconds),
            "through a port": lambda whose: self.gigabits([], ADDRESS, STREAM, seconds),
        }
        print("\niperf3, Gbit/s: min, median, most")
        for way, measure in ways.items():
            rows: dict[str, list[float]] = {whose: [] for whose, pids in self.spaces.items() if pids}
            for number in range(rounds):
                # Who is second may have the warmer machine.
                for whose in list(rows)[:: 1 if number % 2 else -1]:
                    with self.hosts.of(whose):
                        rows[whose].append(measure(whose))
            for whose, found in rows.items():
                line = f"{way:18} {whose:8} {min(found):7.1f} {statistics.median(found):7.1f} {max(found):7.1f}"
                if whose == "podman":
                    ratios = sorted(mine / other for mine, other in zip(rows["perigee"], found))
                    line += f"   perigee has {statistics.median(ratios):.2f} of it ({ratios[0]:.2f} to {ratios[-1]:.2f})"
                print(line, flush=True)


def inside(options: argparse.Namespace) -> None:
    hosts = Hosts()
    subprocess.run(["Rootfs/images/build.py", "demo-host"], stdout=subprocess.DEVNULL, check=True)
    cache = os.environ.get("PERIGEE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "perigee")
    work = tempfile.mkdtemp(prefix="perigee-bench-", dir=os.environ.get("BENCH_DIR"))
    perigee = Perigee(work, f"{cache}/images")
    try:
        podman = None
        if shutil.which("podman"):
            # What podman would leave there is another network's.
            os.makedirs("/var/lib/cni", exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "none", "/var/lib/cni"], check=True)
            podman = Podman(work, f"{cache}/images")
            backend = text(*podman.own, "info", "--format", "{{.Host.NetworkBackend}}").strip()
            print(f"podman {podman.version}, network by {backend}")
        starts = Starts(hosts, perigee, podman, work)
        starts.compare("with network, volume and port, to the command's first instruction", options.n)
        perigee.run("pod", "run", "--detach", "--tenant", "many", "--name", "beside", "--image", "demo-host", "--publish",
                    f"{PORT + 9}:80", "while :; do sleep 1; done")
        starts.compare("the same beside another pod of the tenant's", options.n)
        perigee.run("pod", "rm", "--force", "--tenant", "many", "beside")
        streams = Streams(hosts, perigee, podman)
        try:
            streams.compare(options.streams, options.seconds)
        finally:
            streams.end()
    finally:
        # Also where something has failed.
        for name in ("start", "beside", "server", "client"):
            perigee.run("pod", "rm", "--force", "--tenant", "many", name)
        subprocess.run(["umount", "-R", f"{work}/podman/overlay"], stderr=subprocess.DEVNULL)
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=20, help="rounds (default 20)")
    parser.add_argument("--streams", type=int, default=10, help="rounds of iperf3 (default 10)")
    # iperf3 takes whole ones: less than one would be 0, which is for ever.
    parser.add_argument("--seconds", type=int, default=1, help="seconds that each goes on (default 1)")
    parser.add_argument("--view", choices=[*VIEWS], default=None, help="one alone")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    for view, change in VIEWS.items():
        if options.view not in (None, view):
            continue
        print(f"\npods on a network, {view}", flush=True)
        words = ["unshare", "-m", "-n", "--propagation", "private", "sh", "-c", f'{{ {change}; }} && exec "$@"', "sh",
                 sys.executable, __file__, "--inside", "-n", str(options.n), "--streams", str(options.streams), "--seconds",
                 str(options.seconds)]
        if subprocess.run(words).returncode:
            print("this host does not have it, or a command failed")


if __name__ == "__main__":
    main()
