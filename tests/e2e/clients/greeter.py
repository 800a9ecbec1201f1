"""greeter ADDRESS PORT: greets, and waits for the end of each connection, one at a time."""
import socket
import sys

listener = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=1024)
while True:
    s, _ = listener.accept()
    try:
        s.sendall(b"220 greeter\r\n")
        while s.recv(1000):
            pass
    except OSError:
        pass
    s.close()
