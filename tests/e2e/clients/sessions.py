"""sessions HOST PORT FILE ...: sessions in a row, each a connection of its own, and what each was answered.

FILE lists kinds of session, a line each: words are commands, MESSAGE a whole message, CLOSE an end without QUIT, and a
number in front how often. Each prints as one line: its words, and the codes of the replies, "end" where the server
had gone. Alike lines stand once.
"""
import socket
import sys

MESSAGE = ["MAIL FROM:<s@a.example>", "RCPT TO:<a@b.example>", "DATA", "Subject: x\r\n\r\nbody\r\n."]


def code(file):
    while True:
        line = file.readline().decode("latin-1")
        if line[3:4] != "-":
            return line[:3] or "end"


def session(words):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 30) as connection, connection.makefile("rb") as file:
        codes = [code(file)]
        for word in words:
            for text in MESSAGE if word == "MESSAGE" else [word.replace("EHLO", "EHLO client.a.example")]:
                if text == "CLOSE":
                    return codes
                try:
                    connection.sendall(text.encode() + b"\r\n")
                    codes.append(code(file))
                except OSError:
                    codes.append("end")
        return codes


for path in sys.argv[3:]:
    with open(path, encoding="ascii") as lines:
        for line in lines:
            times, *words = line.split()
            for text in dict.fromkeys(" ".join(words + session(words)) for _ in range(int(times))):
                print(text)
