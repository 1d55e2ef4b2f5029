#!/usr/bin/python3
"""Kills Perigee at every system call, and makes every system call fail, and looks what is left.

    faults.py [--scenario NAME] [--actor runtime|stage] [--mode MODE] [--only CALL] [--part K/N] [--every N]
    faults.py --point SCENARIO:ACTOR:CALL:I:MODE      one point again, with all that it printed

A point is the I-th call of a name that one process makes in a reference trace of a scenario. The runtime is started by
strace; the stage, and the supervisor that a command goes on as, are stopped when they are born, and strace attached then, so
that they are counted apart from the runtime.
Modes are `kill`, and errors: ENOMEM EIO ENOSPC EMFILE. After each point one ordinary command follows. Then there must be
no process, cgroup, upper directory, temporary file or state directory, the store must be what it was, and mounts and
interfaces of the host too. A call that fails must give a message with its error's name and a fitting exit code, or do
no harm; nothing may crash or hang.

Scenarios: `supervisor` and `deadline` the process that stays with a pod, killed alone: whichever comes next goes on with
the pod; `published` one whose pod has a port of the host; `accepted` the command that accepts a pod, and `begun` the supervisor
that it goes on as; `pod` a pod run; `first` the same in a new root, with a new volume; `run` a bundle; `load` an image load;
`create`, `start`, `exec` and `delete` of a container that was created from a bundle.
All run in a network namespace of their own.
`make test` runs each 61st: a number that has no part in common with that of the modes. Needs root, strace, and the image `demo-host` of Rootfs/images/build.py. Exit status: 0 clean, 1 violations, 2 usage.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ERRORS = ("ENOMEM", "EIO", "ENOSPC", "EMFILE")
MODES = ("kill",) + ERRORS
LIMIT = 20
"""Seconds that a command may take; it takes a fiftieth of one."""

HERE = Path(__file__).resolve().parent.parent
BEFORE_MAIN = "newfstatat(0,"
"""The first call that is ours: those before are libc's and Swift's, whose failures we can't answer for."""


def images() -> Path:
    cache = os.environ.get("PERIGEE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "perigee")
    return Path(cache) / "images"


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, order=True)
class Point:
    scenario: str
    actor: str
    call: str
    index: int
    mode: str

    def __str__(self) -> str:
        return f"{self.scenario}:{self.actor}:{self.call}:{self.index}:{self.mode}"

    @property
    def injection(self) -> str:
        what = "signal=KILL" if self.mode == "kill" else f"error={self.mode}"
        return f"inject={self.call}:{what}:when={self.index}"


@dataclass
class Outcome:
    status: int
    """The exit code; 128 + the signal; -1 for a hang."""
    output: str
    errors: str


@dataclass
class Finding:
    point: Point
    problems: list[str]
    command: str
    outcome: Outcome


# --- processes -------------------------------------------------------------------------------------------------------

def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def state(pid: int) -> str:
    """The letter of proc_pid_stat(5), empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def arguments(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def tracer(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(re.search(r"^TracerPid:\s*(\d+)", text, re.M).group(1))


def kill(pid: int, number: int = signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def until(condition, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.0005)
    return True


def reap_strays() -> list[str]:
    """Reaps what has come to us and ended, and names what has not, which is killed."""
    left = []
    end = time.monotonic() + 0.5
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return left
        if pid:
            continue
        if time.monotonic() < end:
            time.sleep(0.002)
            continue
        for pid in children(os.getpid()):
            left.append(f"process {pid} ({state(pid)}): {arguments(pid)}")
            kill(pid)
        end = time.monotonic() + 2


class Command:
    """A command with its output in files, so that nothing that is left can hold a reader."""
    own: set[int] = set()
    """Those that nobody has waited for yet; a number that is free again may be another process's next."""

    def __init__(self, words: list[str], directory: Path, stopped: bool = False):
        self.out, self.err = directory / "out", directory / "err"
        self.words = words
        # New files: a command whose runtime was killed may still write to the last ones.
        self.out.unlink(missing_ok=True)
        self.err.unlink(missing_ok=True)
        out = os.open(self.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        err = os.open(self.err, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        null = os.open("/dev/null", os.O_RDONLY)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                os.dup2(null, 0), os.dup2(out, 1), os.dup2(err, 2)
                os.closerange(3, 100)
                if stopped:
                    os.kill(os.getpid(), signal.SIGSTOP)
                os.execv(words[0], words)
            finally:
                os._exit(111)
        Command.own.add(self.pid)
        for number in (out, err, null):
            os.close(number)

    def wait(self) -> Outcome:
        end = time.monotonic() + LIMIT
        pause = 0.0005
        status = None
        while status is None:
            # A pid namespace ends when all that was in it has been waited for, and some of that comes to us.
            for pid in children(os.getpid()) if pause >= 0.005 else []:
                if pid not in Command.own and state(pid) == "Z":
                    os.waitpid(pid, 0)
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                status = 128 + os.WTERMSIG(code) if os.WIFSIGNALED(code) else os.WEXITSTATUS(code)
            elif time.monotonic() > end:
                self.kill()
                status = -1
            else:
                time.sleep(pause)
                pause = min(pause * 1.5, 0.005)
        Command.own.discard(self.pid)
        return Outcome(status, self.out.read_text(errors="replace"), self.err.read_text(errors="replace"))

    def kill(self):
        for pid in [self.pid] + children(self.pid):
            kill(pid)
        os.waitpid(self.pid, 0)


# --- a root and a store, and what may be in them ----------------------------------------------------------------------

class Place:
    """A root and a store of one worker's own."""

    def __init__(self, number: int, binary: str):
        # In memory: thousands of loads wait for no disk.
        self.number = number
        self.directory = Path(f"/dev/shm/perigee-test-faults-{os.getpid()}-{number}")
        self.binary = binary
        self.root, self.store, self.bundle = (self.directory / n for n in ("root", "store", "bundle"))
        self.make()

    def make(self):
        self.remove()
        self.directory.mkdir(parents=True)
        self.must("image", "load", str(images() / "demo-host.oci.tar"))
        self.reference = self.listing()
        self.must("pod", "run", "--image", "demo-host", "true")
        self.bundle.mkdir()
        self.must("image", "unpack", "demo-host", str(self.bundle / "rootfs"))
        self.must("spec", "-b", str(self.bundle))
        path = self.bundle / "config.json"
        config = json.loads(path.read_text())
        config["process"]["args"] = ["/bin/echo", "done"]
        path.write_text(json.dumps(config))
        self.must("run", "-b", str(self.bundle), "f")

    def remove(self):
        reap_strays()
        for path in reversed(self.groups()):
            try:
                path.rmdir()
            except OSError:
                pass
        shutil.rmtree(self.directory, ignore_errors=True)

    def words(self, *arguments: str) -> list[str]:
        return [self.binary, "--store", str(self.store), "--root", str(self.root), *arguments]

    def run(self, *arguments: str) -> Outcome:
        return Command(self.words(*arguments), self.directory).wait()

    def must(self, *arguments: str):
        outcome = self.run(*arguments)
        if outcome.status:
            raise SystemExit(f"faults.py: {' '.join(arguments)}: {outcome.status} {outcome.errors}")

    @property
    def identifier(self) -> str:
        """As RuntimeRoot makes it: FNV-1a."""
        value = 2166136261
        for byte in str(self.root).encode():
            value = ((value ^ byte) * 16777619) & 0xffffffff
        return f"{value:08x}"

    def listing(self) -> list[str]:
        """The store's files but for the volumes' contents, and a layer's inside."""
        result = []
        for path in sorted(self.store.rglob("*")):
            name = path.relative_to(self.store)
            if name.parts[0] == "layers" and len(name.parts) > 2 or name.parts[0] == "volumes":
                continue
            # What the next container's directories are made of.
            if name.parts[0] == "blank":
                continue
            # The place of pods stays, and a tenant's lock in it, and what is told and kept of pods that are gone.
            if name.parts[0] == "pods" and (
                    len(name.parts) < 3 or name.parts[2].startswith((".accept-", ".events", ".blank", "removed"))):
                continue
            result.append(f"{name} {path.lstat().st_mode:o}")
        return result

    def leftovers(self) -> list[str]:
        """What must not be there when nothing runs."""
        found = []
        if self.root.exists():
            for path in self.root.iterdir():
                # The place of what containers of a pod share stays, and nothing in it.
                if path.name == "@pods" and not any(path.iterdir()):
                    continue
                if path.name not in ("@exited", "@exited.1", "@filters", "@root"):
                    found.append(f"state {path.name}: {[p.name for p in path.iterdir()] if path.is_dir() else ''}")
            for path in (self.root / "@filters").glob("*"):
                if path.suffix != ".bpf" or path.stat().st_size == 0:
                    found.append(f"@filters/{path.name}")
            for path in self.root.glob("@exited*"):
                found += [f"@exited: {line}" for line in path.read_text().splitlines() if not is_json(line)]
        for name in ("containers", "tmp"):
            found += [f"store/{name}/{path.name}" for path in (self.store / name).iterdir()]
        found += [f"cgroup {path}" for path in self.groups()]
        return found + reap_strays()

    def groups(self) -> list[Path]:
        trees = [Path("/sys/fs/cgroup")] + [p for p in Path("/sys/fs/cgroup").iterdir() if p.is_dir()]
        found = []
        for tree in trees:
            # The directory above goes with the last group of anybody.
            names = next(os.walk(tree / "perigee"), ("", [], []))[1]
            tops = [tree / "perigee" / name for name in sorted(names) if name.startswith(f"{self.identifier}.")]
            found += [Path(path) for top in tops for path, _, _ in os.walk(top)]
        return found


# --- scenarios -------------------------------------------------------------------------------------------------------

class Scenario:
    """What is run under a fault, and how to see that all is well afterwards."""
    failures = (125,)
    output = "done\n"
    actors = ("runtime", "helper", "stage")
    errors = True
    """Whether calls are made to fail, too."""
    kills = True
    """Whether it is killed at them."""
    speaks = True
    """Whether it says on its standard error what has failed."""
    is_killed = False
    """Whether the fault is the process's death: then others remove what it was making, once it is a minute old."""

    def __init__(self, place: Place):
        self.place = place

    def prepare(self):
        (self.place.root / "@exited").unlink(missing_ok=True)

    def command(self) -> list[str]:
        return self.place.words("pod", "run", "--image", "demo-host", "--", "/bin/echo", "done")

    def afterwards(self) -> list[str]:
        """Runs an ordinary command; tells what was wrong with it or is left."""
        problems = self.ordinary("pod", "run", "--image", "demo-host", "echo ok", expect="ok\n")
        return problems + self.place.leftovers() + self.difference(self.place.reference)

    def ordinary(self, *arguments: str, expect: str | None = None) -> list[str]:
        outcome = self.place.run(*arguments)
        if outcome.status == 0 and not outcome.errors and expect in (None, outcome.output):
            return []
        return [f"afterwards `{' '.join(arguments)}` gave {outcome.status}: {outcome.output}{outcome.errors}"]

    def difference(self, reference: list[str]) -> list[str]:
        now = self.place.listing()
        return [f"new in the store: {n}" for n in now if n not in reference] + \
            [f"gone from the store: {n}" for n in reference if n not in now]


class Pod(Scenario):
    pass


class First(Scenario):
    def prepare(self):
        shutil.rmtree(self.place.root, ignore_errors=True)
        shutil.rmtree(self.place.store / "volumes", ignore_errors=True)

    def afterwards(self) -> list[str]:
        problems = super().afterwards()
        volume = self.place.store / "volumes/default/default"
        if not volume.exists() or volume.stat().st_mode & 0o7777 != 0o777:
            problems.append("the volume is missing, or not open to all")
        return problems


class Run(Scenario):
    failures = (1, 125)

    def command(self) -> list[str]:
        return self.place.words("run", "-b", str(self.place.bundle), "f")

    def afterwards(self) -> list[str]:
        problems = self.ordinary("run", "-b", str(self.place.bundle), "f", expect="done\n")
        return problems + self.place.leftovers()


class Load(Scenario):
    failures = (1,)
    output = "loaded demo-host"
    actors = ("runtime",)
    empty: list[str] | None = None

    def prepare(self):
        outcome = self.place.run("image", "remove", "demo-host")
        if outcome.status not in (0, 4):
            raise SystemExit(f"faults.py: image remove: {outcome.errors}")
        if self.empty is None:
            self.empty = self.place.listing()

    def command(self) -> list[str]:
        return self.place.words("image", "load", str(images() / "demo-host.oci.tar"))

    def afterwards(self) -> list[str]:
        problems = self.ordinary("image", "list") + self.place.leftovers()
        now = self.place.listing()
        if len([n for n in now if n.startswith("images/")]) == 0:
            problems += self.difference(self.empty)
        problems += self.ordinary("image", "load", str(images() / "demo-host.oci.tar"))
        return problems + super().afterwards()


class Detached(Scenario):
    """A container that one command creates and others do something with: nobody's leftover, until it is deleted."""
    failures = (1,)
    output = ""
    actors: tuple[str, ...] = ("runtime",)
    arguments = ["/bin/sleep", "1000"]
    statuses = ("created", "running", "stopped")
    """What it may be afterwards; and gone, where that is the command's work."""

    def create(self):
        path = self.place.bundle / "detached.json"
        config = json.loads((self.place.bundle / "config.json").read_text())
        config["process"]["args"] = self.arguments
        path.write_text(json.dumps(config))
        return ["create", "-b", str(self.place.bundle), "-f", "detached.json", "d"]

    def prepare(self):
        self.place.must("delete", "--force", "d")

    def afterwards(self) -> list[str]:
        problems = self.ordinary("image", "list")
        outcome = self.place.run("state", "d")
        if outcome.status == 0:
            status = json.loads(outcome.output)["status"]
            if status not in self.statuses:
                problems.append(f"afterwards it is {status}")
        elif "running" not in self.statuses or len(self.statuses) > 1:
            if "does not exist" not in outcome.errors:
                problems.append(f"state: {outcome.errors}")
        else:
            problems.append(f"it is gone: {outcome.errors}")
        return problems + self.ordinary("delete", "--force", "d") + self.place.leftovers()


class Create(Detached):
    statuses = ("created", "stopped")

    def command(self) -> list[str]:
        return self.place.words(*self.create())


class Start(Detached):
    def prepare(self):
        super().prepare()
        self.place.must(*self.create())

    def command(self) -> list[str]:
        return self.place.words("start", "d")


class Exec(Detached):
    output = "done\n"
    failures = (1, 255)
    statuses = ("running",)
    """Whatever becomes of a further process, the container goes on."""
    actors = ("runtime", "stage")

    def prepare(self):
        super().prepare()
        self.place.must(*self.create())
        self.place.must("start", "d")

    def command(self) -> list[str]:
        return self.place.words("exec", "d", "/bin/echo", "done")


class Delete(Start):
    def command(self) -> list[str]:
        return self.place.words("delete", "--force", "d")


class Supervised(Scenario):
    """A pod that is accepted, and the process that stays with it, which any command that looks after the pod replaces."""
    failures = (1,)
    output = ""
    actors = ("runtime",)
    errors = False
    identifier = ""
    arguments = ["echo one; echo two >&2; exit 3"]
    options: tuple[str, ...] = ()
    ends = ((3, "Error", 3),)
    """What `pod wait` may end with, the reason in the status, and the exit code there."""

    @property
    def pods(self) -> list[Path]:
        return [path for path in (self.place.store / "pods").glob("*/[!.]*")
                if path.is_dir() and path.name != "removed"]

    def age_drafts(self):
        """Lets the minute pass after which a draft is taken for a dead command's."""
        for path in (self.place.store / "pods").glob("*/.s-*"):
            os.utime(path, (time.time() - 120,) * 2)

    def submit(self):
        """Accepts the pod without a supervisor: the copy of `pod run --detach` that would be one is killed at its first call,
        and the pod's record stays."""
        words = ["pod", "run", "--detach", "--tenant", "s", *self.asked()]
        limited = ["/usr/bin/strace", "-qq", "-f", "-o", "/dev/null", "-e", "trace=setsid",
                   "-e", "inject=setsid:signal=KILL:when=1"]
        Command(limited + self.place.words(*words), self.place.directory).wait()
        reap_strays()
        found = [path.name for path in self.pods if path.name.startswith("s-")]
        if len(found) != 1:
            raise SystemExit(f"faults.py: submit left {found}")
        self.identifier = found[0]

    def asked(self) -> list[str]:
        """What the pod is to be."""
        return ["--image", "demo-host", *self.options, *self.arguments]

    def prepare(self):
        super().prepare()
        for path in self.pods:
            self.place.must("pod", "rm", "--force", "--tenant", "s", path.name)
        self.submit()

    def command(self) -> list[str]:
        return self.place.words("pod", "supervise", self.identifier)

    def afterwards(self) -> list[str]:
        problems = []
        outcome = self.place.run("pod", "wait", "--tenant", "s", self.identifier)
        shown = self.place.run("pod", "status", "--tenant", "s", self.identifier)
        try:
            problems += self.ended(outcome.status, json.loads(shown.output)["data"])
        except (ValueError, KeyError):
            problems.append(f"pod wait gave {outcome}, pod status {shown}")
        problems += self.logged()
        problems += self.ordinary("pod", "rm", "--force", "--tenant", "s", self.identifier)
        return problems + self.place.leftovers() + self.difference(self.place.reference)

    def ended(self, status: int, data: dict) -> list[str]:
        """What is wrong with its end, as `pod wait` and `pod status` tell it."""
        end = (status, data["reason"], data["state"]["terminated"]["exitCode"])
        return [] if end in self.ends else [f"it ended with {end}: {data}"]

    def logged(self) -> list[str]:
        logs = self.place.run("pod", "logs", "--tenant", "s", self.identifier)
        # A command that nobody knew of when its launcher was killed is launched once more.
        lines = logs.output.split(), logs.errors.split()
        fine = lines[0] and lines[1] and set(lines[0]) == {"one"} and set(lines[1]) == {"two"} and len(lines[0]) < 3
        return [] if fine else [f"logs: {logs}"]


class Hindered(Supervised):
    """The same where a call of the supervisor's fails: the pod ends as it would, or has failed, and its status says at what.
    Output that could not be kept is lost."""
    errors = True
    kills = False
    speaks = False

    def ended(self, status: int, data: dict) -> list[str]:
        if data["phase"] == "Failed" and any(mode in data.get("message", "") for mode in MODES if mode != "kill"):
            return []
        if data["reason"] == "ContainerStatusUnknown" and status == 137:
            return []
        return super().ended(status, data)

    def logged(self) -> list[str]:
        return []


class Accepted(Supervised):
    """The command that accepts a pod, which is there as a whole afterwards, and runs, or is not there at all."""
    errors = True
    output = "s-pod\n"

    def submit(self):
        """That is what the fault befalls."""

    def command(self) -> list[str]:
        return self.place.words(*self.accepting())

    def accepting(self) -> list[str]:
        return ["pod", "run", "--detach", "--tenant", "s", *self.asked()]

    def afterwards(self) -> list[str]:
        if self.is_killed:
            self.age_drafts()
        problems = []
        if not self.pods:
            problems = [] if self.is_killed else self.difference(self.place.reference)
            problems += self.ordinary(*self.accepting(), expect=self.output)
        self.identifier = self.pods[0].name
        return problems + super().afterwards()


class Begun(Accepted):
    """The supervisor as which that command goes on, with what it knows of the pod."""
    actors = ("supervisor",)
    errors = False


class HinderedBegin(Hindered, Begun):
    """The same where a call of the supervisor's fails."""
    actors = Begun.actors


class Published(Supervised):
    """The same of a pod with a port of the host: a router, a link to it, and rules."""

    @property
    def options(self) -> tuple[str, ...]:
        return "--publish", f"{18080 + self.place.number}:80"

    def afterwards(self) -> list[str]:
        problems = super().afterwards()
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
        links = [name for _, name in socket.if_nameindex()]
        return problems + [f"a network's: {name}" for name in [*tables.split(), *links] if self.place.identifier in name]


class HinderedPublished(Published, Hindered):
    """The same where a call of the supervisor's fails."""


class Overdue(Supervised):
    """The same of one that reaches its deadline."""
    arguments = ["exec sleep 1000"]
    options = ("--timeout", "100ms")
    ends = ((124, "DeadlineExceeded", 143),)

    def logged(self) -> list[str]:
        return []


class Retire(Scenario):
    """A container with a workspace that is ended and removed: at last by the next one who asks for that."""
    failures = (1, 2, 3, 4, 5)
    output = "w: retired\n"
    actors = ("runtime",)

    @property
    def options(self) -> list[str]:
        return ["--config-file", str(self.place.directory / "config.json")]

    def prepare(self):
        workspaces = self.place.directory / "workspaces"
        (workspaces / "w").mkdir(parents=True, exist_ok=True)
        (workspaces / "w" / "f").write_text("kept\n")
        (self.place.directory / "config.json").write_text(json.dumps({"defaults": {"workspace": str(workspaces)}}))
        self.place.must(
            *self.options, "container", "deploy", "--image", "demo-host", "--background", "w")

    def command(self) -> list[str]:
        return self.place.words(*self.options, "container", "retire", "w")

    def afterwards(self) -> list[str]:
        problems = []
        outcome = self.place.run(*self.options, "container", "retire", "w")
        if outcome.status not in (0, 4):
            problems.append(f"afterwards retire gave {outcome}")
        problems += [f"kept of it: {path}" for path in (self.place.store / "pods").glob("*/*w-*")]
        if (self.place.directory / "workspaces" / "w" / "f").read_text() != "kept\n":
            problems.append("the workspace has changed")
        return problems + super().afterwards()


class Containers(Supervised):
    """The same of a Pod of a manifest: an init container, then two, with a hook, a probe and volumes."""
    ends = ((3, "Error", 3),)
    manifest = """
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  restartPolicy: Never
  volumes: [{name: w, emptyDir: {}}, {name: m, emptyDir: {medium: Memory}}]
  initContainers:
  - {name: i, image: demo-host, command: [sh, -c, "echo init; echo i > /w/i"], volumeMounts: [{name: w, mountPath: /w}]}
  containers:
  - name: a
    image: demo-host
    command: [sh, -c, "cat /w/i; until [ -e /m/hook ]; do sleep 0.02; done; exit 3"]
    lifecycle: {postStart: {exec: {command: [touch, /m/hook]}}}
    volumeMounts: [{name: w, mountPath: /w}, {name: m, mountPath: /m}]
  - name: b
    image: demo-host
    command: [sh, -c, "echo two; sleep 0.1"]
    livenessProbe: {exec: {command: ["true"]}}
"""

    def asked(self) -> list[str]:
        path = self.place.directory / "pod.yaml"
        path.write_text(self.manifest)
        return [str(path)]

    def ended(self, status: int, data: dict) -> list[str]:
        codes = [one["state"]["terminated"]["exitCode"] for key in ("initContainerStatuses", "containerStatuses")
                 for one in data[key]]
        fine = status == 3 and data["reason"] == "Error" and codes == [0, 3, 0]
        return [] if fine else [f"it ended with {status}: {data}"]

    def logged(self) -> list[str]:
        problems = []
        for name, word in (("i", "init"), ("a", "i"), ("b", "two")):
            logs = self.place.run("pod", "logs", "--tenant", "s", "-c", name, self.identifier)
            lines = logs.output.split()
            if not lines or set(lines) != {word} or len(lines) > 2 or logs.errors:
                problems.append(f"logs of {name}: {logs}")
        return problems


class HinderedContainers(Containers):
    """The same where a call of the supervisor's fails: each container has ended as it would, or why it has not is told."""
    errors = True
    kills = False
    speaks = False

    def ended(self, status: int, data: dict) -> list[str]:
        if data["phase"] == "Failed" and any(mode in json.dumps(data) for mode in MODES if mode != "kill"):
            return []
        if "ContainerStatusUnknown" in json.dumps(data) and data["phase"] == "Failed":
            return []
        return super().ended(status, data)

    def logged(self) -> list[str]:
        return []


SCENARIOS = {
    "retire": Retire, "supervisor": Supervised, "containers": Containers, "hindered-containers": HinderedContainers,
    "hindered": Hindered, "accepted": Accepted, "begun": Begun, "hindered-begin": HinderedBegin, "published": Published, "hindered-published": HinderedPublished, "deadline": Overdue, "pod": Pod, "first": First, "run": Run, "load": Load, "create": Create,
    "start": Start, "exec": Exec, "delete": Delete}
ON_REQUEST = {"hindered-containers"}
"""Only where it is named: some of its failures are not survived yet."""


# --- the points ------------------------------------------------------------------------------------------------------

UNANSWERABLE = {"exit_group", "brk", "mprotect", "madvise", "futex", "execve", "geteuid", "getuid", "getpid", "gettid",
                "umask", "close"}
"""Calls that are killed at and not made to fail: of libc's and Swift's own, whose failure no program can say; those that
can't fail; and close(2), which has closed the descriptor even where it reports an error, as strace's does not."""


def runtime_points(lines: list[str], ours: bool = False) -> list[tuple[str, int, bool]]:
    """(call, index, whether its failure is ours to answer); `ours`: from the first call on."""
    counts: dict[str, int] = {}
    points = []
    for line in lines:
        match = re.match(r"(\w+)\(", line)
        if not match:
            continue
        call = match.group(1)
        counts[call] = counts.get(call, 0) + 1
        ours = ours or line.startswith(BEFORE_MAIN)
        if call == "execve":
            continue
        memory = call in ("mmap", "munmap", "mremap") and "MAP_SHARED" not in line
        points.append((call, counts[call], ours and call not in UNANSWERABLE and not memory))
    return points


def stage_points(lines: list[str]) -> list[tuple[str, int, bool]]:
    """Those of the stage until its command is executed."""
    counts: dict[str, int] = {}
    points = []
    for line in lines:
        match = re.match(r"(\w+)\((.*)", line)
        if not match:
            continue
        call = match.group(1)
        counts[call] = counts.get(call, 0) + 1
        points.append((call, counts[call], call not in ("exit_group", "close", "umask")))
        if call == "execve" and line.endswith("= 0"):
            break
    return points


def helper_lines(lines: list[str]) -> list[str]:
    """Of a trace of all processes, what the launch's helper calls."""
    calls = [line.split(None, 1) for line in lines]
    maker = next(pid for pid, call in calls if call.startswith("unshare(CLONE_NEWNET"))
    return [call for pid, call in calls if pid == maker]


class Runner:
    """Runs points in a place."""

    def __init__(self, place: Place):
        self.place = place
        self.scenarios = {name: kind(place) for name, kind in SCENARIOS.items()}

    def trace(self, scenario: str, actor: str) -> list[tuple[str, int, bool]]:
        one = self.scenarios[scenario]
        one.prepare()
        log = self.place.directory / "trace"
        if actor not in self.BIRTHS:
            outcome = Command(self.strace(actor, ["-o", str(log)]) + one.command(), self.place.directory).wait()
        else:
            outcome = self.attached(actor, one, ["-o", str(log)])
        problems = one.afterwards()
        if outcome.status or not outcome.output.startswith(one.output) or problems:
            raise SystemExit(f"faults.py: {scenario} without a fault: {outcome} {problems}")
        lines = log.read_text(errors="replace").splitlines()
        if actor in ("runtime", "supervisor"):
            return runtime_points(lines, ours=actor == "supervisor")
        return stage_points(helper_lines(lines) if actor == "helper" else lines)

    @staticmethod
    def strace(actor: str, options: list[str]) -> list[str]:
        """The helper executes nothing to attach at: all are traced, where only it makes the calls."""
        return ["/usr/bin/strace", "-qq", *(["-f"] if actor == "helper" else []), *options]

    BIRTHS = {"stage": "execveat", "supervisor": "setsid"}
    """Actors that are attached to, and the first call of each."""

    def attached(self, actor: str, scenario: Scenario, options: list[str]) -> Outcome:
        """Runs the command with strace attached to the actor from its first call on."""
        birth = self.BIRTHS[actor]
        quiet = ["/usr/bin/strace", "-qq"]
        command = Command(scenario.command(), self.place.directory, stopped=True)
        if not until(lambda: state(command.pid) == "T"):
            raise SystemExit("faults.py: a command that should have stopped did not")
        # Stops the child when it has become the actor.
        gate = subprocess.Popen(
            quiet + ["-f", "-o", "/dev/null", "-e", f"trace={birth}", "-e", f"inject={birth}:signal=STOP:when=1",
                     "-p", str(command.pid)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: tracer(command.pid) == gate.pid)
        os.kill(command.pid, signal.SIGCONT)
        stage: list[int] = []

        def is_actor(pid: int) -> bool:
            if actor == "stage":
                return arguments(pid).startswith("perigee-stage ")
            return pid != command.pid and session(pid) == pid

        def is_born() -> bool:
            # The supervisor's parent may have ended, and then it is ours.
            found = children(command.pid) + (children(os.getpid()) if actor == "supervisor" else [])
            stage[:] = [p for p in found if state(p) in "tT" and is_actor(p)]
            return bool(stage) or actor == "stage" and state(command.pid) in "Z"

        until(is_born)
        gate.terminate()
        gate.wait()
        if not stage:
            return command.wait()
        second = subprocess.Popen(
            quiet + options + ["-p", str(stage[0])], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: tracer(stage[0]) == second.pid)
        kill(stage[0], signal.SIGCONT)
        outcome = command.wait()
        try:
            second.wait(10)
        except subprocess.TimeoutExpired:
            second.terminate()
            second.wait()
        return outcome

    def run(self, point: Point) -> Finding | None:
        scenario = self.scenarios[point.scenario]
        scenario.is_killed = point.mode == "kill"
        scenario.prepare()
        options = ["-o", "/dev/null", "-e", f"trace={point.call}", "-e", point.injection]
        if point.actor not in self.BIRTHS:
            words = self.strace(point.actor, options) + scenario.command()
            outcome = Command(words, self.place.directory).wait()
            command = " ".join(words)
        else:
            outcome = self.attached(point.actor, scenario, options)
            command = f"Tests/faults.py --point {point}"
        problems = self.judge(point, scenario, outcome) + scenario.afterwards()
        return Finding(point, problems, command, outcome) if problems else None

    def judge(self, point: Point, scenario: Scenario, outcome: Outcome) -> list[str]:
        text = outcome.errors
        if outcome.status == -1:
            return [f"hangs: {text}"]
        if point.mode == "kill" and point.actor in ("runtime", "supervisor"):
            return [] if outcome.status in (137, 0) else [f"exit code {outcome.status}: {text}"]
        if re.search(r"Fatal|Illegal|\btrap\b|Current stack|assertion", text, re.I):
            return [f"crashes: {text}"]
        if outcome.status == 0:
            return [] if outcome.output.startswith(scenario.output) else [f"no output, and exit code 0: {text}"]
        if point.call == "execve" and point.mode == "kill" and outcome.status == 137:
            return []  # the command's own death, as far as anybody can see
        if point.actor == "helper" and point.mode == "kill" and outcome.status == 137:
            return []  # the command, or the runtime at its end, has made the same call
        if outcome.status not in scenario.failures + ((126, 127) if point.actor == "stage" else ()):
            return [f"exit code {outcome.status}: {text}"]
        if not scenario.speaks:
            return []
        if not text.startswith("perigee: "):
            return [f"exit code {outcome.status} without a message: {text}"]
        if point.mode != "kill" and point.mode not in text:
            return [f"the message does not name {point.mode}: {text}"]
        return []


# --- all of it -------------------------------------------------------------------------------------------------------

def host() -> list[str]:
    """What must be the same before and after."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if "perigee" in line]
    return mounts + sorted(os.listdir("/sys/class/net"))


def become_reaper():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def enumerate_points(runner: Runner, options: argparse.Namespace) -> list[Point]:
    points = []
    for name, kind in SCENARIOS.items():
        if name not in options.scenario if options.scenario else name in ON_REQUEST:
            continue
        for actor in kind.actors:
            if options.actor and actor != options.actor or name == "first" and actor == "stage":
                continue
            for call, index, answerable in runner.trace(name, actor):
                if options.only and call != options.only:
                    continue
                modes = MODES if answerable and kind.errors else ("kill",)
                points += [Point(name, actor, call, index, m) for m in modes
                           if (m != "kill" or kind.kills) and (not options.mode or m in options.mode)]
    return points


def work(number: int, binary: str, points: list[Point], results: multiprocessing.Queue):
    become_reaper()
    place = Place(number, binary)
    runner = Runner(place)
    try:
        for point in points:
            finding = runner.run(point)
            if finding:
                place.make()
            results.put((point, finding))
    except BaseException as error:
        results.put((None, f"{type(error).__name__}: {error}"))
    finally:
        place.remove()


def sweep(points: list[Point], options: argparse.Namespace) -> int:
    start = time.monotonic()
    before = host()
    results: multiprocessing.Queue = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=work, args=(n, options.binary, points[n::options.jobs], results))
        for n in range(options.jobs)]
    for worker in workers:
        worker.start()
    found = 0
    for done in range(1, len(points) + 1):
        point, finding = results.get()
        if point is None:
            print(f"FAIL  {finding}")
            found += 1
            break
        if finding:
            found += 1
            problems = "\n      ".join(problem.rstrip() for problem in finding.problems)
            print(f"FAIL  {point}\n      {problems}\n      {finding.command}", flush=True)
        if sys.stderr.isatty() and done % 20 == 0:
            print(f"\r{done} of {len(points)}", end="", file=sys.stderr)
    for worker in workers:
        worker.join(LIMIT)
        if worker.is_alive():
            worker.terminate()
    if host() != before:
        found += 1
        print(f"FAIL  mounts or interfaces of the host changed: {set(host()) ^ set(before)}")
    kills = sum(p.mode == "kill" for p in points)
    print(f"{len({(p.scenario, p.actor, p.call, p.index) for p in points})} points, {kills} kills, "
          f"{len(points) - kills} errors, {found} violations, {time.monotonic() - start:.0f} s")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(HERE / ".build/release/perigee"))
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    parser.add_argument("--actor", choices=("runtime", "helper", "stage", "supervisor"))
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--only", metavar="CALL")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="the K-th of N parts")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th point alone")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--point")
    parser.add_argument("--list", action="store_true", help="print the points, and run none")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.geteuid():
        print("faults.py: needs root", file=sys.stderr)
        return 2
    if not options.inside:
        # Where ports are published and links made. Forwarding is on: no worker switches it off for another.
        own = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward && exec "$@"'
        words = ["unshare", "-n", "sh", "-c", own, "sh", sys.executable, __file__, "--inside", *sys.argv[1:]]
        os.execvp(words[0], words)
    become_reaper()
    place = Place(99, options.binary)
    runner = Runner(place)
    try:
        if options.point:
            scenario, actor, call, index, mode = options.point.split(":")
            finding = runner.run(Point(scenario, actor, call, int(index), mode))
            print(finding or "clean")
            return 1 if finding else 0
        points = enumerate_points(runner, options)
    finally:
        place.remove()
    part, parts = (int(word) for word in options.part.split("/"))
    points = points[::options.every][part - 1::parts]
    if options.list:
        print("\n".join(map(str, points)))
        return 0
    return sweep(points, options)


if __name__ == "__main__":
    sys.exit(main())
