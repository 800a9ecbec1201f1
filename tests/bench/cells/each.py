"""each: a process for every message, as cron jobs and web applications send their mail."""

import shutil

import parts
import ways

NAME = "each"
TITLE = "One process for each message of 1 KB"
FIGURES = {
    "p50": {"unit": "ms", "better": "less"},
    "p99": {"unit": "ms", "better": "less"},
    "CPU": {"unit": "s/1000 messages", "better": "less"},
}
REFERENCE = "native"
SECONDS = 0.8


def own(program, *more):
    return lambda bench, target: [bench.bin(program), *more, "--port", str(target[1]), target[0]]


def curl(bench, target):
    return ["curl", "-sS", "--ssl-reqd", "--cacert", bench.pki("ca.pem"), "--mail-from", "sender@a.example",
            "--mail-rcpt", "a@b.example", "-T", "-", "smtp://%s:%d" % target]


def msmtp(bench, target):
    return ["msmtp", "-C", "/dev/null", "--host=" + target[0], "--port=%d" % target[1], "--tls=on",
            "--tls-starttls=on", "--tls-trust-file=" + bench.pki("ca.pem"), "--from=sender@a.example", "a@b.example"]


def installed(command, make):
    def get():
        if not shutil.which(command):
            raise parts.Missing(command + " is not installed")
        return make()
    return get


def sealed(bench, row):
    # The environment is for the children alone: what starts them is not under mailseal.
    way = ways.Sealed(bench, None, row)
    way.client = ways.each(own("plain"), env=way.environment())
    way.environment = lambda: {}
    return way


def row(get, rate):
    def measure():
        ran, messages = rate.run(get(), "each", least=50)
        said = ran.json()
        return {"p50": said["p50_us"] / 1000, "p99": said["p99_us"] / 1000, "CPU": ran.cpu * 1000 / messages}
    return measure


def rows(bench):
    rate = ways.Rate(bench, SECONDS)
    plain = ways.each(own("plain"))
    native = ways.each(own("native", "--ca-dir", bench.pki("ca")))
    gets = {
        "plaintext": ways.lazily(ways.Plaintext, bench, plain),
        "stunnel": ways.lazily(ways.Stunnel, bench, plain),
        "stunnel, resumption": ways.lazily(ways.Stunnel, bench, plain, resumes=True),
        "native": ways.lazily(ways.Native, bench, native),
        "curl": installed("curl", ways.lazily(ways.Native, bench, ways.each(curl))),
        "msmtp": installed("msmtp", ways.lazily(ways.Native, bench, ways.each(msmtp))),
        **{name: ways.lazily(sealed, bench, name) for name in ways.SEALED},
    }
    return {name: row(get, rate) for name, get in gets.items()}
