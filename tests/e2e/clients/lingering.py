"""Sockets whose close() waits, handed to the system agent:  lingering.py SOCKET FILE

Calls 300 times with descriptors of TCP sockets that have data nobody reads, and linger. Each call is made by a
process that ends at once, which does not linger: it is the agent that closes last. Prints `holding` then, and ends
once FILE is there.
"""
import os
import socket
import struct
import sys
import time


def call(path, address):
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    tcp.connect(address)
    tcp.setblocking(False)
    try:
        while True:
            tcp.send(bytes(65536))
    except BlockingIOError:
        pass
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 30000))
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.settimeout(1)
    channel.connect(path)
    socket.send_fds(channel, [b'x'], [tcp.fileno()])
    socket.send_fds(channel, [b'x'], [tcp.fileno()] * 8)
    os._exit(0)


sink = socket.socket()
sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
sink.bind(('127.0.0.1', 0))
sink.listen(1000)
for _ in range(300):
    pid = os.fork()
    if pid == 0:
        try:
            call(sys.argv[1], sink.getsockname())
        except OSError:
            os._exit(0)  # turned away already
    os.waitpid(pid, 0)
print('holding', flush=True)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.02)
