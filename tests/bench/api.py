#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Latency of the API and lag of the event loop beside 200 running jobs, 200 followers of events and a scrape a
second. All clients are processes of their own, so that none of them waits for another's interpreter.
"""
import contextlib
import multiprocessing
import os
import random
import re
import selectors
import socket
import sys
import time

import figures
from harness import Lab, node_spec, wait_for
from prometheus import delta, quantile, scrape

JOBS = int(os.environ.get("BENCH_JOBS", "200"))
FOLLOWERS = int(os.environ.get("BENCH_FOLLOWERS", "200"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))
SOURCES = 4
KEYS = 1000
CALLS_A_SECOND = 150
PING, GET = "redis-server: PING", "redis-server: GET, as long a text"
GOAL_MS = 5
GOAL_LAG_MS = 10
# Replicas by the hundred must leave the processors to what is measured.
FRUGAL = ("--hz", "1", "--io-threads", "1", "--repl-backlog-size", "64kb")


# --- the clients ---

def follow(path, ready, stop, result):
    """All followers; result is how many events came in over all of them."""
    selector = selectors.DefaultSelector()
    for _ in range(FOLLOWERS):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        sock.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        selector.register(sock, selectors.EVENT_READ)
    heard = set()
    events = 0
    while not stop.is_set():
        for key, _ in selector.select(0.2):
            data = key.fileobj.recv(65536)
            assert data, "a follower was cut off"
            heard.add(key.fileobj)
            events += data.count(b"\nevent: ")
        if len(heard) == FOLLOWERS:
            ready.set()
    result.put(("events", events))


def ask(sock, path):
    """
    (milliseconds, answer as it came) of one request on a connection that is kept. Read as plainly as the peer's
    answers are: what a library needs to take chunks apart is not ours to measure.
    """
    begin = time.perf_counter()
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    parts, end, length = [], b"", None
    while True:
        parts.append(sock.recv(1 << 18))
        assert parts[-1], "the connection was closed"
        if len(parts) == 1:
            head, _, _ = parts[0].partition(b"\r\n\r\n")
            found = re.search(rb"\r\nContent-Length: (\d+)", head)
            length = len(head) + 4 + int(found[1]) if found else None
        end = (end + parts[-1])[-5:]
        if end == b"0\r\n\r\n" if length is None else sum(map(len, parts)) >= length:
            break
    took = (time.perf_counter() - begin) * 1000
    answer = b"".join(parts)
    assert answer.startswith(b"HTTP/1.1 200 "), (path, answer[:400])
    return took, answer


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(path)
    return sock


def scrape_on(path, stop, result):
    connection, times, size = connect(path), [], 0
    while not stop.wait(1):
        took, body = ask(connection, "/metrics")
        times.append(took)
        size = len(body)
    result.put(("scrapes", (times, size)))


def stir(daemon, job, stop, result):
    """Keeps events coming: one job is aborted and tried again, over and over."""
    rounds = 0
    while not stop.is_set():
        daemon.verb(job, "abort")
        daemon.wait_phase(job, "failed", interval=0.05)
        daemon.verb(job, "retry")
        daemon.wait_phase(job, "replicating", interval=0.05)
        rounds += 1
    result.put(("rounds", rounds))


# --- the measurement ---

def command(node, *args):
    begin = time.perf_counter()
    node.cmd(*args)
    return (time.perf_counter() - begin) * 1000


def measure(daemon, jobs, peer):
    """
    {kind of call: [milliseconds]}. The peer is a redis-server of its own, which has nothing else to do: what it
    takes to answer as much is what this machine takes while all this goes on.
    """
    connection = connect(daemon.socket)
    peer.cmd("SET", "list", ask(connection, "/v1/jobs")[1])
    times = {"/v1/jobs/{id}": [], "/healthz": [], "/v1/jobs": [], PING: [], GET: []}
    pause, chance = multiprocessing.Event(), random.Random(1)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        times["/v1/jobs/{id}"].append(ask(connection, f"/v1/jobs/{chance.choice(jobs)}")[0])
        times["/healthz"].append(ask(connection, "/healthz")[0])
        times[PING].append(command(peer, "PING"))
        if len(times["/healthz"]) % 10 == 0:
            times["/v1/jobs"].append(ask(connection, "/v1/jobs")[0])
            times[GET].append(command(peer, "GET", "list"))
        pause.wait(2 / CALLS_A_SECOND)
    return times


@contextlib.contextmanager
def load(daemon, stirred):
    """Followers, scrapes and events; yields where their results come in."""
    context = multiprocessing.get_context("fork")
    ready, stop, result = context.Event(), context.Event(), context.Queue()
    clients = [context.Process(target=follow, args=(daemon.socket, ready, stop, result)),
               context.Process(target=scrape_on, args=(daemon.socket, stop, result)),
               context.Process(target=stir, args=(daemon, stirred, stop, result))]
    found = {}
    for client in clients:
        client.start()
    try:
        assert ready.wait(20), "not every follower was answered"
        yield found
        stop.set()
        found.update(result.get(timeout=30) for _ in clients)
    finally:
        stop.set()
        for client in clients:
            client.join(30)


def start_jobs(lab, daemon):
    sources = [lab.node(*FRUGAL, name="source") for _ in range(SOURCES)]
    for source in sources:
        source.fill(KEYS)
    jobs = [f"job-{number:03}" for number in range(JOBS)]
    for number, job in enumerate(jobs):
        target = node_spec(lab.node(*FRUGAL, name="target"), allow_flush=True)
        daemon.write_job(job, sources[number % SOURCES], target)
    wait_for(lambda: len(scrape(daemon).all("ecmigrate_job_phase", phase="replicating")) == JOBS, 180,
             "all jobs to be in sync", interval=0.5)
    return jobs


def verdict(value, goal):
    return "" if value <= goal else f"   MISSED (goal {goal:g})"


def report(times, found, before, after, seconds):
    for kind, values in times.items():
        figures.line(kind, values)
        if kind not in (PING, GET):
            p99 = figures.quantile(values, 0.99)
            print(f"  {'':<34} goal: p99 <= {GOAL_MS} ms{verdict(p99, GOAL_MS)}")
    for kind, peer in (("/healthz", PING), ("/v1/jobs", GET)):
        figures.ratio(f"{kind} / {peer}, medians", times[kind], times[peer])
    scrapes, size = found["scrapes"]
    figures.line(f"/metrics, {size / 1024:.0f} KiB", scrapes)
    turns = delta(after.histogram("ecmigrate_event_loop_lag_seconds"),
                  before.histogram("ecmigrate_event_loop_lag_seconds"))
    lag = {q: quantile(turns, q) * 1000 for q in (0.5, 0.99, 0.999)}
    print(f"  {'event loop lag':<34} median {lag[0.5]:8.2f}   p99 {lag[0.99]:8.2f}   p99.9 {lag[0.999]:8.2f} ms "
          f"of {max(turns.values()):,.0f} turns\n  {'':<34} goal: p99.9 <= {GOAL_LAG_MS} ms"
          f"{verdict(lag[0.999], GOAL_LAG_MS)}")
    cpu = after.value("process_cpu_seconds_total") - before.value("process_cpu_seconds_total")
    commits = delta(after.histogram("ecmigrate_store_commit_duration_seconds"),
                    before.histogram("ecmigrate_store_commit_duration_seconds"))
    print(f"  daemon: {100 * cpu / seconds:.1f} % of a core, "
          f"{after.value('process_resident_memory_bytes') / 2**20:.1f} MiB resident; "
          f"{max(commits.values()):,.0f} commits, p99 {quantile(commits, 0.99) * 1000:.2f} ms")
    print(f"  events delivered {found['events']:,}, in {found['rounds']} rounds of abort and retry")


def main():
    lab = Lab()
    try:
        daemon = lab.daemon(start=False)
        daemon.configure(max_parallel_syncs=32, max_parallel_syncs_per_host=32)
        daemon.start()
        jobs, peer = start_jobs(lab, daemon), lab.node(name="peer")
        alone = scrape(daemon).value("process_resident_memory_bytes")
        print(f"{JOBS} running jobs ({JOBS} redis-servers as targets of {SOURCES}), {FOLLOWERS} followers of "
              f"/v1/events, a scrape a second; {SECONDS:g} s")
        print(f"  daemon before the clients came: {alone / 2**20:.1f} MiB resident")
        with load(daemon, jobs[0]) as found:
            assert scrape(daemon).value("ecmigrate_api_streams") == FOLLOWERS
            before, begin = scrape(daemon), time.monotonic()
            times = measure(daemon, jobs[1:], peer)
            after, seconds = scrape(daemon), time.monotonic() - begin
        report(times, found, before, after, seconds)
        return 0
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
