#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time from the drop of a job file to in-sync, against REPLICAOF typed by hand, with a million keys."""
import os
import statistics
import sys
import time

import figures
from harness import Lab, wait_for

KEYS = int(os.environ.get("BENCH_KEYS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ATTACHES", "3"))


def seconds_to_link(target, begin):
    """Both ways are clocked alike: until the target itself says that its link is up."""
    wait_for(lambda: target.info("replication").get("master_link_status") == "up", 120, "the link",
             interval=0.002)
    return time.monotonic() - begin


def by_hand(source, target):
    begin = time.monotonic()
    target.cmd("REPLICAOF", "127.0.0.1", source.port)
    return seconds_to_link(target, begin)


def by_ecmigrate(daemon, source, target, number):
    job = f"attach-{number}"
    begin = time.monotonic()
    daemon.write_job(job, source, target)
    seconds = seconds_to_link(target, begin)
    daemon.wait_phase(job, "replicating")
    daemon.verb(job, "abort")
    daemon.wait_phase(job, "failed")
    return seconds


def main():
    lab = Lab()
    try:
        # The delay that the servers have by default; the harness sets 0 for the tests.
        source = lab.node("--repl-diskless-sync-delay", "5", name="source")
        source.fill(KEYS, 100)
        daemon = lab.daemon()
        times = {"REPLICAOF, the servers' defaults": [], "REPLICAOF, delay set to 0": [], "ecmigrate": []}
        for number in range(ROUNDS):
            for way, seconds in times.items():
                target = lab.node(name="target")
                source.set_config("repl-diskless-sync-delay", 0 if "delay" in way else 5)
                if way == "ecmigrate":
                    seconds.append(by_ecmigrate(daemon, source, target, number))
                else:
                    seconds.append(by_hand(source, target))
                target.kill9()
        print(f"{KEYS:,} keys, {ROUNDS} rounds; from the command, or the drop of the file, to in-sync")
        for way, seconds in times.items():
            print(f"  {way:<44} median {statistics.median(seconds):6.2f} s")
        for way in list(times)[:2]:
            figures.ratio(f"ecmigrate / {way}", times["ecmigrate"], times[way])
        return 0
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
