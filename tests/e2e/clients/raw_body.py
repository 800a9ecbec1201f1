"""raw_body HOST PORT FILE [as-is]: sends FILE as content, exactly as it is (dots already doubled),
and the final dot behind it; 'as-is': without one. Prints the replies; exit 0 if all were positive."""
import socket
import sys

host, port, path = sys.argv[1:4]
s = socket.create_connection((host, int(port)), 100)
f = s.makefile("rb")


def hear(first):
    while True:
        line = f.readline()
        print(line.decode("latin-1"), end="", flush=True)
        if not line:
            sys.exit("connection lost")
        if line[3:4] != b"-":
            break
    if not line.startswith(first):
        sys.exit("refused")


hear(b"2")
for command, want in ((b"EHLO client.a.example", b"2"), (b"MAIL FROM:<s@a.example>", b"2"),
                      (b"RCPT TO:<a@b.example>", b"2"), (b"DATA", b"3")):
    s.sendall(command + b"\r\n")
    hear(want)
with open(path, "rb") as body:
    while chunk := body.read(65521):
        s.sendall(chunk)
if sys.argv[4:] != ["as-is"]:
    s.sendall(b".\r\n")
hear(b"2")
s.sendall(b"QUIT\r\n")
hear(b"2")
