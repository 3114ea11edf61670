# SPDX-License-Identifier: Apache-2.0
"""A minute of tests/fault/fleet.py: pairs that migrate to and fro while a seeded gremlin disturbs them."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fault"))

from fleet import Fleet  # noqa: E402

SEED = int(os.environ.get("FLEET_SEED", "1"))
SECONDS, PAIRS = 60, 6


def test_a_minute_with_a_gremlin(lab):
    print(f"seed {SEED}")
    fleet = Fleet(lab, SEED, PAIRS)
    found, counts = fleet.run(SECONDS)
    if found:
        pytest.fail(fleet.report(found, counts), pytrace=False)
    assert counts["switch-overs"] >= PAIRS, "hardly anything was shown"
