"""listen FILE.pcap: records what crosses lo, for a demo without root, where tcpdump cannot give up
the privileges that it does not have. Ends at SIGINT."""
import signal
import socket
import struct
import sys
import time

signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("lo", 0))
with open(sys.argv[1], "wb", buffering=0) as f:
    f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    print("listening on lo", file=sys.stderr, flush=True)
    while True:
        packet, address = s.recvfrom(262144)
        if address[2] == socket.PACKET_OUTGOING:
            continue
        now = time.time()
        f.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(packet), len(packet)) + packet)
