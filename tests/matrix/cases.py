# SPDX-License-Identifier: Apache-2.0
"""What is tried: each ordered pair with and without keys in the target, and data that decides a pair."""
import dataclasses
import fnmatch
import itertools

from rules import Rule, rule
from servers import SERVERS

# (source, target, data of dataset.EXTRAS, the check that must refuse it; None: it is migrated)
DATA_DECIDES = (
    ("redis80", "redis80", "field-ttl", None),
    ("redis80", "redis80", "vector-sets", None),
    ("valkey91", "valkey91", "field-ttl", None),
    ("redis80", "redict73", "field-ttl", "field-ttl"),
    ("redis80", "redict73", "vector-sets", "vector-sets"),
    ("redis80", "valkey91", "field-ttl", "field-ttl"),
    ("redis80", "valkey91", "vector-sets", "vector-sets"),
    ("valkey91", "redict73", "field-ttl", "field-ttl"),
    ("valkey91", "redis80", "field-ttl", "field-ttl"),
    ("valkey91", "valkey80", "field-ttl", "field-ttl"),
    ("valkey91", "valkey81", "field-ttl", "field-ttl"),
)


@dataclasses.dataclass(frozen=True)
class Case:
    source: str
    target: str
    full: bool                 # the target has keys of its own, and they may be lost
    refusal: str | None        # the check that must refuse it
    extra: str | None = None

    def __str__(self):
        pair = f"{SERVERS[self.source].title:<10} → {SERVERS[self.target].title:<10}"
        return f"{pair} {'keys' if self.full else 'empty':<5} {self.extra or '':<11}"


class Selection:
    """Pairs as "redis60:valkey91,redis80:*" names them; nothing: all."""

    def __init__(self, text):
        self.patterns = [word.strip() for word in (text or "*:*").split(",") if word.strip()]
        self.pairs = [pair for pair in itertools.product(SERVERS, repeat=2) if self.has(pair)]
        for pattern in self.patterns:
            if not any(fnmatch.fnmatch(":".join(pair), pattern) for pair in self.pairs):
                raise ValueError(f"no pair is called {pattern}; the servers are {', '.join(SERVERS)}")

    def has(self, pair):
        return any(fnmatch.fnmatch(":".join(pair), pattern) for pattern in self.patterns)

    def servers(self):
        """All that are needed."""
        named = set(itertools.chain.from_iterable(self.pairs))
        return [name for name in SERVERS if name in named]

    def of_pairs(self):
        for source, target in self.pairs:
            refusal = "rdb-version" if rule(source, target) is Rule.REFUSED else None
            for full in (False, True):
                yield Case(source, target, full, refusal)

    def of_data(self):
        for source, target, extra, refusal in DATA_DECIDES:
            if self.has((source, target)):
                for full in (False, True):
                    yield Case(source, target, full, refusal, extra)
