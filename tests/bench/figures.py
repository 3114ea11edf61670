# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the way to the harness, and figures in one line."""
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def line(name, values, unit="ms"):
    print(f"  {name:<34} median {statistics.median(values):8.2f}   p90 {quantile(values, 0.9):8.2f}   "
          f"p99 {quantile(values, 0.99):8.2f}   max {max(values):8.2f} {unit}", flush=True)


def ratio(name, ours, theirs):
    print(f"  {name:<44} {statistics.median(ours) / statistics.median(theirs):.4f}", flush=True)
