# SPDX-License-Identifier: Apache-2.0
"""Fixtures, and the logs of everything a failed test has started."""
import faulthandler
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import Lab  # noqa: E402
from waiting import FACTOR  # noqa: E402

TEST_SECONDS = 180


@pytest.fixture
def lab(request):
    lab = Lab()
    request.node.lab = lab
    faulthandler.dump_traceback_later(TEST_SECONDS * FACTOR, exit=True)
    yield lab
    faulthandler.cancel_dump_traceback_later()
    lab.close()


@pytest.fixture
def daemon(lab):
    return lab.daemon()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    lab = getattr(item, "lab", None)
    if lab and report.failed:
        report.sections += lab.logs()
