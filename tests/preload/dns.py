#!/usr/bin/python3
"""dns: a name server on 127.0.0.1:53, over UDP, that answers what the cases of the preload ask, good or bad."""
import socket
import struct

ADDRESS = socket.inet_aton("127.0.0.8")
OTHER = socket.inet_aton("127.0.0.9")
A, CNAME, MX, AAAA, SRV = 1, 5, 15, 28, 33
QUESTION = b"\xc0\x0c"


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def record(owner, kind, data, cut=0):
    whole = owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    return whole[: len(whole) - cut]


def address(owner, data=ADDRESS):
    return record(owner, A, data)


def mx(target):
    return record(QUESTION, MX, struct.pack("!H", 10) + name(target))


# name, type: answers and additional records
ZONE = {
    ("plain.test", A): ([address(QUESTION)], []),
    ("mapped.test", AAAA): ([record(QUESTION, AAAA, bytes(10) + b"\xff\xff" + ADDRESS)], []),
    ("alias.test", A): ([record(QUESTION, CNAME, name("real.test")), address(name("real.test"))], []),
    ("owner.test", A): ([address(name("else.test"))], []),
    ("short.inner.test", A): ([address(QUESTION)], []),
    ("domain.test", MX): (
        [mx("mx1.domain.test"), mx("mx2.domain.test")],
        [address(name("mx1.domain.test")), address(name("ns.domain.test")), address(name("mx2.domain.test"), OTHER)],
    ),
    ("bare.test", MX): ([mx("plain.test")], []),
    ("newer.test", MX): ([mx("plain.test")], []),
    ("_submission._tcp.domain.test", SRV): (
        [record(QUESTION, SRV, struct.pack("!HHH", 0, 0, 25) + name("srv.domain.test"))],
        [address(name("srv.domain.test"))],
    ),
    ("oddmx.test", MX): ([record(QUESTION, MX, struct.pack("!H", 10) + b"\x03a.b\0")], [address(b"\x03a.b\0")]),
    ("a.b", A): ([address(QUESTION)], []),
    ("broken.test", A): ([address(QUESTION), record(QUESTION, A, OTHER, cut=2)], []),
    ("forward.test", A): ([address(QUESTION), address(b"\xc0\xff")], []),
    ("many.test", A): ([address(QUESTION), address(QUESTION, OTHER)], []),
}


def parse(query):
    """The labels of the question as text, a dot inside a label told as a dot; and where it ends."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin1"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])[0], at + 5


def answer(query):
    asked, kind, end = parse(query)
    answers, additional = ZONE.get((asked, kind), ([], []))
    known = any(asked == there for there, _ in ZONE)
    head = struct.pack("!HHHHHH", struct.unpack("!H", query[:2])[0], 0x8180 | (0 if known else 3), 1, len(answers), 0,
                       len(additional))
    return head + query[12:end] + b"".join(answers + additional)


server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    question, client = server.recvfrom(4096)
    server.sendto(answer(question), client)
