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
from harness import ECMIGRATED, node_spec
from waiting import wait_for

PAGES = ["ecmigrated.8", "ecmigratectl.1", "ecmigrate.yaml.5", "ecmigrate-api.7", "ecmigrate-checks.7"]
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
            if "SCHEMA_LATER" not in row and ("SCHEMA_FIELD" in row or "offsetof" in row):
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
    checks = section(pages["ecmigrate-checks.7"], "CHECKS") + section(pages["ecmigrate-checks.7"], "WATCHES")
    for code in ctl.ok("explain", "-o", "name").split():
        assert has_word(text, code) or has_word(checks, code), code
    members = re.findall(r'"([a-z]+)"', read("daemon/core/check/report.c").split("as JSON")[1])
    assert {"severity", "waived", "remedy"} <= set(members)
    for member in members:
        assert has_word(text, f'"{member}"'), member
    for path in glob.glob(os.path.join(ROOT, "daemon/api/**/*.c"), recursive=True):
        for code in re.findall(r'http_respond_error\(\w+, \d+, "([a-z-]+)"', read(path)):
            assert has_word(text, code) or code == "internal", code


# --- ecmigrate-checks(7) ---


def rows(path, kinds):
    """The rows of a table in C: (kind, the literals of the row)."""
    found = re.findall(rf'^({kinds})\((.*?)\)$', read(path), re.M | re.S)
    assert len(found) == len(re.findall(rf"^(?:{kinds})\(", read(path), re.M))
    return [(kind, [s.replace('\\"', '"') for s in re.findall(r'"((?:[^"\\]|\\.)*)"', row)]) for kind, row in found]


def entry(page, name):
    """What is below a name at the head of an entry."""
    text = re.sub(".\0", "", page)
    found = re.search(rf"^ +{re.escape(name)}(?:: (.*))?\n((?: {{9,}}\S.*\n)+)", text, re.M)
    assert found, name
    return found.group(1), plain(found.group(2))


def test_every_check_is_on_its_page(pages, ctl):
    page = pages["ecmigrate-checks.7"]
    table = rows("daemon/spec/check_table.h", "CHECK|FIRM|WATCH")
    assert {kind for kind, _ in table} == {"CHECK", "FIRM", "WATCH"} and len(table) > 45
    for kind, literals in table:
        *holds, what, next_step = literals[1:]
        title, text = entry(page, literals[0])
        assert [title] == (holds or [None]), literals[0]
        step = re.sub(r"(lines?) above", r"\1 that ecmigratectl check JOB shows", next_step)
        for piece in (what, f"Next: {step}"):
            assert re.sub(r"\s+", " ", piece) in text, (literals[0], text)
        assert ("Cannot be waived" in text) == (kind == "FIRM"), literals[0]
        assert (kind == "FIRM") == ("not possible" in ctl.ok("explain", literals[0])), literals[0]
    assert "@" not in page, "a place that nothing was put into"


def test_the_page_says_what_holds_a_switch_over_back(pages):
    text = plain(section(pages["ecmigrate-checks.7"], "To do without one"))
    waived, held = re.search(r"Of the checks, (.*?) hold the switch-over back as well.*?watches\. (.*?) hold it back", text).groups()
    names = dict(re.findall(r'^(?:CHECK|WATCH)\((\w+),(?: \w+,)? "([a-z-]+)"', read("daemon/spec/check_table.h"), re.M))
    watches = {literals[0] for kind, literals in rows("daemon/spec/check_table.h", "WATCH")}
    gates = re.findall(r"\{REASON_(\w+), (FIRM|WAIVABLE), \w+\}", read("daemon/core/gate.c"))
    assert len(gates) > 10
    for kind, text in (("WAIVABLE", waived), ("FIRM", held)):
        assert set(re.findall(r"[a-z]+-[a-z-]+|maxmemory", text)) == \
            {names[gate] for gate, its in gates if its == kind and gate in names} - watches


def acl_lines(pages):
    """User -> its lines for a node, by the paragraph above them."""
    text = re.sub(".\0", "", section(pages["ecmigrate-checks.7"], "RIGHTS"))
    parts = re.split(r"\n\s*\n", text)
    return {plain(above): [line.strip() for line in below.strip().split("\n")]
            for above, below in zip(parts, parts[1:]) if below.strip().startswith("ACL SETUSER")}


def test_rights_are_those_of_the_table(pages):
    lines = acl_lines(pages)
    source, target, replication = (next("\n".join(found) for above, found in lines.items() if words in above)
                                   for words in ("At the source:", "At the target:", "for the other node"))
    table = re.findall(r'^RIGHT\(\w+, "([^"]+)", "[^"]+", (\w+), (\w+)\)$', read("daemon/core/right_table.h"), re.M)
    assert len(table) == read("daemon/core/right_table.h").count("\nRIGHT(") > 10
    for acl, at_source, at_target in table:
        quoted = f"'{acl}'"
        assert (quoted in source) == (at_source != "R_NEVER"), acl
        assert (quoted in target) == (at_target != "R_NEVER"), acl
        assert (quoted in replication) == (at_source == at_target == "R_NEVER"), acl
    assert all("on '>PASSWORD'" in text for text in (source, target, replication))
    said = plain(section(pages["ecmigrate-checks.7"], "RIGHTS"))
    for lines in (source, target):
        for line in lines.splitlines():
            words = re.sub(r"^ACL SETUSER ecmigrate (on '>PASSWORD' )?", "", line).replace("'", "")
            assert re.search(rf"{re.escape(words)}: (always needed|needed|wanted)", said), words


def shell(line, node):
    done = subprocess.run(["sh", "-c", f"redis-cli -p {node.port} {line}"], capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    assert (done.returncode, done.stdout) == (0, "OK\n"), (line, done.stdout, done.stderr)


@pytest.mark.parametrize("good_to_have", [False, True])
def test_the_rights_on_the_page_suffice(pages, lab, good_to_have):
    daemon, (source, target) = lab.daemon(), lab.pair(keys=10)
    for above, lines in acl_lines(pages).items():
        optional = above.strip().startswith(("Good to have", "And at"))
        for node in (source, target):
            if ("At the source" in above or "at a source" in above) and node is target or \
                    "At the target" in above and node is source or optional and not good_to_have:
                continue
            for line in lines:
                shell(line, node)
    users = {"username": "ecmigrate", "password": "PASSWORD",
             "replication_user": {"username": "ecrepl", "password": "PASSWORD"}}
    daemon.write_job("orders", node_spec(source, **users), node_spec(target, **users))
    daemon.wait_phase("orders", "replicating")
    found = {r["id"] for r in daemon.job("orders")["checks"]["results"] if r["severity"] != "ok"}
    assert ("commands-missing" in found) is ("source-rights" in found) is (not good_to_have)
    assert not found & {"target-rights", "replication-rights", "reverse-rights"}
    assert daemon.complete("orders")["state"] == "available" and target.cmd("DBSIZE") == 10
    wait_for(lambda: source.info("replication")["master_link_status"] == "up", 10, "the way back")


def test_versions_on_the_page_are_those_of_the_code(pages):
    text = re.sub(".\0", "", section(pages["ecmigrate-checks.7"], "VERSIONS"))
    code = read("daemon/core/dump.c")
    formats = [(product.capitalize().replace("Keydb", "KeyDB"), int(since) // 10000, int(since) // 100 % 100, int(number)) for product, since, number
               in re.findall(r'\{"([a-z]+)", (\d+), (\d+)\}', code)]
    relaxed, foreign = (int(re.search(rf"#define {name} (\d+)", code).group(1))
                        for name in ("RELAXED_SINCE", "FOREIGN_FIRST"))
    assert len(formats) > 8 and f"From Valkey {relaxed // 10000}.{relaxed // 100 % 100} on" in plain(text)
    assert f"formats {foreign} to 79" in plain(text)
    for product, major, minor, number in formats:
        known = rf"{product} {major}\.{minor}" if major else product
        assert re.search(rf"\|{number} *\|.*\b{known}\b", text), (product, major, minor)

    def format_of(product, version):
        return max(row[3] for row in formats if row[0] == product and row[1:3] <= version)

    lines = text[text.index("Measured"):].split("\n")
    head = next(i for i, line in enumerate(lines) if line.split()[:2] == ["Redis", "Redis"])
    columns = [(p, tuple(map(int, v.split(".")))) for p, v in zip(lines[head].split(), lines[head + 1].split())]
    assert len(columns) == 7
    for line, writer in zip(lines[head + 2:], columns):
        product, version, *verdicts = line.split()
        assert (product, tuple(map(int, version.split(".")))) == writer and len(verdicts) == 7
        for verdict, reader in zip(verdicts, columns):
            written, read_up_to = format_of(*writer), format_of(*reader)
            may_relax = reader[0] == "Valkey" and reader[1] >= (relaxed // 10000, relaxed // 100 % 100)
            expected = "+" if written <= read_up_to else "r" if may_relax and written >= foreign else "-"
            assert verdict == expected, (writer, reader)


@pytest.mark.parametrize("table,broken", [
    ("daemon/spec/check_table.h", 'CHECK(A, a, "a", false, "t", "w", "n") /* odd */\nCHECK(B, b, "b", false, "t", "w", "n")\n'),
    ("daemon/spec/check_table.h", 'CHECK(A, a, "a", false, "t", "w", "n")\nCHECK(B, b, "b", false, "t", "w",\n'),
    ("daemon/spec/check_table.h", 'CHECK(A, a, "a", false, "t", "w" "x", "n")\n'), ("daemon/spec/check_table.h", ""),
    ("daemon/core/right_table.h", 'RIGHT(INFO, "+info", "INFO", R_NEEDED,\n      R_NEEDED)\n'),
    ("daemon/core/dump.c", "")])
def test_no_row_is_lost_in_silence(tmp_path, table, broken):
    paths = ["daemon/spec/check_table.h", "daemon/core/right_table.h", "daemon/core/dump.c"]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(broken if path == table else read(path))
    done = subprocess.run(["awk", "-f", f"{ROOT}/docs/checks.awk", *paths, f"{ROOT}/docs/ecmigrate-checks.7.scd"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode != 0 and "checks.awk: " in done.stderr, done.stdout[-300:]


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
                 "man/man7/ecmigrate-api.7", "man/man7/ecmigrate-checks.7", "man/man8/ecmigrated.8"):
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
