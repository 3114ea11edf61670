# SPDX-License-Identifier: Apache-2.0
"""The man pages, held against what the programs really know; and what `make install` puts where."""
import glob
import json
import os
import re
import shutil
import subprocess

import pytest

from ctl_runner import BINARY, ROOT, TIMEOUT, ctl  # noqa: F401
from harness import ECMIGRATED

PAGES = ["ecmigrated.8", "ecmigratectl.1", "ecmigrate.yaml.5", "ecmigrate-api.7"]
BUILD = os.path.dirname(BINARY)


def make(*targets):
    """With the programs as they are: nothing is compiled."""
    done = subprocess.run(["make", "-C", ROOT, f"BUILD={BUILD}", "-o", "all", "-o", BINARY, *targets],
                          capture_output=True, text=True, timeout=3 * TIMEOUT, check=False,
                          env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def pages():
    """Name -> text as a reader sees it, in lines that are not broken."""
    make("man")
    return {page: subprocess.run(["mandoc", "-Tascii", "-Owidth=900", f"{BUILD}/man/{page}"], capture_output=True,
                                 text=True, check=True, timeout=TIMEOUT).stdout.replace("\b", "\0") for page in PAGES}


def plain(text):
    """Without overstriking, with single blanks."""
    return re.sub(r"\s+", " ", re.sub(".\0", "", text))


def section(text, title):
    """From one heading to the next of the same depth."""
    lines = re.sub(".\0", "", text).split("\n")
    begin = next(i for i, line in enumerate(lines) if line.strip() == title)
    depth = len(lines[begin]) - len(lines[begin].lstrip())
    end = next((i for i in range(begin + 1, len(lines))
                if lines[i].strip() and len(lines[i]) - len(lines[i].lstrip()) <= depth), len(lines))
    return "\n".join(lines[begin:end])


def has_word(text, word):
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def test_pages_are_clean(pages):
    for page in PAGES:
        done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", f"{BUILD}/man/{page}"], capture_output=True,
                              text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 0 and done.stdout + done.stderr == "", done.stdout
        name, number = page.rsplit(".", 1)
        for other in PAGES:
            if other != page:
                assert f"{other.rsplit('.', 1)[0]}({other[-1]})" in plain(section(pages[page], "SEE ALSO")), page
        assert f"{name.upper()}({number})" in plain(pages[page]).upper()


# --- ecmigrated(8) ---


def test_options_of_the_daemon(pages):
    known = re.findall(r"^  --([a-z-]+)", subprocess.run([ECMIGRATED, "--help"], capture_output=True, text=True,
                                                         check=True, timeout=TIMEOUT).stdout, re.M)
    assert len(known) >= 11
    text = section(pages["ecmigrated.8"], "OPTIONS")
    for option in known:
        assert has_word(text, f"--{option}"), option


def test_settings_of_the_daemon(pages):
    known = set()
    for source in ("config.c", "api/api_config.c"):
        for key, row in re.findall(r'\{\s*\.key = "(\w+)"(.*?)\}', read("daemon", source), re.S):
            if "SCHEMA_LATER" not in row and "SCHEMA_FIELD" in row:
                known.add(key)
    assert {"jobs_dir", "listen", "access_keys", "token_file", "credential", "cert_file"} <= known
    text = section(pages["ecmigrated.8"], "CONFIG FILE")
    for key in known:
        assert has_word(text, key), key


# --- ecmigratectl(1) ---


def test_commands_and_their_options(pages, ctl):
    text = section(pages["ecmigratectl.1"], "COMMANDS")
    entries = {entry.split()[0]: entry for entry in re.split(r"\n(?=       (?=[a-z]))", text)}
    listed = re.findall(r"^  ([a-z]+) (\S*)", ctl.ok("--help").split("\nOptions")[0], re.M)
    assert len(listed) >= 16
    for command, operand in listed:
        head = entries[command].split("\n")[0]
        assert operand in head, head
        for option in re.findall(r"--[a-z-]+", ctl.ok(command, "--help").split("\nOutput formats")[0]):
            assert has_word(entries[command], option), (command, option)
    for option in re.findall(r"--[a-z-]+", ctl.ok("list", "--help").split("Global options:")[1]):
        assert has_word(section(pages["ecmigratectl.1"], "OPTIONS"), option)
    for code in range(6):
        assert has_word(section(pages["ecmigratectl.1"], "EXIT STATUS"), str(code))


# --- ecmigrate.yaml(5) ---


def test_keys_of_a_job_with_their_defaults_and_limits(pages):
    text = plain(section(pages["ecmigrate.yaml.5"], "KEYS"))

    def walk(schema):
        for key, value in schema["properties"].items():
            assert has_word(text, key), key
            for words in (value.get("enum", []), [value["default"]] if "default" in value else []):
                for word in words:
                    assert has_word(text, str(word).lower() if isinstance(word, bool) else str(word)), (key, word)
            limits = re.search(r"From (\w+) to (\w+)\.$", value["description"])
            for limit in limits.groups() if limits else ():
                assert re.sub(r"^0B$", "0", limit) in text, (key, limit)
            if "properties" in value:
                walk(value)

    walk(json.loads(read("config/job.schema.json")))


# --- ecmigrate-api(7) ---


def test_routes_and_verbs(pages):
    text = plain(pages["ecmigrate-api.7"])
    sources = glob.glob(os.path.join(ROOT, "daemon/api/**/*.c"), recursive=True)
    routes = {route for path in sources for route in re.findall(r'\{"(GET|POST|HEAD)", "(/[^"]*)"', read(path))}
    assert len(routes) >= 12
    for method, path in routes:
        assert f"{method} {path} " in text, (method, path)
    for verb in re.findall(r'^VERB\(\w+, (\w+)', read("daemon/migration/verb_table.h"), re.M):
        assert has_word(section(pages["ecmigrate-api.7"], "JSON API"), verb), verb


def test_members_events_and_reasons(pages, ctl):
    text = section(pages["ecmigrate-api.7"], "JSON API")
    for member in re.findall(r'json_object_set_new\(job, "(\w+)"', read("daemon/api/view_job.c")):
        assert has_word(text, member), member
    for event in re.findall(r'^EVENT\(\w+, "(\w+)"', read("daemon/event/event_table.h"), re.M):
        assert has_word(text, event), event
    for code in ctl.ok("explain", "-o", "name").split():
        assert has_word(text, code), code
    for path in glob.glob(os.path.join(ROOT, "daemon/api/**/*.c"), recursive=True):
        for code in re.findall(r'http_respond_error\(\w+, \d+, "([a-z-]+)"', read(path)):
            assert has_word(text, code) or code == "internal", code


def test_elasticache(pages):
    text = plain(section(pages["ecmigrate-api.7"], "ELASTICACHE API"))
    rows = re.findall(r'\[FAULT_\w+\] = \{"(\w+)", (\d+)', read("daemon/api/elasticache/fault.c"))
    assert len(rows) >= 15
    for code, _ in rows:
        assert has_word(text, code), code
    for action in re.findall(r'\{"([A-Z]\w+)", (?:true|false),', read("daemon/api/elasticache/operation.c")):
        assert has_word(text, action), action
    for parameter in re.findall(r'"([A-Z]\w+)"', read("daemon/api/elasticache/arguments.c")):
        assert has_word(text, parameter), parameter


def test_metrics(pages, lab):
    daemon = lab.daemon()
    daemon.write_job("orders", "127.0.0.1:1", "127.0.0.1:2", start="manual")
    daemon.wait_job("orders")
    text = section(pages["ecmigrate-api.7"], "METRICS")
    names = re.findall(r"^# TYPE (\w+)", daemon.http("GET", "/metrics")[1], re.M)
    assert len(names) >= 30
    for name in names:
        assert has_word(text, name), name


# --- what is installed ---


def test_install(tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/opt")
    share = tmp_path / "opt/share"
    for path in ("bash-completion/completions/ecmigratectl", "zsh/vendor-completions/_ecmigratectl",
                 "fish/vendor_completions.d/ecmigratectl.fish", "man/man1/ecmigratectl.1", "man/man5/ecmigrate.yaml.5",
                 "man/man7/ecmigrate-api.7", "man/man8/ecmigrated.8"):
        assert (share / path).stat().st_size > 500, path
    assert json.loads((share / "ecmigrate/job.schema.json").read_text())["type"] == "object"
    examples = list((share / "doc/ecmigrate/examples").glob("*.yaml"))
    assert len(examples) >= 4
    assert "$schema=/opt/share/ecmigrate/job.schema.json\n" in (share / "doc/ecmigrate/examples/full.yaml").read_text()


def test_journal_catalog(tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    catalog = (tmp_path / "usr/lib/systemd/catalog/ecmigrate.catalog").read_text()
    events = re.findall(r'^EVENT\(\w+, "(\w+)", \w+, "([0-9a-f]{32})", "(.*)"\)$', read("daemon/event/event_table.h"),
                        re.M)
    assert catalog.count("\n-- ") + 1 == len(events) == read("daemon/event/event_table.h").count("\nEVENT(")
    for name, number, meaning in events:
        assert f"-- {number}\nSubject: ecmigrate: {name}\n" in catalog and f"\n\n{meaning}\n" in catalog
    if not shutil.which("journalctl"):
        return
    subprocess.run(["journalctl", f"--root={tmp_path}", "--update-catalog"], check=True, timeout=TIMEOUT)
    said = subprocess.run(["journalctl", f"--root={tmp_path}", "--dump-catalog", events[0][1]], capture_output=True,
                          text=True, check=True, timeout=TIMEOUT).stdout
    assert events[0][2] in said
