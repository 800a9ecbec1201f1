"""Holds connections:  hold.py COUNT ADDRESS PORT FILE

Makes COUNT connections, prints for each `up` or the error's name, then `holding`; once FILE is there,
greets on the first of them and prints the answer.
"""
import errno
import os
import socket
import sys
import time

up = []
for _ in range(int(sys.argv[1])):
    s = socket.socket()
    try:
        s.connect((sys.argv[2], int(sys.argv[3])))
        up.append(s)
        print('up', flush=True)
    except OSError as e:
        print(errno.errorcode[e.errno], flush=True)
print('holding', flush=True)
while not os.path.exists(sys.argv[4]):
    time.sleep(0.02)
if up:
    f = up[0].makefile('rwb', buffering=0)
    f.readline()
    f.write(b'EHLO client.a.example\r\n')
    print(f.readline().decode().strip(), flush=True)
