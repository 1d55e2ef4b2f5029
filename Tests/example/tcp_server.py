#!/usr/bin/env python3
"""The server of the task files' example: takes one connection, keeps what it was sent, and answers.

With --forever it goes on to take connections until it is ended.
"""
import argparse
import socket

parser = argparse.ArgumentParser()
parser.add_argument("--host", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--log-file", required=True)
parser.add_argument("--forever", action="store_true")
options = parser.parse_args()


def log(text):
    with open(options.log_file, "a") as file:
        file.write(text + "\n")


with socket.create_server((options.host, options.port)) as server:
    log(f"listening on {options.host}:{options.port}")
    while True:
        connection, address = server.accept()
        with connection:
            message = b""
            while part := connection.recv(4096):
                message += part
            with open(options.out, "wb") as file:
                file.write(message)
            log(f"{len(message)} bytes from {address[0]}")
            connection.sendall(b"received %d bytes" % len(message))
        if not options.forever:
            break
log("done")
