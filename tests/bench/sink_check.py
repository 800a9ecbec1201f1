#!/usr/bin/python3
"""sink_check: holds the sink to the end of content, wherever one read ends and the next begins.

    sink_check.py ADDRESS PORT      prints the number of messages sent; status 1 if one ended too early or too late
"""

import socket
import sys
import time

# Whatever looks like an end and is none, then the end; and a message that is empty.
MESSAGES = [b"a\r\n..\r\n.\r\r\n.\n.\r\n\r\n.b\r\n\r\n\r\r\n.\r\n", b".\r\n"]


def reply(file, code):
    line = file.readline()
    if not line.startswith(code):
        sys.exit("sink_check: %r instead of %r" % (line, code))


def check(connection, file, message, cut):
    """One message in two parts."""
    connection.sendall(b"DATA\r\n")
    reply(file, b"354")
    if 0 < cut:
        connection.sendall(message[:cut])
        time.sleep(0.002)
    connection.setblocking(False)
    try:
        sys.exit("sink_check: %r at %d: %r came early" % (message, cut, connection.recv(100)))
    except BlockingIOError:
        connection.setblocking(True)
    connection.sendall(message[cut:] + b"NOOP\r\n")
    reply(file, b"250 2.0.0 stored")
    reply(file, b"250 2.0.0 ok")


def main():
    count = 0
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = connection.makefile("rb")
        reply(file, b"220")
        for message in MESSAGES:
            for cut in range(len(message)):
                check(connection, file, message, cut)
                count += 1
    print(count)


main()
