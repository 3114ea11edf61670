#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Write gap of switch-overs from a chained source under write load: primary <- source <- target.

The target and the primary exchange their places again and again. Each time the coming target is put below the
source by hand, which may cost it a copy of its own (it can be ahead of the source); the switch-over may not.
"""
import os
import sys

import figures
from harness import Lab, full_syncs, wait_for

ROUNDS = int(os.environ.get("BENCH_CUTOVERS", "20"))
WRITERS = 4
KEYS = 100_000
BETWEEN = 500  # acknowledged writes before each switch


def follows(node, port):
    info = node.info("replication")
    return int(info.get("master_port", 0)) == port and info.get("master_link_status") == "up"


def put_below(node, source):
    if not follows(node, source.port):
        node.cmd("REPLICAOF", "127.0.0.1", source.port)
    wait_for(lambda: follows(node, source.port), 30, f"{node.name} below the source")


def switch_over(daemon, source, primary, target, number):
    job = f"chain-{number}"
    daemon.write_job(job, source, target, start="manual", description=job)  # a text that was there is that job
    daemon.wait_job(job)
    daemon.verb(job, "start", again=True)
    daemon.wait_phase(job, "replicating")
    gap = daemon.complete(job)["cutover"]["write_gap_ms"]
    for node in (primary, source):
        wait_for(lambda n=node: follows(n, target.port), 20, f"{node.name} to follow the new primary")
    daemon.remove_job(job)
    return gap


def main():
    lab = Lab()
    try:
        a, b = lab.node(name="a"), lab.node(name="b")
        a.fill(KEYS)
        source = lab.node("--replicaof", "127.0.0.1", str(a.port), name="source")
        wait_for(lambda: follows(source, a.port), 60, "the source to have all of it")
        put_below(b, source)
        daemon, writers = lab.daemon(), lab.writers(a, b, n=WRITERS)
        gaps, again = [], 0
        for number in range(ROUNDS):
            primary, target = (a, b) if number % 2 == 0 else (b, a)
            put_below(target, source)
            writers.wait_acks(BETWEEN)
            before = sum(map(full_syncs, (a, b, source)))
            gaps.append(switch_over(daemon, source, primary, target, number))
            again += sum(map(full_syncs, (a, b, source))) - before
        writers.wait_acks(BETWEEN)
        report = writers.stop()
        last = b if ROUNDS % 2 else a
        lost = writers.lost(last)
        print(f"{ROUNDS} switch-overs of a chain, {WRITERS} writers, {KEYS:,} keys, "
              f"{last.info('server')['redis_version']}")
        figures.line("as ecmigrate measures itself", gaps)
        figures.line("as the writers saw it", [s["gap_ms"] for s in report["switches"]])
        print(f"  acknowledged writes {report['count']:,}, lost {len(lost)}, full synchronisations by the "
              f"switch-overs {again}")
        return 1 if lost or again else 0
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
