"""smtplib_client HOST PORT FILE [USER PASSWORD]: Python's smtplib without TLS; the content as bytes."""
import smtplib
import sys

host, port, path, *login = sys.argv[1:]
with open(path, "rb") as f:
    content = f.read().replace(b"\n", b"\r\n")
with smtplib.SMTP(host, int(port), local_hostname="client.a.example", timeout=50) as s:
    s.set_debuglevel(1)
    if login:
        s.login(*login)
    print(s.sendmail("sender@a.example", ["a@b.example"], content))
