"""Sits on a name that is not his:  squat.py SOCKET [VERSION]  (a path, or @NAME)

Prints `listening`, and what is heard; answers a request as an agent of that version would.
"""
import os
import socket
import struct
import sys

name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind('\0' + name[1:] if name[0] == '@' else name)
if name[0] == '/':
    os.chmod(name, 0o666)
s.listen(64)
print('listening', flush=True)
while True:
    c, _ = s.accept()
    print('called', flush=True)
    heard = c.recv(65536)
    if heard:
        print('heard', len(heard), flush=True)
    if len(sys.argv) > 2:
        c.send(struct.pack('=IHHi28x', 0x4c534d31, int(sys.argv[2]), 1, 0))
    c.close()
