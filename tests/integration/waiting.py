# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, always with a deadline."""
import os
import threading
import time

# Sanitizers make everything slower; make asan sets this.
FACTOR = float(os.environ.get("ECMIGRATE_TIME_FACTOR", "1"))


def wait_for(predicate, timeout, what, interval=0.01):
    """Returns predicate()'s first true value. what says in words what is waited for; or a callable."""
    deadline = time.monotonic() + timeout * FACTOR
    idle = threading.Event()
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout * FACTOR:g} s for {what() if callable(what) else what}")
        idle.wait(interval)


def stays(predicate, seconds, what, interval=0.02):
    """The predicate must hold for all that time."""
    deadline = time.monotonic() + seconds
    idle = threading.Event()
    while time.monotonic() < deadline:
        assert predicate(), f"did not last: {what}"
        idle.wait(interval)
