#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A live migration to watch: two servers, writers that never pause, a job file, the switch-over."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "integration"))

from harness import ECMIGRATECTL, Lab, full_syncs, wait_for  # noqa: E402

KEYS = 1_000_000
SLOWER = "-16"  # the copy takes seconds instead of one, so that there is something to see
MORE_WRITES = 5000
CAUGHT_UP = 64 << 10  # bytes
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")


def say(text):
    print(f"{BOLD}{text}{PLAIN}", flush=True)


def show(daemon, *args):
    """Runs the client as an operator would, and says so."""
    say("\n$ ecmigratectl " + " ".join(args))
    return subprocess.run([ECMIGRATECTL, "--socket", daemon.socket, *args], check=False).returncode


def watch_until_in_sync(daemon, job):
    """The client's own live view, for as long as the synchronisation takes."""
    say(f"\n$ ecmigratectl watch {job}")
    watch = subprocess.Popen([ECMIGRATECTL, "--socket", daemon.socket, "watch", job],
                             start_new_session=True)
    try:
        daemon.wait_phase(job, "replicating", timeout=60)
    finally:
        watch.send_signal(signal.SIGINT)
        try:
            watch.wait(5)
        except subprocess.TimeoutExpired:
            watch.kill()
            watch.wait()


def demo(lab):
    say(f"Two redis-servers; the first gets {KEYS:,} keys, and four writers that do not pause.\n"
        "(The copy is slowed down a little, so that there is something to see.)")
    source = lab.node("--rdb-key-save-delay", SLOWER, name="source")
    target = lab.node(name="target")
    source.fill(KEYS, 100)
    daemon = lab.daemon()
    writers = lab.writers(source, target, n=4)
    job_file = (f"source: {{endpoint: \"{source.endpoint}\"}}\n"
                f"target: {{endpoint: \"{target.endpoint}\"}}\n")
    say("\nA job file is dropped into the job directory, demo.yaml:")
    print(job_file, end="", flush=True)
    daemon.write_file("demo.yaml", job_file)
    daemon.wait_job("demo")
    watch_until_in_sync(daemon, "demo")
    writers.wait_acks(MORE_WRITES)
    wait_for(lambda: daemon.job("demo")["lag"]["bytes"] < CAUGHT_UP, 30, "the target to catch up")

    if show(daemon, "complete", "demo", "--wait") != 0:
        return 1
    writers.wait_acks(MORE_WRITES)
    wait_for(lambda: source.info("replication").get("master_link_status") == "up", 10, "the reverse link")
    show(daemon, "status", "demo")

    job = daemon.job("demo")
    report = writers.stop()
    lost = writers.lost(target)
    syncs = full_syncs(source) + full_syncs(target)
    say("\nWhat it came to")
    print(f"  write gap             {job['cutover']['write_gap_ms']:.2f} ms"
          f"   (the writers saw {report['switches'][0]['gap_ms']:.2f} ms)\n"
          f"  acknowledged writes   {report['count']:,}\n"
          f"  lost writes           {len(lost)}\n"
          f"  full synchronisations {syncs}\n"
          f"  way back              the old source follows the new primary", flush=True)
    return 1 if lost or syncs != 1 else 0


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab = Lab()
    try:
        return demo(lab)
    except KeyboardInterrupt:
        return 130
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
