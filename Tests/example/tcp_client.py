#!/usr/bin/env python3
"""The client of the task files' example: sends a message to the server, as soon as that listens, and keeps the answer."""
import argparse
import socket
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--log-file", required=True)
parser.add_argument("--message", required=True)
options = parser.parse_args()


def log(text):
    with open(options.log_file, "a") as file:
        file.write(text + "\n")


# The two begin at the same time: the server may be later.
end = time.monotonic() + 60
while True:
    try:
        connection = socket.create_connection((options.host, options.port), timeout=60)
        break
    except ConnectionRefusedError:
        if time.monotonic() > end:
            sys.exit(f"nobody listens at {options.host}:{options.port}")
        time.sleep(0.1)
with connection:
    log(f"connected to {options.host} at {connection.getpeername()[0]}")
    connection.sendall(options.message.encode())
    connection.shutdown(socket.SHUT_WR)
    log("answer: " + connection.recv(4096).decode())
