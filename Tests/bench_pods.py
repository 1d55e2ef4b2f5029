#!/usr/bin/env python3
"""How long pods take to start, beside podman, and to be looked at: see bench.sh.

A start is measured to the first thing that the command does: it opens a FIFO in its volume, for which somebody waits. It is
`perigee pod run --detach`, with its supervisor, and `podman run --detach --network none`, with its conmon; two at a time
and in turn. Then a task file's group of four: from the first member's beginning to the last one's. Then many pods that run:
how long `pod list` takes, and the memory of a supervisor that is its own (Pss_Anon).
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GROUP = 4
VIEWS = {
    "cgroup v2": "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup",
    "cgroup v1": "umount /sys/fs/cgroup/unified 2>/dev/null; grep -q '^cgroup ' /proc/mounts",
}
"""How a process sees the host's cgroups, in a mount namespace of its own: podman refuses hosts that have both."""


def milliseconds(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{ordered[0]:7.1f} {statistics.median(ordered):7.1f} {ordered[int(len(ordered) * .95)]:7.1f}"


class Gates:
    """FIFOs in a folder; each tells when it is opened from the other side."""

    def __init__(self, folder: str, count: int):
        self.paths = [f"{folder}/gate{i}" for i in range(count)]
        for path in self.paths:
            os.mkfifo(path)

    def wait(self, begin: list[str]) -> list[float]:
        """Begins the command, and returns the milliseconds from then until each gate was opened."""
        opened = [0.0] * len(self.paths)

        def watch(i: int) -> None:
            os.close(os.open(self.paths[i], os.O_RDONLY))
            opened[i] = time.monotonic()

        threads = [threading.Thread(target=watch, args=(i,), daemon=True) for i in range(len(self.paths))]
        for thread in threads:
            thread.start()
        time.sleep(0.01)
        start = time.monotonic()
        subprocess.run(begin, stdout=subprocess.DEVNULL, check=True, timeout=60)
        for thread in threads:
            thread.join(60)
            if thread.is_alive():
                sys.exit(f"bench_pods: nothing began: {' '.join(begin)}")
        return [(at - start) * 1e3 for at in opened]


def until_opened(gate: str, begin: list[str]) -> float:
    """The milliseconds from the command's execution until the FIFO was opened; no thread of ours stands between."""
    null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    program = shutil.which(begin[0]) or begin[0]
    signal.alarm(60)
    start = time.monotonic()
    pid = os.posix_spawn(program, begin, os.environ, file_actions=null)
    os.close(os.open(gate, os.O_RDONLY))
    took = time.monotonic() - start
    signal.alarm(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        sys.exit(f"bench_pods: it failed: {' '.join(begin)}")
    return took * 1e3


class Perigee:
    def __init__(self, work: str, images: str):
        self.work = work
        shutil.copy(".build/release/perigee", f"{work}/perigee")
        # No limits: a host that has both versions has few controllers in its v2 tree.
        with open(f"{work}/config.json", "w") as file:
            file.write('{"defaults": {"memory": null, "cpus": null, "pids": null, "max_pods": null}, '
                       '"tenants": {"many": {"mode": "parallel"}}}')
        self.own = [f"{work}/perigee", "--store", f"{work}/store", "--root", f"{work}/run/root", "--config-file",
                    f"{work}/config.json"]
        subprocess.run([*self.own, "image", "load", f"{images}/demo-host.oci.tar"], stdout=subprocess.DEVNULL, check=True)

    def volume(self, name: str, tenant: str = "default") -> str:
        path = f"{self.work}/store/volumes/{tenant}/{name}"
        os.makedirs(path, exist_ok=True)
        return path

    def run(self, *words: str) -> None:
        subprocess.run([*self.own, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    def start(self, volume: str) -> list[str]:
        return [*self.own, "pod", "run", "--detach", "--network", "none", "--image", "demo-host", "--volume", volume,
                ": > /data/gate0"]

    def clean(self) -> None:
        self.run("pod", "wait", "pod")
        self.run("pod", "rm", "pod")


class Podman:
    def __init__(self, work: str, images: str):
        self.own = ["podman", "--root", f"{work}/podman", "--runroot", f"{work}/run/podman", "--cgroup-manager", "cgroupfs"]
        if "CRUN" in os.environ:
            self.own += ["--runtime", os.environ["CRUN"]]
        subprocess.run([*self.own, "load", "-q", "-i", f"{images}/demo-host.docker.tar"], stdout=subprocess.DEVNULL,
                       check=True)
        text = subprocess.run([*self.own, "info", "--format", "{{.Version.Version}}, {{.Host.OCIRuntime.Path}} {{.Host.OCIRuntime.Version}}, "
                               "{{.Store.GraphDriverName}}"], capture_output=True, text=True, check=True).stdout
        self.version = " ".join(text.split()).split(" commit")[0] + ", " + text.split()[-1]

    def start(self, folder: str) -> list[str]:
        return [*self.own, "run", "--detach", "--name", "bench", "--network", "none", "--ulimit", "nofile=1024:1024",
                "--ulimit", "nproc=1024:1024", "--pids-limit", "0", "-v", f"{folder}:/data",
                "localhost/demo-host:latest", "/bin/sh", "-c", ": > /data/gate0"]

    def clean(self) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*self.own, "wait", "bench"], **quiet)
        subprocess.run([*self.own, "rm", "-f", "bench"], **quiet)


def starts(perigee: Perigee, podman: "Podman | None", work: str, rounds: int) -> None:
    own = Gates(perigee.volume("start"), 1).paths[0]
    folder = f"{work}/podman-volume"
    os.mkdir(folder)
    its = Gates(folder, 1).paths[0]
    times: list[tuple[float, float]] = []
    for number in range(-2, rounds):
        mine = until_opened(own, perigee.start("start"))
        perigee.clean()
        other = 0.0
        if podman:
            other = until_opened(its, podman.start(folder))
            podman.clean()
        if number >= 0:
            times.append((mine, other))
    print("\nto the command's first instruction, ms: min, median, p95")
    print(f"{'perigee pod run':16} {milliseconds([mine for mine, _ in times])}")
    if podman:
        ratios = sorted(mine / other for mine, other in times)
        quarter = len(ratios) // 4
        print(f"{'podman run':16} {milliseconds([other for _, other in times])}   perigee takes "
              f"{statistics.median(ratios):.3f} of it ({ratios[quarter]:.3f} to {ratios[-1 - quarter]:.3f})")


def groups(perigee: Perigee, work: str, rounds: int) -> None:
    gates = Gates(perigee.volume("group"), GROUP)
    path = f"{work}/group.yaml"
    with open(path, "w") as file:
        for i in range(GROUP):
            file.write(f"- id: T{i}\n  type: dphi.space.cg2.pod.run\n  pod_name: member{i}\n"
                       "  image: {name: demo-host, tag: latest}\n  command: [/bin/sh]\n"
                       f"  args: [-c, ': > /data/gate{i}']\n  volume: group\n  merge: true\n")
    spans = []
    for _ in range(rounds):
        at = gates.wait([*perigee.own, "pod", "run", "--detach", path])
        spans.append(max(at) - min(at))
        for i in range(GROUP):
            perigee.run("pod", "wait", f"member{i}")
            perigee.run("pod", "rm", f"member{i}")
    print(f"\na group of {GROUP}, from its first member's beginning to the last one's, ms: min, median, p95")
    print(f"{'':16} {milliseconds(spans)}")


def many(perigee: Perigee, work: str, count: int) -> None:
    start = time.monotonic()
    for i in range(count):
        perigee.run("pod", "run", "--detach", "--tenant", "many", "--name", f"n{i}", "--image", "demo-host", "sleep 1000")
    took = time.monotonic() - start
    lists = []
    for _ in range(20):
        before = time.monotonic()
        text = subprocess.run([*perigee.own, "pod", "list", "--tenant", "many"], capture_output=True, text=True, check=True).stdout
        lists.append((time.monotonic() - before) * 1e3)
    running = text.count(" Running ")
    sizes = []
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                if f"{work}/run/root\0" not in file.read():
                    continue
            with open(f"/proc/{pid}/smaps_rollup") as file:
                sizes += [int(line.split()[1]) for line in file if line.startswith("Pss_Anon:")]
        except (OSError, ValueError):
            continue
    print(f"\n{count} pods, accepted in {took:.1f} s; {running} run at the last look\n"
          f"pod list, ms: min, median, p95\n{'':16} {milliseconds(lists)}\n"
          f"a supervisor's own memory, KiB: median {statistics.median(sizes):.0f}, most {max(sizes)}, of {len(sizes)}")
    for i in range(count):
        perigee.run("pod", "rm", "--tenant", "many", "--force", f"n{i}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=30, help="rounds (default 30)")
    parser.add_argument("--pods", type=int, default=200, help="how many at once (default 200)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        for view, change in VIEWS.items():
            print(f"\n{view}", flush=True)
            words = ["unshare", "-m", "--propagation", "private", "sh", "-c", f'{{ {change}; }} && exec "$@"', "sh",
                     sys.executable, __file__, "--inside", "-n", str(options.n), "--pods", str(options.pods)]
            if subprocess.run(words).returncode:
                print("this host does not have it, or a command failed")
        return
    subprocess.run(["Rootfs/images/build.py", "demo-host"], stdout=subprocess.DEVNULL, check=True)
    cache = os.environ.get("PERIGEE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "perigee")
    work = tempfile.mkdtemp(prefix="perigee-bench-", dir=os.environ.get("BENCH_DIR"))
    # What a host has at /run, where both keep what runs by default.
    os.mkdir(f"{work}/run")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{work}/run"], check=True)
    try:
        perigee = Perigee(work, f"{cache}/images")
        podman = Podman(work, f"{cache}/images") if shutil.which("podman") else None
        if podman:
            print(f"podman {podman.version}")
        starts(perigee, podman, work, options.n)
        groups(perigee, work, options.n)
        many(perigee, work, options.pods)
    finally:
        subprocess.run(["umount", "-R", f"{work}/podman/overlay", f"{work}/run"], stderr=subprocess.DEVNULL)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
