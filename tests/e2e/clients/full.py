"""Meets an agent's limit:  full.py ADDRESS PORT COUNT

Makes up to COUNT connections until one is refused, and three more; prints how many stand and each error's name. Then
sends a message over the oldest, closes the newest, and connects again: prints what came of both.
"""
import errno
import socket
import sys
import time

address, count = (sys.argv[1], int(sys.argv[2])), int(sys.argv[3])
up = []


def attempt():
    s = socket.socket()
    try:
        s.connect(address)
        up.append(s)
        return "up"
    except OSError as e:
        return errno.errorcode[e.errno]


answers = []
while len(answers) < count and "up" == (answers or ["up"])[-1]:
    answers.append(attempt())
refused = answers[-1:] + [attempt() for _ in range(3)]
print("stand:", len(up))
print("refused:", *refused)
f = up[0].makefile("rwb", buffering=0)
reply = f.readline()
for line in ("EHLO client.a.example", "MAIL FROM:<sender@a.example>", "RCPT TO:<a@b.example>", "DATA",
             "Subject: x\r\n\r\nstill delivered\r\n."):
    f.write(line.encode() + b"\r\n")
    reply = f.readline()
    while reply[3:4] == b"-":
        reply = f.readline()
print("message:", reply.decode().strip())
up.pop().close()
for _ in range(100):
    again = attempt()
    if again == "up":
        break
    time.sleep(0.05)
print("again:", again)
