# SPDX-License-Identifier: Apache-2.0
"""
What must hold of a fleet, whatever the gremlin does, and whose fault it is when it does not.

1. No acknowledged write is lost, but what the hands of the gremlin or the operator overwrote
   ------------------------------------------------------------------------------------------
A write is lost when the final primary lacks it. From the last moment at which a node that took writes was seen to
hold it, its holders are followed through the orders in the servers' own logs, until the last one goes:

- A node that starts without it, or is emptied by hand, no longer holds it; nor does who follows that node. By hand.
- A node that is told to follow one that lacks it no longer holds it: whoever gave that order overwrote it. So a target
  that was promoted by hand and took writes, and is pointed back by the daemon, is a loss of the daemon's; pointed
  elsewhere, or failed over, by hand, it is none. Pointed to nobody (the daemon's fence) a node keeps what it has.
- If a holder is left to the end: who made the final primary a primary, without the write?

What the daemon overwrites is its own doing but when
- the write was taken by a replica, as `replica-read-only no`, set by hand, lets it; unless the daemon had demoted that
  node in a switch-over when the setting had been there for LOOK_S;
- the node was pointed to a primary that had held the write, and had been started or emptied by hand since;
- a start by hand had made the node a primary, or a hand had emptied it, and it took the write at most LOOK_S before;
  or it held no more writes after the start than before it went down: such a target may be attached again;
- the daemon had made the other node the primary, and a hand took that down before a sample showed what it held;
- a hand had made an old source a primary, and it took the write at most LOOK_S before: no look could have shown it.
So a target that a hand has promoted, or that the daemon has detached itself after a failed attempt, and that has
taken writes, is not to be pointed back to a source that lacks them.

2. At no sampled instant do two nodes of a pair take writes
   --------------------------------------------------------
A node took a probe while the other one did, before and after it, with one role and history. Excused when one of the
two was made a primary by hand (promotion, FAILOVER, the start of a node that was a replica, `replica-read-only no` as
above), and when one is a target that the daemon has detached because an attempt failed or was aborted.

3. Every job that does not move says why, and what to do next: driver.py listens. And all come to rest in the end.
4. Changed settings are restored in the end, but the reverse link's, and those the gremlin changed.
"""
import bisect
import collections
import dataclasses
import itertools

from harness import REVERSE_LINK, config_changes
from history import DAEMON, FENCE, FOLLOW, HAND, MASTER, START, WIPED, Order, stamp
from ledger import numbers_of

LOOK_S = 2.0                   # how old a look at a node may be
LOG_S = 0.001                  # how exact the times in a server's log are
BEFORE_S, AFTER_S = 4.0, 1.5   # of what a report shows around a moment
GIVEN, DETACHED = "from the beginning", "detached by the daemon"
DETACHING = {"backoff", "rolling_back", "failed", "halted"}


@dataclasses.dataclass
class Violation:
    part: int
    pair: int
    at: float
    text: str


class Case:
    """All that is known of a pair in the end."""

    def __init__(self, pair, ledger, orders, journal, events):
        self.pair, self.ledger, self.journal = pair, ledger, journal
        self.orders = sorted(orders + self._flushes(), key=lambda order: order.at)
        self.phases = [(e["at"], e["job"], e["phase"]) for e in events if "phase" in e]
        for order in self.orders:
            if order.what == START:
                order.kept = self._kept(order)

    def _flushes(self):
        return [Order(at, node, WIPED) for node in (0, 1) for at in self.journal.times(self.pair.number, node, "flush")]

    def _kept(self, start):
        starts = [e for e in self.journal.entries if (e.pair, e.node, e.act) == (self.pair.number, start.node, "start")
                  and e.at < start.at + 0.1]
        return bool(starts) and starts[-1].text == "with its data"

    def of(self, node, since=0.0, until=float("inf"), *whats):
        return [o for o in self.orders if o.node == node and since < o.at <= until and o.what in (whats or {o.what})]

    # --- who made a node what it is ---

    def primary_by(self, node, sent, answered=None):
        """(who made it a primary, by which order), of one seen as such; (None, the order) of a replica."""
        who, by = (GIVEN, None) if node == 0 else (HAND, None)
        for order in self.of(node, 0, answered or sent):
            if order.what == MASTER:
                who, by = DETACHED if self._detaches(order) else order.who, order
            elif order.what == FOLLOW and order.at + LOG_S <= sent:
                who, by = None, order
            elif order.what == START and who is None or order.what == WIPED and who is not None:
                who, by = HAND, order
        return who, by

    def _detaches(self, order):
        """The same command promotes a target for good, and detaches it: what the job did last tells them apart."""
        if order.who != DAEMON or order.node == self.pair.sources[order.job]:
            return False
        past = [phase for at, job, phase in self.phases if job == order.job and at < order.at + 0.02
                and phase in DETACHING | {"switching"}]
        if past:
            return past[-1] in DETACHING
        # A target whose source came back without its data is let go of first; then the job stops.
        coming = [phase for at, job, phase in self.phases if job == order.job and at >= order.at]
        return bool(coming) and coming[0] in DETACHING

    def opened(self, node, at):
        """When a hand last set that the node takes writes as a replica; None: it does not."""
        opened, closed = ([t for t in self.journal.times(self.pair.number, node, act) if t <= at]
                          for act in ("writable", "read-only"))
        ended = max(closed + [o.at for o in self.of(node, 0, at, START)])
        return max((t for t in opened if t > ended), default=None)

    def demoted_open(self, node, at):
        """The order by which the daemon demoted the node in a switch-over, though it went on taking writes."""
        last = max((o.at for o in self.of(node, 0, at, MASTER, START)), default=0.0)
        demotion = next((o for o in self.of(node, last, at, FOLLOW) if o.who == DAEMON and o.to == FENCE), None)
        opened = self.opened(node, at)
        return demotion if demotion and opened and opened < demotion.at - LOOK_S else None

    def taken_by(self, write):
        """primary_by() of the node that took a write. A pause may have held that until the node was a replica."""
        later = self.primary_by(write.node, write.acked)
        if later[0] is None and self.opened(write.node, write.acked):
            return later
        return self.primary_by(write.node, write.sent, write.acked)

    def writable_by(self, node, run):
        if run.role == "slave":
            return DAEMON if self.demoted_open(node, run.first_answered) else HAND
        return self.primary_by(node, run.first_sent, run.first_answered)[0]

    # --- 1 ---

    def held(self, node, n, at):
        """Whether the node held write n then: it did in a run, and nothing that takes it away lies between."""
        return any(not [o for o in self.of(node, min(run.last_sent, at), max(run.first_sent, at), START, FOLLOW, WIPED)
                        if o.to != FENCE]
                   for run in self.ledger.runs[node] if run.holds(n))

    def keeps(self, start, n):
        """Whether a node that starts still holds write n."""
        until = min((o.at for o in self.of(start.node, start.at)), default=float("inf"))
        runs = [r for r in self.ledger.runs[start.node] if start.at <= r.first_sent < until]
        return runs[0].holds(n) if runs else start.kept

    def fate(self, n, final):
        """The order by which the last holder of write n lost it, or the final primary became one without it."""
        write = self.ledger.writes[n]
        at, keeper = max([(write.sent, write.node)] + [(run.last_sent, node) for node in (0, 1)
                         for run in self.ledger.runs[node] if run.takes and run.holds(n)])
        holders = {keeper} | {node for node in (0, 1) if self.held(node, n, at)}
        for order in self.orders:
            if order.at + LOG_S <= at or order.node not in holders or order.what == MASTER:
                continue
            if order.to in holders | {FENCE} or (order.what == START and self.keeps(order, n)):
                continue
            other = 1 - order.node
            follower = self.primary_by(other, order.at)
            holders -= {order.node} | ({other} if follower[0] is None and follower[1].to == order.node else set())
            if not holders:
                return order
        return self.primary_by(final, float("inf"))[1]

    def blame(self, n, final):
        """(the order to blame for the loss of write n, why that is not the daemon's fault; None: it is)."""
        write = self.ledger.writes[n]
        if self.taken_by(write)[0] is None:
            demotion = self.demoted_open(write.node, write.acked)
            return demotion, None if demotion else "taken by a replica that a hand made writable"
        order = self.fate(n, final)
        if order is None or order.who != DAEMON:
            return order, f"by hand, the last node that held it {order.what if order else FOLLOW}"
        if order.what == FOLLOW and self._emptied(order, n):
            return order, "the primary was started without it"
        if order.what == FOLLOW and self._unseen(order):
            return order, "gone with a new primary that a hand took down before it was seen"
        who, by = self.primary_by(order.node, order.at - LOG_S)
        if order.what == MASTER or who != HAND:
            return order, None
        restarted = by is None or by.what in (START, WIPED)
        if write.acked > order.at - LOOK_S and (restarted or order.node == self.pair.sources[order.job]):
            return order, "taken by a primary that a hand had just made"
        if by and by.what == START and self._writes_at(order.node, order.at) <= self._writes_at(order.node, by.at):
            return order, "taken by a node that was started by hand and holds no more than before"
        return order, None

    def _emptied(self, order, n):
        """Whether a hand had taken write n from the node that is to be followed, while that was a primary."""
        held = max((run.last_sent for run in self.ledger.runs[order.to] if run.holds(n)), default=None) \
            if order.to in (0, 1) else None
        return held is not None and any(self.primary_by(order.to, o.at - LOG_S)[0] is not None
                                        for o in self.of(order.to, held, order.at, START, WIPED))

    def _unseen(self, order):
        """Whether the daemon had made the other node a primary, and a hand took that down before it was sampled."""
        node = 1 - order.node
        promotion = ([o for o in self.of(node, 0, order.at + LOG_S, MASTER) if o.who == DAEMON] or [None])[-1]
        if promotion is None:
            return False
        gone = min((o.at for o in self.of(node, promotion.at, float("inf"), START, WIPED)), default=float("inf"))
        return gone < float("inf") and not any(run.role == "master" and promotion.at <= run.first_sent < gone
                                               for run in self.ledger.runs[node])

    def _writes_at(self, node, at):
        bits = [run.bits for run in self.ledger.runs[node] if run.first_sent < at]
        return bits[-1].bit_count() if bits else 0

    def alike(self, bits):
        """The writes in groups: of each, the same nodes held the same writes between the same orders."""
        marks = sorted(at for order in self.orders for at in (order.at, order.at - LOOK_S))
        groups = collections.defaultdict(int)
        for n in numbers_of(bits):
            write = self.ledger.writes[n]
            groups[write.node, bisect.bisect(marks, write.sent), bisect.bisect(marks, write.acked)] |= 1 << n
        parts = list(groups.values())
        for run in itertools.chain(*self.ledger.runs):
            parts = [part for whole in parts for part in (whole & run.bits, whole & ~run.bits) if part]
        return parts

    def lost_writes(self, final, bits, counts):
        """Violations; counts: by excuse, what is none."""
        lost = collections.defaultdict(int)
        for part in self.alike(self.ledger.acked_bits() & ~bits):
            n = next(numbers_of(part))
            order, excuse = self.blame(n, final)
            if excuse:
                counts[f"lost: {excuse}"] += part.bit_count()
            else:
                lost[order.at, str(order), self._taker(n)] |= part
        for (at, order, taker), numbers in lost.items():
            acked = sorted(self.ledger.writes[n].acked for n in numbers_of(numbers))
            yield Violation(1, self.pair.number, at,
                            f"{len(acked)} acknowledged writes lost, from w:{next(numbers_of(numbers))} to "
                            f"w:{numbers.bit_length() - 1}, acknowledged by {taker} from {stamp(acked[0])} to "
                            f"{stamp(acked[-1])}; by this order: {stamp(at)} {order}")

    def _taker(self, n):
        """Who took write n, in words."""
        write = self.ledger.writes[n]
        who, by = self.taken_by(write)
        since = f", it {by.what} at {stamp(by.at)}" if by else ""
        return f"node {'ab'[write.node]} ({'a primary ' + who if who else 'a replica'}{since})"

    # --- 2 ---

    def two_primaries(self, counts):
        found = collections.defaultdict(list)
        for node, other in ((0, 1), (1, 0)):
            for late, early in itertools.product(*([r for r in self.ledger.runs[n] if r.takes] for n in (node, other))):
                if early.first_answered <= late.first_sent and late.first_answered <= early.last_sent:
                    makers = self.writable_by(other, early), self.writable_by(node, late)
                    if HAND in makers or DETACHED in makers:
                        counts[f"two primaries: {HAND if HAND in makers else DETACHED}"] += 1
                    else:
                        found[other, early.role, makers[0], node, late.role, makers[1]].append((early, late))
        for (other, early_role, early_by, node, late_role, late_by), times in found.items():
            early, late = times[0]
            yield Violation(2, self.pair.number, late.first_sent,
                            f"two nodes took writes, {len(times)} times; {'ab'[other]} ({early_role}, {early_by}) from "
                            f"{stamp(early.first_answered)} to {stamp(early.last_sent)}, {'ab'[node]} ({late_role}, "
                            f"{late_by}) meanwhile, at {stamp(late.first_answered)}")

    # --- 4 ---

    def settings(self):
        for node in self.pair.nodes:
            ignore = set(REVERSE_LINK)
            if self.journal.times(self.pair.number, node.side, "writable"):
                ignore |= {"replica-read-only", "slave-read-only"}
            changes = config_changes(node.config_at_start, node.config(), ignore)
            if changes:
                yield Violation(4, self.pair.number, float("inf"), f"settings of node {'ab'[node.side]}: {changes}")

    # --- for a report ---

    def around(self, at, events):
        """What the hands, the servers and the daemon did about that time, in order."""
        jobs = set(self.pair.sources)
        lines = [(e.at, f"{'node ' + 'ab'[e.node] + ', ' if e.node >= 0 else ''}{e}") for e in self.journal.entries
                 if e.pair in (-1, self.pair.number)]
        lines += [(o.at, f"server: {o}") for o in self.orders if o.what != WIPED]
        lines += [(e["at"], f"daemon: {e.get('job', '')} {e['message']}") for e in events
                  if e.get("job") in jobs | {None}]
        return [f"    {stamp(t)} {text}" for t, text in sorted(lines) if at - BEFORE_S <= t <= at + AFTER_S]
