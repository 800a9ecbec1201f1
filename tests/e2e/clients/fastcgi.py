#!/usr/bin/python3
"""fastcgi.py SOCKET SCRIPT: asks a FastCGI server to run a script, and prints what it answers."""
import socket
import struct
import sys


def record(kind, content):
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def exactly(s, size):
    data = b""
    while len(data) < size:
        more = s.recv(size - len(data))
        if not more:
            sys.exit("the server closed the connection")
        data += more
    return data


params = b""
for name, value in (("SCRIPT_FILENAME", sys.argv[2]), ("REQUEST_METHOD", "GET")):
    params += bytes([len(name)]) + struct.pack(">I", len(value) | 1 << 31) + name.encode() + value.encode()
with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(30)
    s.connect(sys.argv[1])
    s.sendall(record(1, b"\0\1\0\0\0\0\0\0") + record(4, params) + record(4, b"") + record(5, b""))
    while True:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", exactly(s, 8))
        content = exactly(s, length + padding)[:length]
        if kind in (6, 7):
            sys.stdout.write(content.decode())
        if kind == 3:
            break
