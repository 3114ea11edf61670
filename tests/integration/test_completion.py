# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells: commands, options and their values, names of jobs, files."""
import os
import subprocess

import pytest

from ctl_runner import BINARY, TIMEOUT, ctl, fake  # noqa: F401
from fake_daemon import job
from terminal import Terminal
from waiting import wait_for

COMMANDS = {"list", "status", "check", "start", "complete", "wait", "doctor", "validate", "completion"}


class Shells:
    """The program is found in PATH, as after its installation."""

    def __init__(self, ctl, directory):
        self.dir = str(directory)
        self.env = {**ctl.env, "HOME": self.dir, "XDG_CONFIG_HOME": self.dir, "XDG_DATA_HOME": self.dir,
                    "PATH": f"{self.dir}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "$ "}
        self.ctl, self.open = ctl, []
        os.symlink(BINARY, os.path.join(self.dir, "ecmigratectl"))
        for shell, name in (("bash", "script.bash"), ("zsh", "_ecmigratectl"), ("fish", "script.fish")):
            with open(os.path.join(self.dir, name), "w", encoding="utf-8") as out:
                out.write(ctl.ok("completion", shell))

    def run(self, *argv):
        done = subprocess.run(argv, env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return done.stdout.splitlines()

    def bash(self, *words):
        """What is offered for the last word; the words are cut as bash cuts them."""
        script = ("source script.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _ecmigratectl; "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"")
        return set(filter(None, self.run("bash", "--norc", "-c", script, "bash", "ecmigratectl", *words)))

    def fish(self, line):
        lines = self.run("fish", "-c", 'source script.fish; complete -C "$argv[1]"', f"ecmigratectl {line}")
        return {line.split("\t")[0] for line in lines}

    def typed(self, shell, line, *wanted):
        """Types the line and a tab at a prompt, and waits for what must appear."""
        start = {"bash": ("bash", "--norc", "--noprofile", "-i"), "zsh": ("zsh", "-f", "-i")}[shell]
        setup = {"bash": "source script.bash; bind 'set show-all-if-ambiguous on'; echo re''ady\n",
                 "zsh": f"fpath=({self.dir} $fpath); autoload -Uz compinit; compinit -u -d {self.dir}/dump; "
                        "LISTMAX=1000; echo re''ady\n"}[shell]
        terminal = Terminal(start, self.env, columns=200, rows=100)
        self.open.append(terminal)
        terminal.type(f"cd {self.dir}; {setup}")
        wait_for(lambda: "ready" in terminal.output(), 20, lambda: "the shell: " + terminal.output())
        before = len(terminal.output())
        terminal.type(f"ecmigratectl {line}\t")
        wait_for(lambda: all(word in terminal.output()[before:] for word in wanted), 20,
                 lambda: f"{wanted} after {line!r}: " + terminal.output()[before:])
        return terminal.output()[before:]

    def close(self):
        for terminal in self.open:
            terminal.close()


@pytest.fixture
def shells(ctl, fake, tmp_path):
    for name in ("orders", "old-carts", "invoices"):
        fake.put(job(name))
    (tmp_path / "job one.yaml").write_text("")
    shells = Shells(ctl, tmp_path)
    yield shells
    shells.close()


# --- bash ---


def test_bash(shells, ctl):
    bash = shells.bash
    assert COMMANDS <= bash("") and bash("compl") == {"complete", "completion"}
    assert bash("-") == {"--socket", "-o", "--output", "-h", "--help", "--version"}
    assert bash("complete", "--") >= {"--force", "--dry-run", "--wait", "--timeout"}
    assert "--force" not in bash("list", "--")
    assert bash("-o", "") == bash("list", "--output", "") == {"table", "wide", "json", "yaml", "name"}
    assert "name" not in bash("watch", "-o", "")
    assert bash("list", "--output", "=") == {"table", "wide", "json", "yaml", "name"}
    assert bash("list", "--output", "=", "j") == {"json"}
    assert bash("explain", "target-un") == {"target-unreachable"}
    assert bash("completion", "") == {"bash", "zsh", "fish"}
    assert bash("wait", "orders", "--for", "s") == {"state=pending", "state=migrating", "state=available",
                                                    "state=failed"}
    assert bash("wait", "orders", "--for", "state", "=", "av") == {"available"}
    assert bash("validate", "job") == {"job one.yaml"}
    assert bash("list", "") == bash("events", "orders", "--after", "") == set()


def test_bash_job_names(shells, ctl, fake):
    bash = shells.bash
    assert bash("status", "") == {"orders", "old-carts", "invoices"}
    assert bash("-o", "json", "status", "o") == {"orders", "old-carts"}
    assert bash("--socket", "/nowhere", "status", "") == set()
    assert bash("--socket", "=", "/nowhere", "status", "") == set()
    assert bash("status", "orders", "") == set(), "it takes one"
    assert bash("list", "--", "--") == set()
    fake.stop()
    assert bash("status", "") == set()
    fake.start()


def test_bash_never_runs_what_the_daemon_says(shells, fake):
    fake.put(job("$(touch${IFS}ran)"))
    assert "$(touch${IFS}ran)" in shells.bash("status", "")
    assert not os.path.exists(os.path.join(shells.dir, "ran"))


def test_bash_at_a_prompt(shells):
    shells.typed("bash", "wait orders --for state=av", "--for state=available ")
    shells.typed("bash", "status ol", "status old-carts ")
    shells.typed("bash", "validate job", "validate job\\ one.yaml ")
    shells.typed("bash", "st", "start", "status")


# --- zsh ---


def test_zsh_at_a_prompt(shells):
    out = shells.typed("zsh", "", *COMMANDS)
    assert "all jobs, one line each" in out
    shells.typed("zsh", "stat", "status ")
    shells.typed("zsh", "complete orders --", "--force", "--dry-run", "--wait", "--timeout", "--socket")
    shells.typed("zsh", "status o", "orders", "old-carts")
    shells.typed("zsh", "status i", "status invoices ")
    shells.typed("zsh", "list -o ", "table", "wide", "json", "yaml", "name")
    shells.typed("zsh", "wait orders --for state=av", "state=available ")
    shells.typed("zsh", "explain target-unr", "target-unreachable ")
    shells.typed("zsh", "validate job", "job\\ one.yaml ")
    shells.typed("zsh", "completion f", "completion fish ")


# --- fish ---


def test_fish(shells, fake):
    fish = shells.fish
    assert COMMANDS <= fish("") and fish("compl") == {"complete", "completion"}
    assert {"--force", "--dry-run", "--wait", "--timeout", "--socket"} <= fish("complete --")
    assert "--force" not in fish("list --")
    assert fish("list -o ") == {"table", "wide", "json", "yaml", "name"}
    assert fish("watch --output=") == {f"--output={f}" for f in ("table", "wide", "json", "yaml")}
    assert fish("status ") == fish("-o json status ") == {"orders", "old-carts", "invoices"}
    assert fish("status orders ") == set()
    assert fish("wait orders --for state=av") == {"state=available"}
    assert fish("explain target-unr") == {"target-unreachable"}
    assert fish("completion ") == {"bash", "zsh", "fish"}
    assert fish("validate job") == {"job one.yaml"}
    assert fish("--socket /nowhere status ") == fish("--socket=/nowhere status ") == set()


# --- every row of the tables is in every script ---


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_nothing_is_forgotten(ctl, shell):
    script = ctl.ok("completion", shell)
    listed = [line.split()[0] for line in ctl.ok("--help").split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert len(listed) >= 16
    for command in listed:
        assert command in script
        for word in ctl.ok(command, "--help").split():
            if word.startswith("--") and word[2:].isalpha():
                assert (word[2:] if shell == "fish" else word) in script, word
