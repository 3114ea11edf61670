# SPDX-License-Identifier: Apache-2.0
"""Metrics as a test sees them: the text, taken apart."""
import math
import os
import re
import subprocess

from harness import ROOT, UnixConnection

RULES = os.path.join(ROOT, "config/prometheus/ecmigrate.rules.yml")
DASHBOARD = os.path.join(ROOT, "config/grafana/ecmigrate.json")
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:\\.|[^"\\])*)"(?:,|$)')
# Of an expression: label values, which may look like names, are no names.
NAME = re.compile(r"\b(?:ecmigrate|process)_[a-z_]+\b")


def request(daemon, method="GET", path="/metrics"):
    """(status, headers, text)."""
    connection = UnixConnection(daemon.socket, 20)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def unescape(value):
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m.group(1), m.group(1)), value)


class Scrape:
    """One answer; samples are kept by name and set of labels."""

    def __init__(self, text):
        self.text = text
        self.samples, self.types, order = {}, {}, []
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                assert name not in self.types, f"{name} comes twice"
                self.types[name] = kind
                order.append(name)
            elif not line.startswith("# HELP "):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in self.types else name
                assert family == order[-1], f"'{line}' does not stand under its TYPE"
                key = (name, frozenset(self._labels(labels).items()))
                assert key not in self.samples, f"'{line}' comes twice"
                self.samples[key] = float(value)

    @staticmethod
    def _labels(text):
        pairs, at = {}, 0
        while text and at < len(text):
            match = LABEL.match(text, at)
            assert match, f"these labels cannot be read: {text[at:]}"
            pairs[match.group(1)] = unescape(match.group(2))
            at = match.end()
        return pairs

    def value(self, name, **labels):
        """None: there is no such sample."""
        return self.samples.get((name, frozenset(labels.items())))

    def all(self, name, **labels):
        """Every sample of that name with at least these labels: [(labels, value)]."""
        return [(dict(key[1]), value) for key, value in self.samples.items()
                if key[0] == name and labels.items() <= dict(key[1]).items()]

    def names(self):
        return {name for name, _ in self.samples}

    def histogram(self, name):
        """{upper bound: observations up to it}."""
        return {math.inf if labels["le"] == "+Inf" else float(labels["le"]): value
                for labels, value in self.all(name + "_bucket")}


def scrape(daemon):
    status, _, text = request(daemon)
    assert status == 200, text
    return Scrape(text)


def delta(after, before):
    return {bound: n - before.get(bound, 0) for bound, n in after.items()}


def quantile(histogram, q):
    """As histogram_quantile() of PromQL does it; the highest finite bound for what lies beyond."""
    bounds, low, below = sorted(histogram), 0.0, 0.0
    rank = q * histogram[bounds[-1]]
    for bound in bounds:
        if histogram[bound] >= rank and histogram[bound] > below:
            if math.isinf(bound):
                return low
            return low + (bound - low) * (rank - below) / (histogram[bound] - below)
        low, below = (low if math.isinf(bound) else bound), histogram[bound]
    return low


def names_in(expression):
    return set(NAME.findall(re.sub(r'"[^"]*"', '""', expression)))


def promtool(*args, stdin=None):
    """Fails unless promtool has nothing to complain of."""
    done = subprocess.run(["promtool", *args], input=stdin, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
