"""aiosmtplib_client HOST PORT FILE"""
import asyncio
import sys

import aiosmtplib

host, port, path = sys.argv[1:4]
with open(path, "rb") as f:
    content = f.read()
print(
    asyncio.run(
        aiosmtplib.send(
            content,
            sender="sender@a.example",
            recipients=["a@b.example"],
            hostname=host,
            port=int(port),
            local_hostname="client.a.example",
        )
    )
)
