"""Single calls of a program that has nothing to do with mail: what the library adds to them, and to those that it
does not replace. Connections go to loopback, to another port than 25.
"""

import os

NAME = "connect"
TITLE = "Calls that are none of mailseal's business"
MEASURED = {"connect() UDP": "connect_udp", "connect() TCP, refused": "connect_tcp_refused",
            "connect() AF_UNIX, missing": "connect_unix_missing", "write()": "write", "socket()": "socket",
            "close()": "close", "getaddrinfo() of an address": "getaddrinfo_literal"}
FIGURES = {name: {"unit": "ns", "better": "less"} for name in MEASURED}
REFERENCE = "without"


def rows(bench):
    def calls(env):
        ran = bench.run([bench.bin("calls"), str(bench.count(200, 2))], env=env).json()
        return {name: ran[key] for name, key in MEASURED.items()}

    preload = {"LD_PRELOAD": os.path.join(bench.build, "libmailseal.so")}
    return {"without": lambda: calls(None), "mailseal": lambda: calls(preload)}
