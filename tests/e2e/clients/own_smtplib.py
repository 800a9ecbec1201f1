"""own_smtplib HOST PORT FILE [CAFILE]: Python's smtplib with STARTTLS of its own, TLS 1.2 and one cipher."""
import smtplib
import ssl
import sys

host, port, path = sys.argv[1:4]
context = ssl.create_default_context(cafile=sys.argv[4]) if len(sys.argv) > 4 else ssl._create_unverified_context()
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
with open(path, "rb") as f:
    content = f.read().replace(b"\n", b"\r\n")
with smtplib.SMTP(host, int(port), local_hostname="client.a.example", timeout=50) as s:
    s.set_debuglevel(1)
    s.ehlo()
    # what starttls() asks for first; a program that does not look says it all the same
    if not s.has_extn("starttls"):
        print("STARTTLS is not shown")
        s.esmtp_features["starttls"] = ""
    s.starttls(context=context)
    print(s.sendmail("sender@a.example", ["a@b.example"], content))
