# SPDX-License-Identifier: Apache-2.0
"""What /metrics says before, during and after a migration; and that rules and dashboard ask for what it says."""
import json
import os
import shutil
import time

import pytest
import yaml

import prometheus
from harness import ROOT, Lab, job_spec
from prometheus import Scrape, promtool, scrape
from redis_node import free_port
from waiting import stays, wait_for

STATES = ("pending", "migrating", "available", "failed")


def state_of(page, job):
    """The one state whose sample is 1; the others must be there, and 0."""
    values = {labels["state"]: value for labels, value in page.all("ecmigrate_job_state", job=job)}
    assert set(values) == set(STATES) and sorted(values.values()) == [0, 0, 0, 1], values
    return next(state for state, value in values.items() if value)


def phase_of(page, job):
    (labels, value), = page.all("ecmigrate_job_phase", job=job)
    assert value == 1
    return labels["phase"]


def reason_of(page, job):
    found = page.all("ecmigrate_job_reason", job=job)
    assert len(found) <= 1
    return found[0][0]["reason"] if found else None


def transitions(page):
    return {(labels["from"], labels["to"]): value
            for labels, value in page.all("ecmigrate_transitions_total") if value}


def test_a_migration_before_during_and_after(lab):
    daemon = lab.daemon()
    source, target = lab.pair(keys=1000)
    begin = time.time()

    empty = scrape(daemon)
    assert empty.value("ecmigrate_jobs", state="pending") == 0
    assert not empty.all("ecmigrate_job_state") and not transitions(empty)
    assert abs(empty.value("process_start_time_seconds") - begin) < 60
    assert empty.value("ecmigrate_ready") == 1

    daemon.write_job("orders", source, target, start="manual", cutover={"max_lag": "2MiB"})
    daemon.wait_job("orders")
    idle = scrape(daemon)
    assert state_of(idle, "orders") == "pending" and phase_of(idle, "orders") == "idle"
    assert reason_of(idle, "orders") == "waiting-start"
    assert idle.value("ecmigrate_job_run_number", job="orders") == 0
    assert idle.value("ecmigrate_job_lag_limit_bytes", job="orders") == 2 * 1024 * 1024
    for unknown in ("lag_bytes", "master_link_up", "cutover_write_gap_seconds", "sync_progress_ratio"):
        assert idle.value(f"ecmigrate_job_{unknown}", job="orders") is None

    daemon.verb("orders", "start")
    daemon.wait_phase("orders", "replicating")
    wait_for(lambda: scrape(daemon).value("ecmigrate_job_lag_bytes", job="orders") == 0, 10, "no lag")
    following = scrape(daemon)
    assert state_of(following, "orders") == "migrating" and phase_of(following, "orders") == "replicating"
    assert following.value("ecmigrate_jobs", state="migrating") == 1
    assert following.value("ecmigrate_job_master_link_up", job="orders") == 1
    assert following.value("ecmigrate_job_master_sync_in_progress", job="orders") == 0
    assert following.value("ecmigrate_job_lag_seconds", job="orders") == 0
    assert following.value("ecmigrate_job_attempts", job="orders") == 1
    assert following.value("ecmigrate_job_checks_passed", job="orders") == 1
    for side in ("source", "target"):
        assert following.value("ecmigrate_job_node_up", job="orders", side=side) == 1
    since = following.value("ecmigrate_job_phase_since_timestamp_seconds", job="orders")
    assert begin - 1 < since < time.time() + 1

    job = daemon.complete("orders")
    done = scrape(daemon)
    assert state_of(done, "orders") == "available" and phase_of(done, "orders") == "completed"
    gap = done.value("ecmigrate_job_cutover_write_gap_seconds", job="orders")
    assert gap == pytest.approx(job["cutover"]["write_gap_ms"] / 1000)
    assert done.value("ecmigrate_job_cutover_timestamp_seconds", job="orders") >= since
    assert done.value("ecmigrate_job_lag_bytes", job="orders") is None
    made = transitions(done)
    for edge in (("idle", "queued"), ("queued", "checking"), ("checking", "attaching"),
                 ("replicating", "freezing"), ("freezing", "switching"), ("switching", "completed")):
        assert made[edge] == 1, made
    # The reverse link: the old source's.
    wait_for(lambda: scrape(daemon).value("ecmigrate_job_master_link_up", job="orders") == 1, 10,
             "the reverse link")

    for page in (empty, idle, following, done):
        assert promtool("check", "metrics", stdin=page.text) == ""


def test_progress_of_a_full_synchronisation(lab):
    daemon = lab.daemon()
    source, target = lab.slow_pair(keys=4000)
    daemon.write_job("slow", source, target)

    def moving():
        page = scrape(daemon)
        ratio, rate = (page.value(f"ecmigrate_job_sync_{what}", job="slow")
                       for what in ("progress_ratio", "bytes_per_second"))
        return page if rate is not None and ratio is not None and 0 < ratio < 1 else None

    page = wait_for(moving, 20, "progress and a rate")
    assert page.value("ecmigrate_job_sync_done_bytes", job="slow") >= 0
    assert phase_of(page, "slow") == "syncing"
    assert page.value("ecmigrate_job_master_link_up", job="slow") == 0
    assert page.value("ecmigrate_job_master_sync_in_progress", job="slow") == 1
    daemon.wait_phase("slow", "replicating")


def test_retries_and_a_failure(lab):
    daemon = lab.daemon()
    target = lab.node()
    daemon.write_job("lost", f"127.0.0.1:{free_port()}", target, attach={"attempts": 2, "timeout": "1s"})
    daemon.wait_phase("lost", "failed", timeout=30)
    page = scrape(daemon)
    assert state_of(page, "lost") == "failed" and reason_of(page, "lost") == "source-unreachable"
    assert page.value("ecmigrate_retries_total", reason="source-unreachable") >= 1
    assert page.value("ecmigrate_job_node_up", job="lost", side="source") in (0, None)
    # Before anything can happen, it is counted as not having happened.
    assert page.value("ecmigrate_transitions_total", **{"from": "switching", "to": "halted"}) == 0
    assert promtool("check", "metrics", stdin=page.text) == ""


def test_link_down_shows(lab):
    daemon = lab.daemon()
    source, target = lab.pair()
    daemon.migrate("cut", source, target)
    source.kill9()
    wait_for(lambda: scrape(daemon).value("ecmigrate_job_master_link_up", job="cut") == 0, 20, "link down")
    wait_for(lambda: scrape(daemon).value("ecmigrate_job_node_up", job="cut", side="source") == 0, 20,
             "the source down")
    assert scrape(daemon).value("ecmigrate_job_lag_seconds", job="cut") is None


def test_labels_are_escaped(lab):
    daemon = lab.daemon()
    target = lab.node()
    description = 'a "quoted" \\ text\nfake_metric{job="x"} 1\u00e9<b>'
    spec = job_spec(None, target, description=description)
    daemon.write_file("odd.yaml", json.dumps(spec))
    daemon.wait_job("odd")
    page = scrape(daemon)
    shown = daemon.job("odd")["description"]
    assert "quoted" in shown
    (labels, value), = page.all("ecmigrate_job_info", job="odd")
    assert labels == {"job": "odd", "description": shown, "source": "", "target": target.endpoint}
    assert value == 1 and "fake_metric" not in page.names()
    assert promtool("check", "metrics", stdin=page.text) == ""


def test_the_answer_and_its_head(lab):
    daemon = lab.daemon()
    status, headers, text = prometheus.request(daemon)
    assert status == 200 and text.endswith("\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in headers["Cache-Control"]
    status, head, body = prometheus.request(daemon, "HEAD")
    assert status == 200 and body == "" and head["Content-Type"] == headers["Content-Type"]
    assert prometheus.request(daemon, "POST")[0] == 405


def test_requests_are_counted(lab):
    daemon = lab.daemon()
    assert daemon.http("GET", "/v1/jobs/nobody")[0] == 404
    assert daemon.http("GET", "/no/such/thing")[0] == 404
    daemon.jobs()
    daemon.jobs()
    wait_for(lambda: scrape(daemon).value("ecmigrate_api_requests_total", action="list_jobs", code="200") == 2,
             5, "both to be counted")
    page = scrape(daemon)
    assert page.value("ecmigrate_api_requests_total", action="get_job", code="404") == 1
    assert page.value("ecmigrate_api_requests_total", action="none", code="404") == 1
    assert page.value("ecmigrate_api_requests_total", action="metrics", code="200") >= 1
    assert page.value("ecmigrate_api_connections") >= 1
    assert page.value("ecmigrate_api_streams") == 0


def test_histograms_and_counters_grow(lab):
    daemon = lab.daemon()
    target = lab.node()
    before = scrape(daemon)
    daemon.write_file("one.yaml", json.dumps(job_spec(None, target)))
    daemon.wait_job("one")
    wait_for(lambda: scrape(daemon).value("ecmigrate_store_commits_total") >
             before.value("ecmigrate_store_commits_total"), 5, "a commit")
    after = scrape(daemon)
    for name in ("ecmigrate_event_loop_lag_seconds", "ecmigrate_store_commit_duration_seconds"):
        counts = [n for _, n in sorted(after.histogram(name).items())]
        assert counts == sorted(counts) and counts[-1] == after.value(name + "_count")
        assert after.value(name + "_count") > before.value(name + "_count")
        assert after.value(name + "_sum") > before.value(name + "_sum")
        assert after.types[name] == "histogram"
    assert after.value("ecmigrate_store_commit_duration_seconds_count") == \
        after.value("ecmigrate_store_commits_total")
    assert after.value("process_cpu_seconds_total") > 0


def test_a_held_store_shows(lab):
    """A state file that is moved away takes no writes any more."""
    daemon, target = lab.daemon(), lab.node()
    shutil.move(os.path.join(daemon.state_dir, "state.db"), os.path.join(daemon.state_dir, "gone.db"))
    daemon.write_file("one.yaml", json.dumps(job_spec(None, target)))
    wait_for(lambda: scrape(daemon).value("ecmigrate_store_held") == 1, 10, "the store to be held")
    shutil.move(os.path.join(daemon.state_dir, "gone.db"), os.path.join(daemon.state_dir, "state.db"))
    wait_for(lambda: scrape(daemon).value("ecmigrate_store_held") == 0, 10, "the store to take writes")


def test_a_scrape_asks_no_node(lab):
    """A node that answers nobody, and a name that is never resolved, do not hold it up."""
    daemon = lab.daemon()
    hole, target = lab.black_hole(), lab.node()
    daemon.write_job("hole", f"127.0.0.1:{hole.port}", target)
    daemon.wait_phase("hole", "queued", "checking", "backoff")

    def quick():
        begin = time.monotonic()
        page = scrape(daemon)
        return time.monotonic() - begin < 1 and page.value("ecmigrate_job_run_number", job="hole") == 1

    stays(quick, 1, "scrapes answered at once")


def test_many_jobs_come_in_pieces(lab):
    daemon = lab.daemon()
    target = lab.node()
    jobs = [f"job-{number:04}" for number in range(400)]
    for job in jobs:
        daemon.write_file(f"{job}.yaml", json.dumps(job_spec(None, target)))
    wait_for(lambda: len(daemon.jobs()) == len(jobs), 30, "all jobs")
    page = scrape(daemon)
    assert {labels["job"] for labels, _ in page.all("ecmigrate_job_info")} == set(jobs)
    assert all(state_of(page, job) == "pending" for job in jobs)
    assert page.value("ecmigrate_jobs", state="pending") == len(jobs)
    assert promtool("check", "metrics", stdin=page.text) == ""


# --- rules and dashboard ---

@pytest.fixture(scope="module")
def exported():
    """Every metric there is, whether or not it has a sample now: TYPE names them all."""
    lab = Lab()
    try:
        page = scrape(lab.daemon())
    finally:
        lab.close()
    names = set()
    for name, kind in page.types.items():
        names |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def dashboard():
    with open(prometheus.DASHBOARD, encoding="utf-8") as file:
        return json.load(file)


def expressions(node):
    """Whatever a dashboard asks a data source."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def test_the_dashboard_asks_for_metrics_that_exist(exported):
    board = dashboard()
    asked = list(expressions(board))
    assert len(asked) > 20
    for expression in asked:
        names = prometheus.names_in(expression)
        assert names and names <= exported, f"'{expression}' asks for {names - exported}"
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["title"] and panel["targets"] and panel["gridPos"]["w"] <= 24


def test_the_dashboards_expressions_can_be_read(tmp_path):
    """promtool reads them as recording rules."""
    variables = {"$__rate_interval": "1m", "$instance": ".*", "$job": ".*"}
    rules = []
    for number, expression in enumerate(expressions(dashboard())):
        for name, value in variables.items():
            expression = expression.replace(name, value)
        if not expression.startswith("label_values("):
            rules.append({"record": f"panel:{number}", "expr": expression})
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_alert_rules(exported):
    promtool("check", "rules", prometheus.RULES)
    with open(prometheus.RULES, encoding="utf-8") as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    for rule in rules:
        assert prometheus.names_in(rule["expr"]) <= exported, rule
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"] and len(rule["annotations"]["description"]) > 60
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_alerts_fire_when_they_should_and_only_then():
    promtool("test", "rules", os.path.join(ROOT, "tests/integration/rules_test.yml"))


def test_every_alert_has_a_case():
    with open(prometheus.RULES, encoding="utf-8") as file:
        alerts = {rule["alert"] for group in yaml.safe_load(file)["groups"] for rule in group["rules"]}
    with open(os.path.join(ROOT, "tests/integration/rules_test.yml"), encoding="utf-8") as file:
        cases = file.read()
    assert {alert for alert in alerts if f'"{alert}"' not in cases and f": {alert}\n" not in cases} == set()


def test_prometheus_takes_the_configuration(tmp_path):
    with open(os.path.join(ROOT, "config/prometheus/scrape.yml"), encoding="utf-8") as file:
        config = yaml.safe_load(file)
    config["rule_files"] = [prometheus.RULES]
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    promtool("check", "config", str(path))


def test_this_parser_sees_what_is_wrong():
    """The tests above rest on it."""
    with pytest.raises(AssertionError):
        Scrape('# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n')
    with pytest.raises(AssertionError):
        Scrape("# TYPE a gauge\n# TYPE b gauge\na 1\n")
    assert prometheus.quantile({0.001: 90, 0.01: 100, float("inf"): 100}, 0.95) == pytest.approx(0.0055)
