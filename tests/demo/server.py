"""server READY: the demo's mail servers, aiosmtpd as Debian packages it.

Two listeners: 127.0.0.10:25 offers STARTTLS with the certificate in $PKI, 127.0.0.14:25 does not.
Each message goes to $STORE/N with a Received: line on top. aiosmtpd writes none, so the handler
composes it in the usual form (RFC 5321 4.4, RFC 3848) from what the session really was.
Every command heard is noted in $STORE/heard.PORTNAME.
"""
import asyncio
import email.utils
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP

STORE, PKI = os.environ["STORE"], os.environ["PKI"]


class Handler:
    count = 0

    def __init__(self, name):
        self.name = name

    def received(self, session):
        tls = session.ssl
        text = f"Received: from {session.host_name} ([{session.peer[0]}])\n"
        if tls:
            cipher, version, bits = tls["cipher"]
            text += f"\t(using {version} with cipher {cipher} ({bits} bits))\n"
        kind = ("E" if session.extended_smtp else "") + "SMTP" + ("S" if tls else "")
        return text + f"\tby {self.name} with {kind}; {email.utils.formatdate(localtime=True)}\n"

    async def handle_DATA(self, server, session, envelope):
        Handler.count += 1
        with open(f"{STORE}/{Handler.count}", "wb") as f:
            f.write(self.received(session).encode() + envelope.content.replace(b"\r\n", b"\n"))
        return "250 2.0.0 message stored"


class Server(SMTP):
    """Notes each command before it is carried out."""

    async def _handle_client(self):
        heard = open(f"{STORE}/heard.{self.event_handler.name}", "ab", buffering=0)
        reader = self._reader
        readline = reader.readuntil

        async def noting(*args, **kwargs):
            line = await readline(*args, **kwargs)
            heard.write(line)
            return line

        reader.readuntil = noting
        await super()._handle_client()


async def main():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{PKI}/good.pem", f"{PKI}/good.key")
    loop = asyncio.get_running_loop()
    for address, name, context in (("127.0.0.10", "mx.b.example", tls),
                                   ("127.0.0.14", "old.b.example", None)):
        await loop.create_server(
            lambda name=name, context=context: Server(
                Handler(name), hostname=name, ident="ESMTP demo", tls_context=context), address, 25)
    open(sys.argv[1], "w").close()
    await asyncio.Event().wait()


asyncio.run(main())
