#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Every ordered pair of seven servers: what the checks say against what the servers do, and whole migrations.

    make matrix PAIRS=redis60:valkey91,redis80:*
    make matrix MATRIX_ARGS=--truth      what the servers do by themselves, against rules.py
"""
import argparse
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

import servers  # noqa: E402
from cases import Selection  # noqa: E402
from rules import Rule, rule  # noqa: E402
from trial import Trial  # noqa: E402
from truth import observe  # noqa: E402


def say(text):
    print(text, flush=True)


def try_cases(cases, programs, verbose):
    """Runs them, a row each; returns the trials."""
    trials = []
    for case in cases:
        trial = Trial(case, programs)
        trial.run()
        trials.append(trial)
        say(f"{case} {trial.verdict:<16} {trial.outcome:<40} {trial.seconds:5.1f} s  "
            + ("DISAGREES" if trial.problems else "ok"))
        for problem in trial.problems:
            say(f"    {problem}")
        for title, log in trial.logs if verbose else ():
            say(f"    --- {title}\n{log}")
    return trials


def pairs_of(trials):
    """{(source, target): whether all its variants agree}"""
    agree = {}
    for trial in trials:
        pair = trial.case.source, trial.case.target
        agree[pair] = agree.get(pair, True) and not trial.problems
    return agree


def run_matrix(selection, programs, verbose):
    pairs = try_cases(selection.of_pairs(), programs, verbose)
    data = try_cases(selection.of_data(), programs, verbose)
    agree = pairs_of(pairs)
    say(f"{sum(agree.values())} of {len(agree)} pairs agree in both variants; "
        f"{sum(not t.problems for t in data)} of {len(data)} cases of data that decides; "
        f"{sum(t.false_alarm for t in pairs + data)} false alarms, {sum(t.missed for t in pairs + data)} misses")
    return not any(t.problems for t in pairs + data)


def run_truth(selection, programs):
    """The servers alone; a target's own keys make no difference to what it can load."""
    agree = total = 0
    for case in [*selection.of_pairs(), *selection.of_data()]:
        if not case.full:
            continue
        seen, story = observe(case, programs)
        said = rule(case.source, case.target) if not case.extra else Rule.REFUSED if case.refusal else Rule.WORKS
        total += 1
        agree += seen is said
        say(f"{case} {seen.value:<8} {'ok' if seen is said else f'DISAGREES: {said.value}':<21} {story}")
    say(f"{agree} of {total} as rules.py and cases.py say")
    return agree == total


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", metavar="SOURCE:TARGET,...", help="* stands for any; default: all")
    parser.add_argument("--truth", action="store_true", help="no daemon: what the servers do by themselves")
    parser.add_argument("--strict", action="store_true", help="servers that cannot be had are an error")
    parser.add_argument("--verbose", action="store_true", help="the logs of what disagrees")
    parser.add_argument("--cache", default=servers.CACHE, metavar="DIR", help="where the servers are kept")
    args = parser.parse_args()
    try:
        args.selection = Selection(args.pairs)
    except ValueError as e:
        parser.error(str(e))
    return args


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = arguments()
    try:
        programs = servers.get(args.selection.servers(), args.cache)
    except servers.Unavailable as e:
        say(f"matrix: skipped, because the servers cannot be fetched: {e}")
        return 1 if args.strict else 0
    say(", ".join(f"{servers.SERVERS[name].product} {servers.version(path)}" for name, path in programs.items()))
    begun = time.monotonic()
    try:
        agreed = run_truth(args.selection, programs) if args.truth else \
            run_matrix(args.selection, programs, args.verbose)
    except KeyboardInterrupt:
        return 130
    say(f"{time.monotonic() - begun:.0f} s")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
