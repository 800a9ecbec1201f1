"""latency: from connect() to the reply to QUIT, one session at a time in one process (see load.c)."""

import ways

NAME = "latency"
TITLE = "Time of one message of 1 KB, in a session of its own"
FIGURES = {"p50": {"unit": "us", "better": "less"}, "p99": {"unit": "us", "better": "less"}}
REFERENCE = "native, resumption"
SECONDS = 0.8


def row(get, rate):
    def measure():
        ran, _ = rate.run(get(), "latency", least=100)
        said = ran.json()
        return {"p50": said["p50_us"], "p99": said["p99_us"]}
    return measure


def rows(bench):
    rate = ways.Rate(bench, SECONDS)
    return {name: row(get, rate) for name, get in ways.standard(bench, ways.load("plain")).items()}
