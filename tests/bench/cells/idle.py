"""Idle connections: memory of the process that speaks TLS for them, the client's own left out.

Each is greeted, encrypted, has its EHLO answered and is then left alone. What a process needs with one connection
is taken off, so that neither OpenSSL's code nor a list of authorities is counted. `native` is the kindest reading
there is of a native client: one process with all of them.
"""

import held
import parts

NAME = "idle"
TITLE = "Idle connections, PSS of each"
COUNTS = [500, 2000]
FIGURES = {"%d connections" % n: {"unit": "KiB", "better": "less"} for n in COUNTS}
REFERENCE = "native"
ROUNDS = 4
FEWER = "Memory hardly varies from round to round, as the quartiles show, and a round takes half a minute."


def rows(bench):
    held.many_descriptors()
    sink = bench.sink()
    counts = [bench.count(n, n // 100) for n in COUNTS]

    def each(pss_with):
        """pss_with: a function that brings the number of connections up to its argument and gives the PSS then."""
        def checked(count):
            before = sink.stats()
            pss = pss_with(count)
            held.must_hold(sink, before, 0)
            return pss

        base = checked(1)
        return {figure: (checked(n) - base) / (n - 1) for figure, n in zip(FIGURES, counts)}

    def native():
        def pss_with(count):
            client = held.Client(bench, [bench.bin("native"), "--hold", str(count), "--ca-file", bench.pki("ca.pem"),
                                         parts.SERVER])
            if client.line() != ["ready"]:
                raise parts.Failed("native does not hold %d connections" % count)
            pss = held.pss([client.process.pid])
            client.end()
            return pss

        return each(pss_with)

    def behind(pids, host, port, env=None):
        client = held.Hold(bench, host, port, env)
        state = {"held": 0}

        def pss_with(count):
            state["held"] = client.open(count - state["held"])
            return held.pss(pids())

        figures = each(pss_with)
        client.close()
        return figures

    def stunnel():
        fresh = parts.Stunnel(bench, 2530, False)
        figures = behind(fresh.pids, "127.0.0.1", 2530)
        bench.stop(fresh.process)
        return figures

    def mailseal():
        sealed = bench.sealed("idle")
        sealed.stop()
        figures = behind(sealed.pids, parts.SERVER, 25, sealed.env)
        sealed.stop()
        return figures

    return {"stunnel": stunnel, "native": native, "mailseal": mailseal}
