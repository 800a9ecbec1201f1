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
ROUNDS = 5
ROUND_TRIP = 0.040
FAR, FAR_ADDRESS = "mail.b.example", "198.18.25.2"


def far_sink(bench):
    return bench.start([bench.bin("path"), str(ROUND_TRIP * 1000 / 2), bench.bin("sink"), "--listen",
                        FAR_ADDRESS + ":25", "--cert", bench.pki("good.pem"), "--key", bench.pki("good.key")],
                       bench.server_cpus, ready=b"listening")


def rows(bench):
    bench.sink()
    bench.once("far sink", lambda: far_sink(bench))
    reusing, single = bench.sealed("warm"), bench.sealed("cold", ["connection_reuse = 0"])

    def to_250(program, *options, env=None, host=FAR):
        ran = bench.run([bench.bin(program), "--keep", *options, host], env=env)
        return {"to 250": ran.json()["p50_us"] / 1e6 / ROUND_TRIP}

    def native(*options):
        return to_250("native", "--ca-file", bench.pki("ca.pem"), *options)

    def stunnel():
        bench.once("far stunnel", lambda: parts.Stunnel(bench, 2531, False, FAR_ADDRESS, FAR))
        return to_250("plain", "--port", "2531", host="127.0.0.1")

    def mailseal():
        single.warm()
        return to_250("plain", env=single.env)

    def warm():
        to_250("plain", env=reusing.env)
        return to_250("plain", env=reusing.env)

    return {"plaintext": lambda: to_250("plain"), "stunnel": stunnel, "native": native,
            "native, pipelining": lambda: native("--pipelining"), "mailseal": mailseal, "mailseal, warm": warm}
