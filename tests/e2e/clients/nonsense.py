"""Asks an agent for nonsense:  nonsense.py SOCKET VERSION ROUNDS SEED

Requests that are cut, changed, too long or empty, with too few, too many, wrong and dead descriptors, and callers
that go away in the middle. Prints how many answers came.
"""
import array
import os
import random
import select
import socket
import struct
import sys

path, protocol, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
address = '\0' + path[1:] if path[0] == '@' else path


def mostly(usual, *others):
    return usual if random.random() < 0.9 else random.choice(others)


def request():
    version = mostly(protocol, protocol - 1, protocol + 1, 65535)
    names = mostly(random.choice([0, 1, 8]), 9, 65535)
    identity = mostly(b'system\n', b'system\nconfig=/x\n', b'system\nconfig=', b'', b'x' * 7000)
    junk = mostly(1000, 0, 1, 1 << 20, 1 << 40, (1 << 64) - 1)
    peer = struct.pack('=HHII16s', mostly(2, 10, 1, 0), mostly(25, 26, 0), 0, 0, bytes([127, 0, 0, mostly(10, 99)]))
    head = struct.pack('=IHHQ', 0x4c534d31, version, mostly(0, 1, 2, 3, 65535), junk) + peer + os.urandom(16)
    head += struct.pack('=HHII', names, mostly(len(identity) & 0xffff, 0, 65535), 0, 0)
    body = bytearray(head + b'mx.b.example\0' * min(names, 9) + identity)
    for _ in range(mostly(0, 1, 5)):
        body[random.randrange(len(body))] = random.randrange(256)
    return bytes(body[:mostly(len(body), random.randrange(len(body)))])


def descriptors():
    kinds = [
        lambda: [socket.socket()],
        lambda: [socket.socket(socket.AF_INET, socket.SOCK_DGRAM)],
        lambda: list(socket.socketpair())[:1],
        lambda: list(socket.socketpair()),
        lambda: list(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
        lambda: [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)],
        lambda: [open('/dev/zero')],
        lambda: [open('/proc/self/mem', 'rb')],
        lambda: [os.fdopen(fd) for fd in os.pipe()[:1]],
        lambda: [select.epoll()],
    ]
    if random.random() < 0.6:  # as it should be, nearly
        pair = list(socket.socketpair())
        pair[0].send(bytes(mostly(1000, 0, 1, 5000)))
        held.append(pair[0])
        return [socket.socket(), pair[1]]
    found = []
    for _ in range(random.choice([0, 1, 2, 2, 3, 20])):
        found += random.choice(kinds)()
    return found


held, answers = [], 0
for n in range(rounds):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(address)
    try:
        for _ in range(random.choice([1, 1, 1, 2])):
            fds = descriptors()
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [f.fileno() for f in fds]))] if fds else []
            s.sendmsg([request()], control)
            if random.random() < 0.2:
                for f in fds:
                    f.close()
        if random.random() < 0.8:
            answers += s.recv(4096) != b''
    except (BrokenPipeError, ConnectionResetError):
        pass
    s.close()
    if random.random() < 0.5:
        held.clear()
print('answers', answers)
