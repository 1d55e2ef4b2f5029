#!/usr/bin/env python3
"""order.py BINARY OUT : the functions that BINARY calls in a launch, in the order of their first calls, and then the
variables that it changes. As root.

The linker puts them side by side (Package.swift), so that a launch touches some thirty windows of the executable's text
where it would touch seventy, and half as many pages of its data; a page that is written first when another process
shares the memory, as a launch's helper does, costs a word to the other processor. BINARY is an x86-64 build that is not
stripped. Every function gets a breakpoint that goes when it is met; children are followed until they execute another
program. What it changed is seen when it exits. A list that is not up to date costs microseconds, and nothing else: names
that are gone are passed over.
"""

import bisect
import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
TRACEME, CONT, SETREGS, GETREGS, DETACH, SETOPTIONS = 0, 7, 13, 12, 17, 0x4200
EVENT_EXEC, EVENT_EXIT = 4, 6
FOLLOW = 2 | 4 | 8 | 1 << EVENT_EXEC | 1 << EVENT_EXIT | 1 << 20  # fork, vfork, clone, exec, exit; killed with us
REGISTERS, RIP = 27, 16  # of user_regs_struct


def ptrace(request: int, pid: int, address=None, data=None) -> int:
    result = libc.ptrace(request, pid, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request} of {pid}")
    return result


def functions(binary: str) -> dict[int, list[str]]:
    """Names by address."""
    found: dict[int, list[str]] = {}
    text = subprocess.run(["readelf", "-sW", binary], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[3] in ("FUNC", "IFUNC") and fields[6].isdigit():
            found.setdefault(int(fields[1], 16), []).append(fields[7])
    return found


def variables(binary: str) -> list[tuple[int, int, str]]:
    """Address, size and name, in the order of the addresses."""
    text = subprocess.run(["readelf", "-sW", binary], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in text.splitlines()]
    return sorted({(int(f[1], 16), int(f[2], 0), f[7]) for f in lines
                   if len(f) == 8 and f[3] in ("OBJECT", "NOTYPE") and f[6].isdigit() and int(f[2], 0)})


def writable(binary: str) -> list[tuple[int, bytes]]:
    """What the executable's writable segments hold at its start, by their addresses."""
    with open(binary, "rb") as file:
        data = file.read()
    table, size, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
    segments = []
    for i in range(count):
        kind, flags, offset, address, _, length, total = struct.unpack_from("<IIQQQQQ", data, table + i * size)
        if kind == 1 and flags & 2:
            segments.append((address, data[offset:offset + length].ljust(total, b"\0")))
    return segments


class Recorder:
    """Runs the binary with breakpoints."""

    def __init__(self, binary: str):
        self.binary = os.path.realpath(binary)
        self.names = functions(self.binary)
        self.variables = variables(self.binary)
        self.segments = writable(self.binary)
        self.order: list[str] = []
        self.changed: dict[str, int] = {}
        self.met: set[int] = set()

    def arm(self, pid: int) -> None:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        self.original = {at: os.pread(memory, 1, at) for at in self.names if at not in self.met}
        for at in self.original:
            os.pwrite(memory, b"\xcc", at)
        os.close(memory)

    def meet(self, pid: int) -> bool:
        """Whether the process stands at a breakpoint; it then goes on as if there had been none."""
        registers = (ctypes.c_ulonglong * REGISTERS)()
        ptrace(GETREGS, pid, None, registers)
        at = registers[RIP] - 1
        if at not in self.original:
            return False
        memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
        os.pwrite(memory, self.original[at], at)
        os.close(memory)
        registers[RIP] = at
        ptrace(SETREGS, pid, None, registers)
        if at not in self.met:
            self.met.add(at)
            self.order += self.names[at]
        return True

    def look(self, pid: int) -> None:
        """Adds what differs now in the writable segments."""
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        starts = [at for at, _, _ in self.variables]
        for base, before in self.segments:
            now = os.pread(memory, len(before), base)
            for i in (i for i in range(0, len(before), 8) if now[i:i + 8] != before[i:i + 8]):
                at, size, name = self.variables[bisect.bisect(starts, base + i) - 1]
                if base + i < at + size:
                    self.changed[name] = size
        os.close(memory)

    def run(self, command: str) -> None:
        """`command` is a shell's, which executes $PERIGEE."""
        pid = os.fork()
        if pid == 0:
            ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.execve("/bin/sh", ["sh", "-c", f"exec {command}"], {**os.environ, "PERIGEE": self.binary})
        os.waitpid(pid, 0)
        ptrace(SETOPTIONS, pid, None, FOLLOW)
        ptrace(CONT, pid)
        traced = {pid}
        while traced:
            who, status = os.waitpid(-1, 0x40000000)  # __WALL
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                traced.discard(who)
                if who == pid and status:
                    raise SystemExit(f"order.py: '{command}' failed with {status:#x}")
                continue
            traced.add(who)
            sent, event = os.WSTOPSIG(status), status >> 16
            if event == EVENT_EXEC:
                if os.path.realpath(f"/proc/{who}/exe") == self.binary:
                    self.arm(who)
                elif who != pid:
                    ptrace(DETACH, who)
                    traced.discard(who)
                    continue
                sent = 0
            elif event == EVENT_EXIT:
                if os.path.realpath(f"/proc/{who}/exe") == self.binary:
                    self.look(who)
                sent = 0
            elif event or sent == signal.SIGSTOP or sent == signal.SIGTRAP and self.meet(who):
                sent = 0
            ptrace(CONT, who, None, sent)


def bundle(binary: str, store: str, work: str) -> str:
    """An OCI bundle with /bin/true, and an image of that name in `store`."""
    cache = os.environ.get("PERIGEE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "perigee")
    quiet = {"stdout": subprocess.DEVNULL, "check": True}
    subprocess.run(["Rootfs/images/build.py", "demo-host"], **quiet)
    own = [binary, "--store", store]
    subprocess.run([*own, "image", "load", f"{cache}/images/demo-host.oci.tar"], **quiet)
    subprocess.run([*own, "image", "unpack", "demo-host", f"{work}/rootfs"], **quiet)
    subprocess.run([binary, "spec", "-b", work], **quiet)
    with open(f"{work}/config.json") as file:
        config = json.load(file)
    config["process"].update(args=["/bin/true"], terminal=False)
    with open(f"{work}/config.json", "w") as file:
        json.dump(config, file)
    return work


def main() -> None:
    binary, out = sys.argv[1:]
    recorder = Recorder(binary)
    unified = "unshare -m sh -c 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"' -"
    with tempfile.TemporaryDirectory(prefix="perigee-order-") as work:
        store = f"{work}/store"
        path = bundle(binary, store, work)
        own = f"$PERIGEE --store {store} --root {work}/root"
        # No limits: a host that has both versions of cgroup has few controllers in its v2 tree.
        with open(f"{work}/settings.json", "w") as file:
            file.write('{"defaults": {"memory": null, "cpus": null, "pids": null, "max_pods": null}}')
        # A pod with its supervisor, which takes the place of the one before.
        detached = f"{own} --config-file {work}/settings.json pod run --image demo-host --network none --detach -- /bin/true"
        for launch in (f"{own} run -b {path} order", f"{own} pod run --image demo-host -- /bin/true", detached):
            # As a host with cgroup v2 has it, then as this one does. Twice: the second finds the first's files.
            for command in (f"{unified} {launch}", f"{unified} {launch}", launch):
                recorder.run(command)
    # A pool of which only the beginning is used comes last.
    changed = sorted(recorder.changed, key=lambda name: (recorder.changed[name], name))
    with open(out, "w") as file:
        file.write("\n".join(recorder.order + changed) + "\n")
    print(f"{len(recorder.order)} functions and {len(changed)} variables in {out}")


main()
