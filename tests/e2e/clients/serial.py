"""serial HOST PORT FIFO: one process that lives long: for each line read from FIFO, one more connection
and one message; prints what came of it: `N sent`, `N CODE TEXT` or `N ERRNO-NAME`."""
import errno
import smtplib
import sys

host, port, fifo = sys.argv[1:4]
with open(fifo) as orders:
    for n, order in enumerate(orders, 1):
        sender = order.strip()
        try:
            with smtplib.SMTP(host, int(port), "client.a.example", timeout=50) as s:
                s.sendmail(sender, ["a@b.example"], f"From: {sender}\r\n\r\ntext {n}\r\n")
            print(n, "sent", flush=True)
        except smtplib.SMTPSenderRefused as e:
            print(n, e.smtp_code, e.smtp_error.decode(), flush=True)
        except smtplib.SMTPRecipientsRefused as e:
            print(n, *[f"{c} {t.decode()}" for c, t in e.recipients.values()], flush=True)
        except smtplib.SMTPResponseException as e:
            print(n, e.smtp_code, e.smtp_error.decode(), flush=True)
        except OSError as e:
            print(n, errno.errorcode.get(e.errno, str(e)), flush=True)
