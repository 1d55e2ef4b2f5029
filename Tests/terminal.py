#!/usr/bin/python3
"""Somebody who sits at a terminal, for tests.

    terminal.py at ROWSxCOLUMNS ACTION... -- COMMAND...      the command's terminal is a new one of this size
    terminal.py socket PATH ACTION... -- COMMAND...          listens at PATH, runs the command to its end, and has the
                                                             terminal that comes over the socket

An action is one of these; the first that does not come about ends it all, with status 1:
    expect:TEXT     wait until TEXT is shown, after what was awaited before
    type:TEXT       type it; \\n, \\x03 and the like as in Python
    size:RxC        make the terminal another size
    signal:NAME     send it to the command
    raw, cooked     the terminal is in that mode by now, or within two seconds
    run:COMMAND     run a shell command to its end; its output is shown
    absent:TEXT     TEXT was not shown so far
    stopped         the command is stopped by now, or within five seconds
    drop            let the terminal go
    bytes:N         all that is shown to the end has N bytes
    sleep:SECONDS
    end             the command ends; with a socket: nobody has the terminal any more

What was shown goes to the standard output, and the command's exit status is in its last line, `status N`.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 20.0


class Failed(Exception):
    pass


class Seat:
    def __init__(self) -> None:
        self.terminal = -1
        self.slave = -1
        self.shown = b""
        self.at = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.name = ""

    # -- beginnings

    def sit_at(self, size: str, command: list[str]) -> None:
        self.terminal, self.slave = pty.openpty()
        self.resize(size)

        def begin() -> None:
            os.setsid()
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        preexec_fn=begin)

    def listen(self, path: str, command: list[str]) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(PATIENCE)
        self.process = subprocess.Popen(command)
        self.process.wait(PATIENCE)
        if self.process.returncode:
            raise Failed("the command failed")
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE)
        message, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * 8))
        self.name = message.decode()
        files = array.array("i")
        for level, kind, data in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                files.frombytes(data[:len(data) - len(data) % 4])
        if len(files) != 1:
            raise Failed(f"{len(files)} descriptors came")
        if connection.recv(1):
            raise Failed("more came over the socket")
        self.terminal = files[0]

    # -- what is shown

    def read(self, seconds: float) -> bool:
        """False: the terminal has ended, or nothing came."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError as error:
            if error.errno == errno.EIO:
                return False
            raise
        self.shown += data
        return bool(data)

    def until(self, what: str, holds, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise Failed(f"not in {seconds} s: {what}")
            if self.terminal < 0 or not self.read(0.02):
                time.sleep(0.01)

    def find(self, text: bytes) -> bool:
        found = self.shown.find(text, self.at)
        if found < 0:
            return False
        self.at = found + len(text)
        return True

    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def is_stopped(self) -> bool:
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"

    def resize(self, size: str) -> None:
        rows, columns = size.split("x")
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", int(rows), int(columns), 0, 0))

    def act(self, action: str) -> None:
        verb, _, text = action.partition(":")
        plain = text.encode().decode("unicode_escape").encode("latin-1")
        if verb == "expect":
            self.until(action, lambda: self.find(plain))
        elif verb == "absent":
            if plain in self.shown:
                raise Failed(action)
        elif verb == "type":
            while plain:
                _, room, _ = select.select([self.terminal], [self.terminal], [], PATIENCE)
                self.read(0)
                if room:
                    plain = plain[os.write(self.terminal, plain[:256]):]
        elif verb == "size":
            self.resize(text)
        elif verb == "signal":
            self.process.send_signal(getattr(signal, "SIG" + text))
        elif verb == "raw":
            self.until(action, self.is_raw, 5)
        elif verb == "cooked":
            self.until(action, lambda: not self.is_raw(), 5)
        elif verb == "stopped":
            self.until(action, self.is_stopped, 5)
        elif verb == "run":
            done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, timeout=PATIENCE)
            self.shown += done.stdout + done.stderr
            if done.returncode:
                raise Failed(f"{action}: status {done.returncode}: {done.stderr.decode()}")
        elif verb == "drop":
            os.close(self.terminal)
            self.terminal = -1
        elif verb == "sleep":
            time.sleep(float(text))
        elif verb in ("end", "bytes"):
            self.end()
            if verb == "bytes" and len(self.shown) != int(text):
                raise Failed(f"{action}, and there were {len(self.shown)}")
        else:
            raise Failed(f"no action {action}")

    def end(self) -> None:
        if self.slave >= 0 or self.terminal < 0:
            self.until("the command's end", lambda: self.process.poll() is not None)
            while self.terminal >= 0 and self.read(0.1):
                pass
            return
        end = time.monotonic() + PATIENCE
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError as error:
                if error.errno == errno.EIO:
                    return
                raise
            self.shown += data
            if time.monotonic() > end:
                raise Failed("the terminal has no end")


def main() -> int:
    separator = sys.argv.index("--")
    how, where, actions, command = sys.argv[1], sys.argv[2], sys.argv[3:separator], sys.argv[separator + 1:]
    seat = Seat()
    failure = None
    try:
        if how == "at":
            seat.sit_at(where, command)
        else:
            seat.listen(where, command)
        for action in actions:
            seat.act(action)
    except (Failed, OSError, subprocess.TimeoutExpired) as error:
        failure = error
        if seat.process and seat.process.poll() is None:
            seat.process.kill()
            seat.process.wait()
    sys.stdout.buffer.write(seat.shown.replace(b"\r\n", b"\n"))
    if seat.name:
        print(f"name {seat.name}")
    if failure:
        print(f"failed: {failure}")
    status = seat.process.poll() if seat.process else None
    print(f"status {status}")
    return 1 if failure else 0


if __name__ == "__main__":
    if len(sys.argv) < 4 or "--" not in sys.argv:
        sys.exit(__doc__)
    sys.exit(main())
