"""held: many sessions at once, and what the processes that hold them need."""

import os
import resource
import subprocess

import parts

# Kept open by agent and peers as by the clients; also what stunnel takes as the number of its clients.
DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def many_descriptors():
    """For what is started from now on."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def total_kib(pids, field):
    """What /proc says of the memory of these processes, together. Exact, as /proc/PID/status is not."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith(field))
    return total


def pss(pids):
    """KiB: shared pages count once among all processes."""
    return total_kib(pids, "Pss:")


def own(pids):
    """KiB of no file: what the processes wrote themselves."""
    return total_kib(pids, "Anonymous:")


def rss(pids):
    return total_kib(pids, "Rss:")


def descriptors(pids):
    return sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in pids)


def must_hold(sink, before, count):
    """The server sees so many connections open, and all since `before` were encrypted."""
    now = sink.stats()
    if now["open"] < count or now["connections"] - before["connections"] > sum(
            now[kind] - before[kind] for kind in ("full", "resumed")):
        raise parts.Failed("%d encrypted connections expected: %s; before: %s" % (count, now, before))


class Client:
    """A process on the client's processors that does what lines of its standard input say."""

    def __init__(self, bench, command, env=None):
        self.bench, self.name = bench, os.path.basename(command[0])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})},
                                        preexec_fn=lambda: os.sched_setaffinity(0, bench.client_cpus))
        bench.processes.append(self.process)

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise parts.Failed("%s ended" % self.name)
        return line.split()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.bench.processes.remove(self.process)
        if self.process.returncode != 0:
            raise parts.Failed("%s ended with status %d" % (self.name, self.process.returncode))


class Hold(Client):
    """hold.c: sessions of a plaintext client, opened, used and closed on demand."""

    def __init__(self, bench, host, port, env=None):
        super().__init__(bench, [bench.bin("hold"), host, str(port)], env)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        word, done, failed, seconds, *more = self.line()
        return int(done), int(failed), float(seconds), more

    def open(self, count, may_fail=False):
        """So many sessions more; the number that is held now."""
        held, failed, _, error = self.say("open %d" % count)
        if failed and not may_fail:
            raise parts.Failed("%d of %d sessions failed: %s" % (failed, count, " ".join(error)))
        return held

    def send(self):
        """A message on each of them at once: seconds for all, p50 and p99 in milliseconds."""
        _, failed, seconds, latencies = self.say("send")
        if failed:
            raise parts.Failed("%d messages failed" % failed)
        return (seconds, *map(float, latencies))

    def close(self):
        self.say("close")
        self.end()
