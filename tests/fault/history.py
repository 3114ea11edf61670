# SPDX-License-Identifier: Apache-2.0
"""
Who gave which order when: of a node by its own log, of the daemon by its log, of the hands by the journal.

A server logs each change of its role with the connection that asked for it, and the daemon's connections bear its
name. So the account of who made whom a primary or a replica is the servers' own, whatever the daemon believes or
a lost answer hides.
"""
import dataclasses
import datetime
import json
import re
import time

FENCE_PORT = 1          # the daemon demotes a source to a replica of this
FENCE, ELSEWHERE = "nobody", "elsewhere"
DAEMON, HAND = "by the daemon", "by hand"

START, MASTER, FOLLOW, WIPED = "starts", "becomes a primary", "follows", "is emptied"

LOG_LINE = re.compile(r"\d+:\w (\d+ \w+ \d+ [\d:]+)\.(\d+) . (.*)")
FOLLOWS = re.compile(r"REPLICAOF [^:]+:(\d+) enabled \(user request from '(.*)'\)")
FAILED_OVER = re.compile(r"Failover target [^:]+:(\d+) is synced, failing over")
NOT_FAILED_OVER = re.compile(r"FAILOVER to .* aborted")  # a primary again, if it was none any more
NAME = re.compile(r" name=ecmigrate:([^: ]+)")


@dataclasses.dataclass
class Order:
    """Something that happened to a node's role or data set."""
    at: float
    node: int
    what: str
    who: str = HAND
    job: str = ""        # the daemon's
    to: object = None    # whom it follows: a node of the pair, FENCE or ELSEWHERE
    kept: bool = False   # of a start: the data set is known to be there in full

    def __str__(self):
        whom = {0: " a", 1: " b", None: ""}.get(self.to, f" {self.to}")
        return f"node {'ab'[self.node]} {self.what}{whom}, {self.who}{' for ' + self.job if self.job else ''}"


def read_orders(lines, node, ports):
    """Of a server's log; ports: {port: node} of the pair."""
    orders, syncs = [], 0
    for line in lines:
        match = LOG_LINE.match(line)
        if not match:
            continue
        at = time.mktime(time.strptime(match[1], "%d %b %Y %H:%M:%S")) + int(match[2]) / 1000
        text = match[3]
        follows, failed_over, name = FOLLOWS.match(text), FAILED_OVER.match(text), NAME.search(text)
        asked = {"who": DAEMON, "job": name[1]} if name else {}
        syncs += text.startswith("Full resync from master")
        if text.endswith("Redis is starting oO0OoO0OoO0Oo"):
            orders.append(Order(at, node, START))
        elif text.startswith("MASTER MODE enabled") or \
                (NOT_FAILED_OVER.match(text) and orders[-1].what == FOLLOW):
            orders.append(Order(at, node, MASTER, **asked))
        elif follows or failed_over:
            port = int((follows or failed_over)[1])
            to = FENCE if port == FENCE_PORT else ports.get(port, ELSEWHERE)
            orders.append(Order(at, node, FOLLOW, to=to, **asked))
    return orders, syncs


def read_daemon_log(lines):
    """Lines of the daemon's log as dicts, with the time in seconds as `at`."""
    events = []
    for line in lines:
        try:
            event = json.loads(line)
            event["at"] = datetime.datetime.fromisoformat(event["time"]).timestamp()
        except (ValueError, KeyError, TypeError):
            continue  # a line that a kill cut short; a sanitizer's
        events.append(event)
    return events


@dataclasses.dataclass
class Entry:
    at: float
    who: str    # gremlin or operator
    pair: int   # -1: all
    node: int   # -1: both, or none
    act: str
    text: str = ""

    def __str__(self):
        return f"{self.who}: {self.act} {self.text}"


class Journal:
    """What the gremlin and the operator did."""

    def __init__(self, verbose=False):
        self.entries, self.verbose = [], verbose

    def note(self, who, pair, node, act, text=""):
        self.entries.append(Entry(time.time(), who, pair, node, act, text))
        if self.verbose:
            where = "" if pair < 0 else f"pair {pair} {'ab'[node] if node >= 0 else ''} "
            print(f"{stamp(time.time())} {where}{self.entries[-1]}", flush=True)

    def times(self, pair, node, act):
        return [e.at for e in self.entries if (e.pair, e.node, e.act) == (pair, node, act)]


def stamp(at):
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03d}"
