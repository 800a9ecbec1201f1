"""aiosmtplib_client HOST PORT FILE [USER PASSWORD]"""
import asyncio
import sys

import aiosmtplib

host, port, path, *login = sys.argv[1:]
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
            **dict(zip(("username", "password"), login)),
        )
    )
)
