"""agree HOST PORT EXPLANATION SERVER CERTIFICATE: sends what `mailseal explain --json` was asked about,
and holds every reply against what it foretold for that kind of server.

Prints, for each recipient, the outcome that the explanation promises and the program saw. What the server
saw is the caller's to look at. Exit 1 and the difference if a reply is another than foretold.
"""
import json
import re
import smtplib
import sys

host, port, path, server, certificate = sys.argv[1:6]
with open(path) as f:
    told = json.load(f)
row, = [o for o in told["outcomes"]
        if o["server"] == server and (o["certificate"] or "-") == certificate and o["tls"] in (None, "TLSv1.3")]


def same(reply, fate):
    code, text = reply
    want = re.escape(fate["reply"]).replace(re.escape("(the reason)"), ".+")
    got = f"{code} {text.decode()}"
    if not re.fullmatch(want, got):
        sys.exit(f"foretold: {fate['reply']}\ngot:      {got}")


def stop_at(stage, reply, fates):
    """Was it refused at this stage exactly for those of whom it was foretold?"""
    for fate in fates:
        if reply[0] >= 400:
            if fate["stops_at"] != stage:
                sys.exit(f"refused at {stage}: {reply}\nforetold: {fate}")
            same(reply, fate)
        elif fate["stops_at"] == stage:
            sys.exit(f"passed at {stage}: {reply}\nforetold: {fate}")


s = smtplib.SMTP(host, int(port), "client.a.example", timeout=50)
s.ehlo()
fates = row["recipients"]
reply = s.mail(told["sender"]["address"].strip("<>"))
stop_at("MAIL", reply, fates)
going = []
for fate in fates if reply[0] < 400 else []:
    reply = s.rcpt(fate["recipient"])
    stop_at("RCPT", reply, [fate])
    if reply[0] < 400:
        going.append(fate)
        held = b"the message's header decides" in reply[1]
        if held != fate["held"]:
            sys.exit(f"held: {held}, foretold: {fate}")
if going:
    field = "".join(f"{f['field']}\r\n" for f in told["header"]["fields"])
    reply = s.data(f"From: s@a.example\r\n{field}\r\nSECRETBODY\r\n")
    stop_at("final dot", reply, going)
s.quit()
print(*sorted({f["outcome"] for f in fates}))
