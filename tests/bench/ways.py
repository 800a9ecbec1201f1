"""ways: how mail gets from a client to the sink, as rows that are measured and checked alike.

A way's run(messages, sessions, size) sends so much mail and gives parts.Ran, after it made sure by the sink's counters
that all of it arrived as the way claims: encrypted or not, with sessions resumed or not; under mailseal by the log,
too, that the certificate was verified.
"""

import os

import parts


def smtp_source(bench, target, messages, sessions, size):
    """Postfix's load generator: one process, lock-step, a session a message. From the unpacked Postfix."""
    mta = os.path.join(bench.build, "mta")
    libraries = ":".join(os.path.join(mta, d) for d in ("usr/lib/postfix", "usr/lib/x86_64-linux-gnu", "usr/lib"))
    return (["%s/usr/sbin/smtp-source" % mta, "-4", "-M", "client.a.example", "-f", "sender@a.example", "-t",
             "a@b.example", "-s", str(sessions), "-m", str(messages), "-l", str(size), "%s:%d" % target],
            {"LD_LIBRARY_PATH": libraries})


def load(program, *more):
    """plain or native, see load.c."""
    def client(bench, target, messages, sessions, size):
        return ([bench.bin(program), "--messages", str(messages), "--sessions", str(sessions), "--size", str(size),
                 *more, "--port", str(target[1]), target[0]], {})
    return client


def each(command, **given):
    """A process a message. command(bench, target) gives a list."""
    def client(bench, target, messages, sessions, size):
        sets = [part for name, value in given.get("env", {}).items() for part in ("--set", name + "=" + value)]
        return ([bench.bin("each"), "--times", str(messages), "--at-once", str(sessions), "--input",
                 message(bench, size), *sets, "--", *command(bench, target)], {})
    return client


def message(bench, size):
    line = "The quick brown fox jumps over the lazy dog and then goes home at ten\r\n"
    head = "From: <sender@a.example>\r\nTo: <a@b.example>\r\nSubject: benchmark\r\n\r\n"
    return bench.once(("message", size), lambda: bench.write("message-%d" % size, head + line * (size // len(line))))


class Way:
    """client(bench, (host, port), messages, sessions, size) gives a command and its environment."""

    target = (parts.SERVER, 25)
    encrypted = True
    resumes = False  # may resume sessions
    must_resume = False
    keeps = False  # several messages a connection

    def __init__(self, bench, client):
        self.bench, self.client, self.sink = bench, client, bench.sink()

    def prepare(self):
        """Before a run: the helpers' processes."""
        return []

    def environment(self):
        return {}

    def run(self, messages, sessions=1, size=1024):
        helpers = self.prepare()
        command, env = self.client(self.bench, self.target, messages, sessions, size)
        before = self.sink.stats()
        ran = self.bench.run(command, {**env, **self.environment()}, helpers)
        after = self.sink.stats()
        self.check({name: after[name] - before[name] for name in after}, messages, sessions, size)
        return ran

    def check(self, seen, messages, sessions, size):
        """seen: what the sink counted"""
        def must(truth, what):
            if not truth:
                raise parts.Failed("%s: %s: %s" % (type(self).__name__, what, seen))
        must(seen["messages"] == messages, "%d messages were sent" % messages)
        must(seen["bytes"] >= messages * size * 0.9, "messages of %d bytes were sent" % size)
        must(seen["failed"] == 0, "handshakes failed")
        must(seen["full"] + seen["resumed"] == (seen["connections"] if self.encrypted else 0),
             "connections were not as they should")
        must(self.keeps or seen["connections"] == messages, "there should be a connection for each message")
        must(self.resumes or seen["resumed"] == 0, "sessions were resumed")
        must(not self.must_resume or messages < 2 * sessions or seen["resumed"] > 0, "no session was resumed")


class Plaintext(Way):
    encrypted = False


class Native(Way):
    def __init__(self, bench, client, resumes=False, keeps=False):
        super().__init__(bench, client)
        self.resumes, self.must_resume, self.keeps = resumes, resumes and not keeps, keeps


class Stunnel(Way):
    def __init__(self, bench, client, resumes=False):
        super().__init__(bench, client)
        self.stunnel, self.resumes, self.must_resume = bench.stunnel(resumes), resumes, resumes
        self.target = ("127.0.0.1", self.stunnel.port)

    def prepare(self):
        return self.stunnel.pids()


# What is said about a row's settings, and the settings.
SEALED = {"mailseal": ("default", ()), "mailseal, connections not reused": ("single", ("connection_reuse = 0",)),
          "mailseal, nothing reused": ("bare", ("connection_reuse = 0", "session_resumption = false"))}


class Sealed(Way):
    def __init__(self, bench, client, row="mailseal"):
        super().__init__(bench, client)
        name, settings = SEALED[row]
        self.sealed = bench.sealed(name, settings)
        self.keeps = "connection_reuse = 0" not in settings
        self.resumes = "session_resumption = false" not in settings
        self.must_resume = self.resumes and not self.keeps

    def prepare(self):
        self.logged = self.sealed.verified()
        agents = self.sealed.warm()
        parts.wait_until(lambda: self.sealed.verified() == self.logged + 1, 2, "the first message is not in the log")
        return agents

    def environment(self):
        return self.sealed.env

    def check(self, seen, messages, sessions, size):
        super().check(seen, messages, sessions, size)
        parts.wait_until(lambda: self.sealed.verified() == self.logged + 1 + messages, 2,
                         "not all messages were verified, says " + self.sealed.log)


class Rate:
    """Runs that take about so many seconds: the number of messages follows from the runs before."""

    def __init__(self, bench, seconds):
        self.seconds, self.rates, self.bench = seconds, {}, bench

    def run(self, way, key, sessions=1, size=1024, least=1):
        rate = self.rates.get((way, key), 0)
        messages = self.bench.count(max(least, 2 * sessions, int(rate * self.seconds)), max(2, sessions))
        ran = way.run(messages, sessions, size)
        self.rates[way, key] = messages / ran.seconds
        return ran, messages


def lazily(make, *arguments, **named):
    """A way that is made at its first use, within a row: so that Missing is the row's."""
    made = []

    def get():
        if not made:
            made.append(make(*arguments, **named))
        return made[0]
    return get


def standard(bench, client):
    """The usual rows: plaintext clients as they are, through stunnel, and under mailseal, beside a native one."""
    authorities = ("--ca-dir", bench.pki("ca"))
    return {
        "plaintext": lazily(Plaintext, bench, client),
        "stunnel": lazily(Stunnel, bench, client),
        "stunnel, resumption": lazily(Stunnel, bench, client, resumes=True),
        "native": lazily(Native, bench, load("native", *authorities)),
        "native, resumption": lazily(Native, bench, load("native", "--resume", *authorities), resumes=True),
        **{row: lazily(Sealed, bench, client, row) for row in SEALED},
    }
