"""large: as throughput, with larger messages."""

from cells import throughput

NAME = "large"
TITLE = "Messages of 100 KB, a session each"
UNPACKED = throughput.UNPACKED
FIGURES = throughput.FIGURES
REFERENCE = throughput.REFERENCE


def rows(bench):
    return throughput.rows(bench, 100 * 1024)
