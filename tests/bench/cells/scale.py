"""Sessions under mailseal from one to 10,000, held by one agent: do cost and memory grow no faster than their number?

CPU is the agent's, for a whole session up to the answered EHLO inside TLS, and for one message. While messages go
over up to 1,000 sessions, all at once, the others are idle. `held` is less than asked for where the limit of
descriptors is reached: then connect() must have failed cleanly, and the rest must go on.
"""

import held
import parts

NAME = "scale"
TITLE = "Many sessions at once"
FIGURES = {
    "held": {"unit": "sessions", "better": "more"},
    "PSS": {"unit": "MiB", "better": "less"},
    "PSS a session": {"unit": "KiB", "better": "less"},
    "CPU to open": {"unit": "ms/session", "better": "less"},
    "CPU of a message": {"unit": "ms", "better": "less"},
    "a message on each": {"unit": "s", "better": "less"},
    "p50": {"unit": "ms", "better": "less"},
    "p99": {"unit": "ms", "better": "less"},
}
REFERENCE = None
ROUNDS = 4
FEWER = "What is held, and its memory, hardly vary from round to round, as the quartiles show, and a round takes 20 seconds."
ACTIVE, A_CLIENT = 1000, 2250


def clients_for(total):
    """Sessions of each client process: the first is the one that sends."""
    sizes = [min(total, ACTIVE)]
    while sum(sizes) < total:
        sizes.append(min(A_CLIENT, total - sum(sizes)))
    return sizes


def rows(bench):
    sink = bench.sink()

    def cpu(pids):
        return sum(map(parts.process_cpu, pids))

    def measure(total):
        # Of connections that are kept for reuse, the first session would get one.
        sealed = bench.sealed("scale", ["connection_reuse = 0"])
        sealed.stop()
        agents = sealed.warm()
        memory, before, seen = held.pss(agents), cpu(agents), sink.stats()
        clients, count = [], 0
        for size in clients_for(total):
            clients.append(held.Hold(bench, parts.SERVER, 25, sealed.env))
            count += clients[-1].open(size, may_fail=True)
        opened, grown = cpu(agents), held.pss(agents)
        if sealed.pids() != agents:
            raise parts.Failed("there is more than one agent")
        held.must_hold(sink, seen, count)
        seconds, p50, p99 = clients[0].send()
        sent = cpu(agents)
        for client in clients:
            client.close()
        sealed.stop()
        return {"held": count, "PSS": grown / 1024, "PSS a session": (grown - memory) / count,
                "CPU to open": (opened - before) * 1000 / count,
                "CPU of a message": (sent - opened) * 1000 / min(count, ACTIVE),
                "a message on each": seconds, "p50": p50, "p99": p99}

    return {str(n): lambda n=n: measure(n) for n in bench.count([1, 10, 100, 1000, 10000], [1, 10])}
