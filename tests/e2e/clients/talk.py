"""talk HOST PORT WAY: a client with an odd way of talking.

first      sends the whole session without reading anything first
pipeline   EHLO, then MAIL RCPT DATA in one segment
helo       HELO instead of EHLO
no_greeting  MAIL without any greeting
two        two messages with RSET between, on one connection
bytewise   each octet in a write of its own
halfclose  shutdown(SHUT_WR) behind QUIT, sent at once, then reads to the end
blind      sends the whole session, closes and exits without reading a word
onwards    speaks on behind QUIT and the server's end
bdat       tries BDAT, must see 5yz, then QUIT
vanish     closes in the middle of the content
"""
import os
import socket
import sys
import time

host, port, way = sys.argv[1:4]
s = socket.create_connection((host, int(port)), 50)
f = s.makefile("rb")


def hear(first="2"):
    while True:
        line = f.readline()
        print(line.decode("latin-1"), end="")
        if not line:
            sys.exit("connection lost")
        if line[3:4] != b"-":
            break
    if not line.startswith(first.encode()):
        sys.exit("refused")


def say(text, first="2"):
    s.sendall(text.encode() + b"\r\n")
    if first:
        hear(first)


MAIL, RCPT = "MAIL FROM:<sender@a.example>", "RCPT TO:<a@b.example>"
BODY = "Subject: SECRETSUBJECT\r\n\r\nSECRETBODY\r\n."
HELLO = "EHLO client.a.example"

if way == "first":
    s.sendall("\r\n".join([HELLO, MAIL, RCPT, "DATA", BODY, "QUIT", ""]).encode())
    for want in "222232" "2":
        hear(want)
elif way == "blind":
    s.sendall("\r\n".join([HELLO, MAIL, RCPT, "DATA", BODY, "QUIT", ""]).encode())
    f.close()
    s.close()
    os._exit(0)
elif way == "onwards":
    hear()
    say(HELLO)
    say("QUIT")
    assert f.read() == b""
    try:
        for _ in range(100):
            s.sendall(b"NOOP\r\n")
            time.sleep(0.01)
        sys.exit("nobody minds")
    except OSError as error:
        print(type(error).__name__)
elif way == "halfclose":
    s.sendall("\r\n".join([HELLO, MAIL, RCPT, "DATA", BODY, "QUIT", ""]).encode())
    s.shutdown(socket.SHUT_WR)
    for want in "222232" "2":
        hear(want)
    assert f.read() == b""
elif way == "pipeline":
    hear()
    say(HELLO)
    say("\r\n".join([MAIL, RCPT, "RCPT TO:<c@b.example>", "DATA"]), None)
    for want in "2223":
        hear(want)
    say(BODY + "\r\nRSET\r\nQUIT", None)
    for want in "222":
        hear(want)
elif way == "helo":
    hear()
    for line in ("HELO client.a.example", MAIL, RCPT):
        say(line)
    say("DATA", "3")
    say(BODY)
    say("QUIT")
elif way == "no_greeting":
    hear()
    for line in (MAIL, RCPT):
        say(line)
    say("DATA", "3")
    say(BODY)
    say("QUIT")
elif way == "two":
    hear()
    say(HELLO)
    for _ in range(2):
        say(MAIL)
        say("RSET")
        say(MAIL)
        say(RCPT)
        say("DATA", "3")
        say(BODY)
    say("QUIT")
elif way == "bytewise":
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    hear()
    for text, want in ((HELLO, "2"), (MAIL, "2"), (RCPT, "2"), ("DATA", "3"), (BODY, "2"), ("QUIT", "2")):
        for c in text + "\r\n":
            s.sendall(c.encode())
        hear(want)
elif way == "bdat":
    hear()
    say(HELLO)
    say(MAIL)
    say(RCPT)
    s.sendall(b"BDAT 12 LAST\r\nSECRETBODY\r\n")
    hear("5")
    say("QUIT")
elif way == "vanish":
    hear()
    for line in (HELLO, MAIL, RCPT):
        say(line)
    say("DATA", "3")
    s.sendall(b"Subject: SECRETSUBJECT\r\n\r\nSECRETBODY\r\n")
    time.sleep(0.2)
    s.close()
