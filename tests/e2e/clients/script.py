r"""script HOST PORT FILE: an application that says and hears what FILE lists, a line a step.

> TEXT      sends TEXT and CRLF
>> TEXT     sends TEXT alone; \r \n \t \\ \xHH
@ FILE      sends the octets of FILE
< REGEX     one reply: its lines, joined by " | ", begin like that
new         a connection more; the one before is left open
end         the server closes the connection
sleep N     seconds

Lines that are empty or begin with # are comments. Exit 1 at the first reply that is another, or
that does not come within 50 s.
"""
import codecs
import re
import socket
import sys
import time

host, port, path = sys.argv[1:4]


class Connection:
    def __init__(self):
        self.socket = socket.create_connection((host, int(port)), 50)
        self.file = self.socket.makefile("rb")

    def send(self, octets):
        shown = octets if len(octets) < 300 else octets[:300] + b"..."
        print("->", shown.decode("latin-1").rstrip("\r\n"), flush=True)
        self.socket.sendall(octets)

    def hear(self, want):
        lines = []
        while True:
            line = self.file.readline().decode("latin-1")
            print("<-", line.rstrip("\r\n"), flush=True)
            if not line:
                sys.exit(f"connection lost, expected: {want}")
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                break
        if not re.match(want, " | ".join(lines)):
            sys.exit(f"expected: {want}")

    def end(self):
        rest = self.file.read()
        if rest:
            sys.exit(f"expected the end, got {rest!r}")


kept = []
now = Connection()
with open(path) as script:
    for step in script:
        word, _, rest = step.rstrip("\n").partition(" ")
        if word == ">":
            now.send(rest.encode() + b"\r\n")
        elif word == ">>":
            now.send(codecs.escape_decode(rest.encode())[0])
        elif word == "@":
            with open(rest, "rb") as f:
                now.send(f.read())
        elif word == "<":
            now.hear(rest)
        elif word == "new":
            kept.append(now)
            now = Connection()
        elif word == "end":
            now.end()
        elif word == "sleep":
            time.sleep(float(rest))
        elif word and not word.startswith("#"):
            sys.exit(f"not understood: {step}")
