# SPDX-License-Identifier: Apache-2.0
"""Which server can load whose data: what `matrix.py --truth` sees the servers do by themselves."""
import enum

from servers import SERVERS


class Rule(enum.Enum):
    WORKS = "works"
    RELAXED = "relaxed"      # with `rdb-version-check relaxed` on the target
    REFUSED = "refused"


NEWER_REDIS = {"redict73", "redis80"}     # both write RDB 12 and up, which Valkey calls foreign
ALL = set(SERVERS)
READS = {
    "redis60": {"redis60"},
    "redis70": {"redis60", "redis70"},
    "redict73": ALL,
    "redis80": ALL,
    "valkey80": ALL - NEWER_REDIS,
    "valkey81": ALL - NEWER_REDIS,
    "valkey91": ALL - NEWER_REDIS,
}
READS_RELAXED = {"valkey91": NEWER_REDIS}


def rule(source, target):
    if source in READS[target]:
        return Rule.WORKS
    return Rule.RELAXED if source in READS_RELAXED.get(target, ()) else Rule.REFUSED
