"""failover WAY PORT ADDRESS ...: sends one message by the first address that takes a connection.

blocking     connect() waits
nonblocking  connect(), select(), SO_ERROR

Prints "ADDRESS ERRNO" for each that failed and "ADDRESS connected" for the one that did not, then the
last reply. Exit status 1 if none did.
"""
import errno
import select
import socket
import sys

way, port = sys.argv[1], int(sys.argv[2])


def attempt(address):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    if way == "blocking":
        return s, s.connect_ex((address, port))
    s.setblocking(False)
    error = s.connect_ex((address, port))
    if error == errno.EINPROGRESS:
        select.select([], [s], [], 40)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    s.setblocking(True)
    return s, error


def deliver(s):
    f = s.makefile("rb")
    for line in (None, "EHLO client.a.example", "MAIL FROM:<sender@a.example>", "RCPT TO:<a@b.example>", "DATA",
                 "Subject: SECRETSUBJECT\r\n\r\nSECRETBODY\r\n.", "QUIT"):
        if line:
            s.sendall(line.encode() + b"\r\n")
        while (reply := f.readline())[3:4] == b"-":
            pass
        print(reply.decode().rstrip())


for address in sys.argv[3:]:
    s, error = attempt(address)
    print(address, errno.errorcode[error] if error else "connected", flush=True)
    if not error:
        deliver(s)
        sys.exit(0)
    s.close()
sys.exit(1)
