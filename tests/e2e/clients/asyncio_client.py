"""asyncio_client HOST PORT FILE: SMTP by hand over asyncio's streams."""
import asyncio
import sys

host, port, path = sys.argv[1:4]
with open(path, "rb") as f:
    lines = f.read().split(b"\n")[:-1]
content = b"".join((b"." if line[:1] == b"." else b"") + line + b"\r\n" for line in lines) + b"."


async def main():
    reader, writer = await asyncio.open_connection(host, int(port))

    async def hear(first):
        line = b"   -"
        while line[3:4] == b"-":
            line = await reader.readline()
            print(line.decode("latin-1"), end="")
        if line[:1] != first:
            sys.exit("refused")

    await hear(b"2")
    for line, first in (
        (b"EHLO client.a.example", b"2"),
        (b"MAIL FROM:<sender@a.example>", b"2"),
        (b"RCPT TO:<a@b.example>", b"2"),
        (b"DATA", b"3"),
        (content, b"2"),
        (b"QUIT", b"2"),
    ):
        writer.write(line + b"\r\n")
        await writer.drain()
        await hear(first)
    writer.close()
    await writer.wait_closed()


asyncio.run(main())
