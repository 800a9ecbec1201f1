"""bulk: messages of 25 MB over one connection. The median message counts, so the beginning of the session does not."""

import ways

NAME = "bulk"
TITLE = "Messages of 25 MB"
FIGURES = {"25 MB": {"unit": "MB/s", "better": "more"}, "CPU": {"unit": "s/GB", "better": "less"}}
REFERENCE = "native"
MEGABYTES = 25


def row(get, bench):
    def measure():
        messages = bench.count(9, 2)
        size = bench.count(MEGABYTES, 1) * 1000000
        way = get()
        way.keeps = True
        ran = way.run(messages, 1, size)
        return {"25 MB": size / ran.json()["p50_us"], "CPU": ran.cpu * 1e9 / (size * messages)}
    return measure


def rows(bench):
    keep = ways.load("plain", "--keep")
    native = ways.load("native", "--keep", "--ca-dir", bench.pki("ca"))
    return {name: row(get, bench) for name, get in {
        "plaintext": ways.lazily(ways.Plaintext, bench, keep),
        "stunnel": ways.lazily(ways.Stunnel, bench, keep),
        "native": ways.lazily(ways.Native, bench, native),
        "mailseal": ways.lazily(ways.Sealed, bench, keep),
    }.items()}
