#!/usr/bin/python3
"""One message to each host of the command line, by an ordinary plaintext client. A line for each: "HOST sent", or
"HOST CODE TEXT" with the reply that ended it, or "HOST lost" where there was none."""
import smtplib
import sys

for host in sys.argv[3:]:
    try:
        with smtplib.SMTP(host, 25, local_hostname="client.a.example", timeout=20) as smtp:
            smtp.sendmail(sys.argv[1], [sys.argv[2]], "Subject: SECRETSUBJECT\r\n\r\nSECRETBODY\r\n")
        print(host, "sent")
    except smtplib.SMTPRecipientsRefused as e:
        code, text = list(e.recipients.values())[0]
        print(host, code, text.decode())
    except smtplib.SMTPResponseException as e:
        text = e.smtp_error
        print(host, e.smtp_code, text.decode(errors="replace") if isinstance(text, bytes) else text)
    except (OSError, smtplib.SMTPException):
        print(host, "lost")
