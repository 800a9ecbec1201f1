"""own_resolver: asks the DNS itself, over a socket of its own, for HOST's address, and sends one message there.

    own_resolver.py HOST RECIPIENT      prints the reply to MAIL, or sent
"""
import smtplib
import socket
import sys


def look_up(name):
    query = b"\x12\x34\x01\x00\x00\x01" + bytes(6)
    query += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(query, ("127.0.0.1", 53))
        answer = asking.recv(512)
    return socket.inet_ntoa(answer[len(query) + 12 :][:4])


host, recipient = sys.argv[1:]
with smtplib.SMTP(look_up(host), local_hostname="client.a.example") as server:
    server.ehlo()
    code, text = server.mail("sender@a.example")
    if code == 250:
        server.rcpt(recipient)
        server.data(b"Subject: x\r\n\r\nx\r\n")
        print("sent")
    else:
        print(f"MAIL: {code} {text.decode()}")
