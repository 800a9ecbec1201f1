"""The first message of a service: from the start of a program that sends one to its end, with no agent running yet.

Authorities are either those of the system's hashed directory (the test's among them) or a file with the one.
"""

import os
import shutil
import statistics
import subprocess

import parts

NAME = "cold"
TITLE = "First message of a service"
FIGURES = {"system's authorities": {"unit": "ms", "better": "less"}, "ca_file": {"unit": "ms", "better": "less"}}
REFERENCE = "native"
RUNS = 10
AUTHORITIES = "/etc/ssl/certs"


def trust_the_tests(bench):
    """The system's directory, for this run, with the tests' authority in it."""
    directory = bench.path("certs")
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(AUTHORITIES, directory)
    shutil.copy2(bench.pki("ca.pem"), os.path.join(directory, "mailseal-tests.pem"))
    subprocess.run(["openssl", "rehash", directory], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["mount", "--bind", directory, AUTHORITIES], check=True)
    return directory


def rows(bench):
    bench.sink()
    bench.once("authorities", lambda: trust_the_tests(bench))

    def once(command, env=None):
        return bench.run([bench.bin("each"), "--times", "1", "--", *command], env=env).json()["p50_us"] / 1000

    def median_of(one):
        return statistics.median(one() for _ in range(bench.count(RUNS, 1)))

    def native():
        command = [bench.bin("native"), "--messages", "1"]
        return {"system's authorities": median_of(lambda: once([*command, "--ca-dir", AUTHORITIES, parts.SERVER])),
                "ca_file": median_of(lambda: once([*command, "--ca-file", bench.pki("ca.pem"), parts.SERVER]))}

    def agentless(sealed):
        sealed.stop()
        return once([bench.bin("plain"), parts.SERVER], sealed.env)

    def mailseal():
        system = bench.sealed("cold-system", ca_file=False)
        one_file = bench.sealed("cold-file")
        return {"system's authorities": median_of(lambda: agentless(system)),
                "ca_file": median_of(lambda: agentless(one_file))}

    return {"plaintext": lambda: dict.fromkeys(FIGURES, once([bench.bin("plain"), "--port", "25", parts.SERVER])),
            "native": native, "mailseal": mailseal}
