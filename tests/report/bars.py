"""bars: whether each bar of a page says what the log says of its time.

    TZ=ZONE bars.py LOG PAGE

LOG is a file of mailseal's own; it is counted once more, by itself. Prints what differs; exit status 1 then.
"""

import datetime
import os
import re
import sys
import zoneinfo

ZONE = zoneinfo.ZoneInfo(os.environ["TZ"])
BAR = re.compile(r'<title>([0-9: -]{16})(?: ([+\w-]+))? to ([0-9-]{10} [0-9:]{5}|[0-9:]{5})(?: ([+\w-]+))?\n([^<]*)</title><rect class="hit"')


def events(log):
    """Times and weights of what is drawn, in order."""
    with open(log, encoding="ascii", errors="replace") as file:
        for line in file:
            if "event=connection " not in line:
                more = re.search(r" suppressed=(\d+)$", line)
                yield datetime.datetime.strptime(line[:24], "%Y-%m-%dT%H:%M:%S%z").timestamp(), 1 + int(more[1] if more else 0)


def moment(text, zone, after):
    """Of a time that the clock shows twice, the one in the named zone, or else the one behind `after`."""
    local = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    again = local.replace(fold=1)
    if zone:
        return (local if local.tzname() == zone else again).timestamp()
    return (local if local.timestamp() > after else again).timestamp()


def main(log, page):
    with open(page, encoding="ascii") as file:
        bars = BAR.findall(file.read())
    counted, wrong, last, last_text = list(events(log)), 0, 0, ""
    for begin, begin_zone, end, end_zone, outcomes in bars:
        end = end if len(end) > 5 else begin[:10] + " " + end
        start = last if begin == last_text else moment(begin, begin_zone, last - 1)
        last, last_text = moment(end, end_zone, start), end
        expected = sum(weight for when, weight in counted if start <= when < last)
        drawn = sum(int(n.replace(",", "")) for n in re.findall(r": ([\d,]+)", outcomes))
        if expected != drawn:
            print("%s to %s: %d drawn, %d logged" % (begin, end, drawn, expected))
            wrong += 1
    if not 1 <= len(bars) <= 100:
        print("%d bars" % len(bars))
        wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
