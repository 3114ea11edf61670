# SPDX-License-Identifier: Apache-2.0
"""Node.js programs of the tests, and the npm packages they need, installed once into the build directory."""
import fcntl
import os
import shutil
import subprocess

from harness import ECMIGRATED, ROOT
from waiting import FACTOR

NODE = "/usr/bin/node" if os.path.exists("/usr/bin/node") else "node"
SOURCE = os.path.join(ROOT, "tests/node")
INSTALLED = os.path.join(os.path.dirname(ECMIGRATED), "node")


def node_env():
    """The environment in which require() finds the packages; installs them first where they are missing."""
    install()
    return {**os.environ, "NODE_PATH": os.path.join(INSTALLED, "node_modules")}


def install():
    """The copy of package.json that marks an installation as whole is made last."""
    os.makedirs(INSTALLED, exist_ok=True)
    wanted, mark = os.path.join(SOURCE, "package.json"), os.path.join(INSTALLED, "installed.json")
    with open(os.path.join(INSTALLED, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(mark) and read(mark) == read(wanted):
            return
        shutil.copy(wanted, INSTALLED)
        done = subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund",
                               "--ignore-scripts"], cwd=INSTALLED, capture_output=True, text=True,
                              timeout=150 * FACTOR, check=False)
        assert done.returncode == 0, f"npm install failed:\n{done.stdout}{done.stderr}"
        shutil.copy(wanted, mark)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def node_argv(script, *args):
    """What runs tests/node/<script>, in node_env()."""
    return [NODE, os.path.join(SOURCE, script), *args]
