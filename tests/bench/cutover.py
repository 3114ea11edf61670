#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Write gap of a switch-over under write load, against FAILOVER TO on the same pair in the same run.

The two take turns: ecmigrate moves the primary from a to b, FAILOVER moves it back, so both meet the same
data, the same writers and the same machine. With --tls, daemon, nodes and writers speak TLS with each other, and show
certificates.
"""
import os
import sys
import tempfile

import figures
from certificates import Authority
from harness import Lab, full_syncs, wait_for
from tls_node import tls_node

ROUNDS = int(os.environ.get("BENCH_CUTOVERS", "20"))
WRITERS = 4
KEYS = 100_000
BETWEEN = 500  # acknowledged writes before each switch


def link_up(node):
    return node.info("replication").get("master_link_status") == "up"


def by_ecmigrate(daemon, a, b, number):
    job = f"cutover-{number}"
    daemon.write_job(job, a, b, start="manual", description=job)  # a text that was there before is that job
    daemon.wait_job(job)
    daemon.verb(job, "start", again=True)  # b took over from a before; FAILOVER has given it back
    daemon.wait_phase(job, "replicating")
    gap = daemon.complete(job)["cutover"]["write_gap_ms"]
    wait_for(lambda: link_up(a), 20, "the reverse link")
    daemon.remove_job(job)
    return gap


def by_failover(a, b):
    """b is the primary, a its replica."""
    b.cmd("FAILOVER", "TO", *a.endpoint.split(":"))
    wait_for(lambda: a.role() == "master" and link_up(b), 30, "FAILOVER TO", interval=0.005)


def tls_pair(lab, path):
    """Two nodes without a plain port, and the writers' files."""
    authority = Authority(path)
    client = authority.issue("client")
    a, b = [tls_node(lab, authority, authority.issue(name), "--tls-replication", "yes", client=client, tls_only=True,
                     name=name) for name in ("a", "b")]
    a.fill(KEYS)
    return a, b, (authority.file, client.cert, client.key)


def main():
    lab = Lab()
    directory = tempfile.TemporaryDirectory(prefix="ecmigrate-bench-")
    try:
        a, b, files = tls_pair(lab, directory.name) if "--tls" in sys.argv else (*lab.pair(keys=KEYS), ())
        daemon, writers = lab.daemon(), lab.writers(a, b, n=WRITERS, tls=files)
        gaps = []
        for number in range(ROUNDS):
            writers.wait_acks(BETWEEN)
            gaps.append(by_ecmigrate(daemon, a, b, number))
            writers.wait_acks(BETWEEN)
            by_failover(a, b)
        writers.wait_acks(BETWEEN)
        report = writers.stop()
        ours = [s["gap_ms"] for s in report["switches"] if s["to"] == b.port]
        theirs = [s["gap_ms"] for s in report["switches"] if s["to"] == a.port]
        print(f"{ROUNDS} switch-overs each way, {WRITERS} writers, {KEYS:,} keys")
        figures.line("ecmigrate, as it measures itself", gaps)
        figures.line("ecmigrate, as the writers saw it", ours)
        figures.line("FAILOVER TO, as the writers saw it", theirs)
        figures.ratio("ratio of the medians (writers)", ours, theirs)
        lost = writers.lost(a)
        print(f"  acknowledged writes {report['count']:,}, lost {len(lost)}, "
              f"full synchronisations {full_syncs(a) + full_syncs(b)}")
        return 1 if lost else 0
    finally:
        lab.close()
        directory.cleanup()


if __name__ == "__main__":
    sys.exit(main())
