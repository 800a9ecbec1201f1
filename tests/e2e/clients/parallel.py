"""Sends over many connections at once:  parallel.py HOST PORT CONNECTIONS MESSAGES SIZE FILE

Opens CONNECTIONS connections, each in a thread, and sends up to MESSAGES messages of SIZE octets over each, as long as
the server takes them. FILE gets a line for each that was answered 250: `CONNECTION-MESSAGE`, the message's subject too.
Ends with status 0 if all were taken.
"""
import socket
import sys
import threading

host, port, connections, messages, size, path = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
taken = open(path, "w", buffering=1)
lock = threading.Lock()
count = 0


class Refused(Exception):
    pass


def say(file, bytes_, first):
    file.write(bytes_)
    file.flush()
    while True:
        line = file.readline()
        if line[:1] != first:
            raise Refused(line)
        if line[3:4] != b"-":
            return


def message(name):
    line = b"a line of an ordinary length, that says nothing at all\r\n"
    head = b"Subject: " + name + b"\r\n\r\n"
    return head + line * ((size - len(head)) // len(line)) + b"end of " + name + b"\r\n.\r\n"


def work(number):
    global count
    with socket.create_connection((host, port), 50) as s:
        file = s.makefile("rwb")
        say(file, b"", b"2")
        say(file, b"EHLO client.a.example\r\n", b"2")
        for i in range(messages):
            name = b"%d-%d" % (number, i)
            say(file, b"MAIL FROM:<sender@a.example>\r\n", b"2")
            say(file, b"RCPT TO:<a@b.example>\r\n", b"2")
            say(file, b"DATA\r\n", b"3")
            say(file, message(name), b"2")
            with lock:
                count += 1
                taken.write(name.decode() + "\n")
        say(file, b"QUIT\r\n", b"2")


def attempt(number):
    try:
        work(number)
    except (Refused, OSError) as e:
        print(number, repr(e), flush=True)


threads = [threading.Thread(target=attempt, args=(n,)) for n in range(connections)]
for t in threads:
    t.start()
for t in threads:
    t.join()
sys.exit(count != connections * messages)
