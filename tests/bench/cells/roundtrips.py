"""Round trips from connect() to the 250 of end-of-data, over a path on which one takes 40 ms.

The time that the client measures, divided by 40 ms: what is computed on the way shows behind the point. All clients
wait for each reply before they go on, but for `native, pipelining`. `mailseal` begins a connection of its own,
`mailseal, warm` comes within `connection_reuse` seconds of a session that has ended.
"""

import parts

NAME = "roundtrips"
TITLE = "Round trips to the 250 of end-of-data, 40 ms each"
FIGURES = {"to 250": {"unit": "round trips", "better": "less"}}
REFERENCE = "native"
ROUND_TRIP = 0.040
FAR, FAR_ADDRESS = "mail.b.example", "198.18.25.2"


def far_sink(bench):
    return parts.Sink(bench, FAR_ADDRESS, (), [bench.bin("path"), str(ROUND_TRIP * 1000 / 2)])


def rows(bench):
    bench.sink()
    sink = bench.once("far sink", lambda: far_sink(bench))

    def to_250(program, *options, env=None, host=FAR, encrypted=1):
        """encrypted: how many handshakes the server must see; none where a kept connection is expected."""
        before = sink.stats()
        ran = bench.run([bench.bin(program), "--keep", *options, host], env=env)
        seen = {name: count - before[name] for name, count in sink.stats().items()}
        if env and not encrypted and seen["connections"]:
            raise parts.Missing("the connection was not kept for the next session")
        if seen["messages"] != 1 or seen["full"] + seen["resumed"] != encrypted:
            raise parts.Failed("one message, %d handshakes expected: %s" % (encrypted, seen))
        return {"to 250": ran.json()["p50_us"] / 1e6 / ROUND_TRIP}

    def native(*options):
        return to_250("native", "--ca-file", bench.pki("ca.pem"), *options)

    def stunnel():
        bench.once("far stunnel", lambda: parts.Stunnel(bench, 2531, False, FAR_ADDRESS, FAR))
        return to_250("plain", "--port", "2531", host="127.0.0.1")

    def mailseal():
        sealed = bench.sealed("single", ["connection_reuse = 0"])
        sealed.warm()
        return to_250("plain", env=sealed.env)

    def warm():
        sealed = bench.sealed("default")
        to_250("plain", env=sealed.env)
        return to_250("plain", env=sealed.env, encrypted=0)

    return {"plaintext": lambda: to_250("plain", encrypted=0), "stunnel": stunnel, "native": native,
            "native, pipelining": lambda: native("--pipelining"), "mailseal": mailseal, "mailseal, warm": warm}
