"""parts: what a benchmark cell is put together from: the sink, stunnel, agents, measured runs.

Everything here runs within the namespaces that `bench` made. Servers are on the server's processors, clients and
their helpers (agent, stunnel) on the client's. Whatever does not do exactly what a run claims raises Failed: the
figure of such a run would be worth nothing.
"""

import json
import os
import select
import shutil
import signal
import struct
import subprocess
import time

SERVER = "mx.b.example"  # the name in the certificate; see HOSTS
SERVER_ADDRESS = "127.0.0.10"
HOSTS = """127.0.0.1 localhost
127.0.0.10 mx.b.example
127.0.0.20 mx2.b.example
198.18.25.2 mail.b.example
"""


class Failed(Exception):
    """A run did not do what it should have."""


class Missing(Exception):
    """A row cannot be measured here; the text says why. The report shows it."""


class Ran:
    """What a program took: seconds, cpu (seconds, of its children and of the helpers too), output."""

    def __init__(self, seconds, cpu, output):
        self.seconds, self.cpu, self.output = seconds, cpu, output

    def json(self):
        return json.loads(self.output)


def process_cpu(pid):
    """CPU seconds of a process, threads that have ended included: its CPU-time clock, exact to the nanosecond."""
    return time.clock_gettime((~pid << 3) | 2)


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(what)
        time.sleep(0.005)


class Sink:
    """A running sink. stats() gives a dict of counters: take it before and after a run. `by`: a command that runs it."""

    NAMES = ("connections", "full", "resumed", "messages", "bytes", "open", "failed")

    def __init__(self, bench, address, options, by=()):
        self.address = address
        self.path = bench.path("sink-%s.stats" % address)
        self.process = bench.start(
            [*by, bench.bin("sink"), "--listen", address + ":25", "--cert", bench.pki("good.pem"),
             "--key", bench.pki("good.key"), "--stats", self.path] + list(options),
            bench.server_cpus, ready=b"listening")

    def stats(self):
        total = [0] * 8
        with open(self.path, "rb") as file:
            for line in struct.iter_unpack("=8Q", file.read()):
                total = [(a + b) % 2**64 for a, b in zip(total, line)]
        return dict(zip(self.NAMES, total))


class Stunnel:
    """stunnel as a client in front of a sink: plaintext clients connect to localhost and `port`."""

    def __init__(self, bench, port, resume, address=SERVER_ADDRESS, name=SERVER):
        if not shutil.which("stunnel4"):
            raise Missing("stunnel4 is not installed")
        self.port = port
        log = bench.path("stunnel-%d.log" % port)
        configuration = bench.write("stunnel-%d.conf" % port, "\n".join([
            "foreground = yes", "pid =", "debug = warning", "output = " + log, "[smtp]", "client = yes",
            "accept = 127.0.0.1:%d" % port, "connect = %s:25" % address, "protocol = smtp",
            "verifyChain = yes", "checkHost = " + name, "CAfile = " + bench.pki("ca.pem"),
            "sessionResume = " + ("yes" if resume else "no"), "sessionCacheSize = 1000", ""]))
        self.process = bench.start(["stunnel4", configuration], bench.client_cpus)
        wait_until(lambda: listens(port), 10, "stunnel does not listen; see " + log)

    def pids(self):
        return [self.process.pid]


class Sealed:
    """Programs under mailseal, with a configuration, a log and an agent of their own.

    env: what the program's environment needs. settings: lines for the default section. Sessions are required to
    be encrypted and verified by the configuration; `verified` counts them in the log. Without ca_file the system's
    authorities count.
    """

    def __init__(self, bench, name, settings=(), ca_file=True):
        self.bench = bench
        directory = bench.path("sealed-" + name)
        os.makedirs(directory, exist_ok=True)
        # A name of its own for the same program, by which /proc tells whose agent it is.
        self.agent = os.path.join(directory, "mailseal-agent")
        if os.path.exists(self.agent):
            os.unlink(self.agent)
        shutil.copy2(os.path.join(bench.build, "mailseal-agent"), self.agent)
        self.log = os.path.join(directory, "log")
        open(self.log, "w").close()
        authorities = ['ca_file = "%s"' % bench.pki("ca.pem")] if ca_file else []
        self.seen, self.transactions = 0, 0
        self.configuration = bench.write("sealed-%s/conf" % name, "default {\n%s}\n" % "".join(
            "\t%s\n" % line for line in [*authorities, "require_tls = true", *settings]))
        check = subprocess.run([os.path.join(bench.build, "mailseal"), "check", self.configuration],
                               capture_output=True, text=True, check=False)
        if check.returncode != 0:
            raise Missing(check.stderr.strip())
        self.env = {"LD_PRELOAD": os.path.join(bench.build, "libmailseal.so"), "MAILSEAL_CONFIG": self.configuration,
                    "MAILSEAL_LOG": self.log, "MAILSEAL_AGENT": self.agent}

    def pids(self):
        """Agents of this configuration, as /proc shows them."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/exe" % pid) == self.agent:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def warm(self):
        """An agent runs and has seen the server: it leaves after 30 s without work. Gives its process."""
        self.bench.run([self.bench.bin("plain"), SERVER], env=self.env)
        pids = self.pids()
        if len(pids) != 1:
            raise Failed("%d agents instead of one; see %s" % (len(pids), self.log))
        if os.sched_getaffinity(pids[0]) != self.bench.client_cpus:
            raise Failed("the agent is not on the client's processors")
        return pids

    def stop(self):
        """No agent runs any more, nor listens while it is being taken down: the next program starts one."""
        for pid in self.pids():
            ended = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
            if not select.select([ended], [], [], 10)[0]:
                raise Failed("an agent does not end")
            os.close(ended)
            # Its parent has left it to the first process of the namespace, which is this one.
            os.waitpid(pid, os.WNOHANG)

    def verified(self):
        """Transactions in the log whose server's certificate was verified. Only what is new is read."""
        with open(self.log, "rb") as file:
            file.seek(self.seen)
            new = file.read()
        whole = new[:new.rfind(b"\n") + 1]
        self.seen += len(whole)
        self.transactions += whole.count(b" certificate-verified=yes ")
        return self.transactions


def listens(port):
    with open("/proc/net/tcp", encoding="ascii") as file:
        return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A"
                   for line in file.readlines()[1:])


class Bench:
    """What cells work with; see the comment at the top of `bench`."""

    def __init__(self, build, directory, tiny, pin):
        self.build, self.directory, self.tiny = build, directory, tiny
        processors = sorted(os.sched_getaffinity(0))
        pinned = pin and len(processors) >= 2
        self.server_cpus = {processors[0]} if pinned else set(processors)
        self.client_cpus = {processors[1]} if pinned else set(processors)
        self.sinks, self.made, self.processes = {}, {}, []

    def path(self, name):
        return os.path.join(self.directory, name)

    def bin(self, name):
        return os.path.join(self.build, "bench/bin", name)

    def pki(self, name):
        return os.path.join(self.build, "pki", name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def count(self, full, tiny):
        """How often, or how long: `full`, or `tiny` where only the benchmark itself is tried."""
        return tiny if self.tiny else full

    # --- servers and helpers: made once, shared by the cells ------------------------------------

    def sink(self, address=SERVER_ADDRESS, *options):
        if address not in self.sinks:
            self.sinks[address] = Sink(self, address, options)
        return self.sinks[address]

    def once(self, key, make):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def stunnel(self, resume):
        return self.once(("stunnel", resume), lambda: Stunnel(self, 2526 if resume else 2525, resume))

    def sealed(self, name="default", settings=(), ca_file=True):
        return self.once(("sealed", name), lambda: Sealed(self, name, settings, ca_file))

    # --- programs -------------------------------------------------------------------------------

    def start(self, command, cpus, ready=None, **more):
        """A program that runs until the end, or until stop(). With `ready`: returns once it printed that line."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if ready else None,
                                   preexec_fn=lambda: os.sched_setaffinity(0, cpus), **more)
        self.processes.append(process)
        if ready and process.stdout.readline().strip() != ready:
            raise Failed("%s did not start" % command[0])
        return process

    def stop(self, process):
        process.terminate()
        process.wait()
        self.processes.remove(process)

    def stop_all(self):
        for process in list(self.processes):
            self.stop(process)

    def run(self, command, env=None, helpers=(), timeout=120):
        """Runs a program to its end; it must succeed. helpers: processes whose CPU time counts too."""
        with open(self.path("output"), "w+b") as out, open(self.path("errors"), "w+b") as err:
            before = sum(map(process_cpu, helpers))
            start = time.monotonic()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       env={**os.environ, **(env or {})},
                                       preexec_fn=lambda: os.sched_setaffinity(0, self.client_cpus))
            status, usage = wait_for(process, start + timeout)
            seconds = time.monotonic() - start
            if helpers:
                time.sleep(0.02)  # the last log line, the last close
            cpu = usage.ru_utime + usage.ru_stime + sum(map(process_cpu, helpers)) - before
            out.seek(0)
            err.seek(0)
            if status != 0:
                raise Failed("%s: status %d: %s" % (" ".join(command), status,
                                                    err.read()[-2000:].decode("utf-8", "replace")))
            return Ran(seconds, cpu, out.read().decode("utf-8", "replace"))


def wait_for(process, deadline):
    """Status and resource usage, of the children it waited for too. Its end is awaited without polling it."""
    descriptor = os.pidfd_open(process.pid)
    try:
        if not select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
            process.kill()
    finally:
        os.close(descriptor)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage
