"""machine: what a reader of the figures must know about where they were measured."""

import datetime
import os
import platform
import re
import resource
import subprocess


def said(command, cwd=None):
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    except OSError:
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def first(pattern, path):
    with open(path, encoding="ascii", errors="replace") as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found.group(1) if found else ""


def revision(root):
    known = said(["git", "rev-parse", "--short", "HEAD"], root)
    return known + "+" if known and said(["git", "status", "--porcelain", "-uno"], root) else known


def versions():
    """Of the peers, as Debian names them."""
    lines = said(["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", "stunnel4", "curl", "msmtp"]).splitlines()
    return dict(line.split() for line in lines if len(line.split()) == 2)


def facts(root, bench):
    return {
        "cpu": first(r"^model name\s*:\s*(.*)$", "/proc/cpuinfo"),
        "processors": len(os.sched_getaffinity(0)),
        "memory_kib": int(first(r"^MemTotal:\s*(\d+)", "/proc/meminfo") or 0),
        "kernel": platform.release(),
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "openssl": said(["openssl", "version"]),
        "libc": " ".join(platform.libc_ver()),
        "peers": versions(),
        "server_processors": sorted(bench.server_cpus),
        "client_processors": sorted(bench.client_cpus),
        "revision": revision(root),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load": os.getloadavg()[0],
    }
