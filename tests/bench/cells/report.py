"""mailseal report over a log of a million lines: from a file, in the forms that a log comes in, and as a page.

The file was read once before, and is in memory. Unpacking is another program's work, which is counted too.
"""

import gzip
import os
import shutil
import tempfile

import parts

NAME = "report"
TITLE = "mailseal report, a million lines"
FIGURES = {"time": {"unit": "s", "better": "less"}, "CPU time": {"unit": "s", "better": "less"}}
REFERENCE = None
ROUNDS = 3
LINES = 1000000
FORMS = {"mailseal's own file": "file", "syslog file": "syslog", "journalctl -o json": "journal"}


def rows(bench):
    lines = bench.count(LINES, 2000)
    logs = tempfile.TemporaryDirectory(dir=bench.directory)  # gone at the end: they are large

    def log(form):
        path = os.path.join(logs.name, form)
        if not os.path.exists(path):
            bench.run(["sh", "-c", 'exec "$@" >"$0"', path, bench.bin("logwriter"), "--format", form, "--damaged", "1",
                       "--foreign", "5", "--names", "1000", str(lines)])
        return path

    def packed():
        path = os.path.join(logs.name, "packed")
        if not os.path.exists(path):
            with open(log("file"), "rb") as file, gzip.open(path, "wb", 6) as out:
                shutil.copyfileobj(file, out)
        return path

    def take(path, *options):
        ran = bench.run([os.path.join(bench.build, "mailseal"), "report", *options, path])
        if not ran.output:
            raise parts.Failed("an empty report")
        return {"time": ran.seconds, "CPU time": ran.cpu}

    return {**{row: lambda form=form: take(log(form)) for row, form in FORMS.items()},
            "mailseal's own file, gzipped": lambda: take(packed()),
            "mailseal's own file, --html": lambda: take(log("file"), "--html")}
