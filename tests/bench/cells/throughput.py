"""throughput: small messages, a session each; and what they cost the client's side."""

import ways

NAME = "throughput"
TITLE = "Messages of 1 KB, a session each"
UNPACKED = ["mta"]
FIGURES = {
    "1 session": {"unit": "messages/s", "better": "more"},
    "10 sessions": {"unit": "messages/s", "better": "more"},
    "100 sessions": {"unit": "messages/s", "better": "more"},
    "CPU, 10 sessions": {"unit": "s/1000 messages", "better": "less"},
}
REFERENCE = "native, resumption"
SIZE = 1024
SECONDS = 0.4


def row(get, rate, size):
    def measure():
        way, figures = get(), {}
        for sessions in (1, 10, 100):
            ran, messages = rate.run(way, sessions, sessions, size)
            figures["%d session%s" % (sessions, "s" if sessions > 1 else "")] = messages / ran.seconds
            if sessions == 10:
                figures["CPU, 10 sessions"] = ran.cpu * 1000 / messages
        return figures
    return measure


def rows(bench, size=SIZE):
    rate = ways.Rate(bench, SECONDS)
    return {name: row(get, rate, size) for name, get in ways.standard(bench, ways.smtp_source).items()}
