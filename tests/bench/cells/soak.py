"""100,000 messages through one agent: memory and descriptors must then be where they were.

Measured each time after a pause that is longer than anything is kept for later use. Memory is what the agent has for
itself: a share of what is common to many processes would grow where another one of them ends.
"""

import time

import held
import parts

NAME = "soak"
TITLE = "100,000 messages through one agent"
FIGURES = {"%s %s" % (what, when): {"unit": unit, "better": "less"}
           for when in ("before", "in the middle", "after")
           for what, unit in (("own memory", "KiB"), ("RSS", "KiB"), ("descriptors", ""))}
FIGURES["messages"] = {"unit": "", "better": "more"}
REFERENCE = None
ROUNDS = 1
MESSAGES, SESSIONS, PAUSE = 100000, 10, 4
# What the allocator may keep of its own more than at first, in KiB.
TOLERANCE = 512


def rows(bench):
    bench.sink()
    sealed = bench.sealed("soak")
    turn = {"count": 0}

    def send(messages):
        bench.run([bench.bin("plain"), "--messages", str(messages), "--sessions", str(SESSIONS), parts.SERVER],
                  env=sealed.env, timeout=600)

    def look(agents, when):
        time.sleep(PAUSE)
        return {"own memory " + when: held.own(agents), "RSS " + when: held.rss(agents),
                "descriptors " + when: held.descriptors(agents)}

    def check(figures, agents):
        if sealed.pids() != agents:
            raise parts.Failed("it was not one agent")
        if figures["descriptors after"] > figures["descriptors before"]:
            raise parts.Failed("descriptors have come and stayed: %s" % figures)
        if figures["own memory after"] > figures["own memory before"] + TOLERANCE:
            raise parts.Failed("memory has grown: %s" % figures)

    def mailseal():
        # The round that does not count needs no 100,000.
        half = bench.count(MESSAGES // 2, 100) if turn["count"] else 500
        turn["count"] += 1
        agents = sealed.warm()
        send(1000)
        figures = look(agents, "before")
        send(half)
        figures.update(look(agents, "in the middle"))
        send(half)
        figures.update(look(agents, "after"), messages=2 * half)
        check(figures, agents)
        return figures

    return {"mailseal": mailseal}
