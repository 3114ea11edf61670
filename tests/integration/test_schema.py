# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of job files: up to date, and of one mind with `ecmigratectl validate`."""
import glob
import json
import os
import re

import jsonschema
import pytest
import yaml

from ctl_runner import DONE, FAILED, ROOT, ctl  # noqa: F401

EXAMPLES = sorted(glob.glob(os.path.join(ROOT, "config/examples/*.yaml")))
INSTALLED = "/usr/share/ecmigrate/job.schema.json"


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, which editors use: yes is a text, 1:30 is no number."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in (("bool", r"^(true|false)$", "tf"), ("null", r"^(null|~|)$", ["n", "~", ""]),
                            ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
                            ("float", r"^[-+]?[0-9]*\.[0-9]+$", "-+.0123456789")):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))


@pytest.fixture
def validator(ctl):
    schema = json.loads(ctl.ok("schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def complaints(validator, text):
    return [error.message for document in yaml.load_all(text, Loader) for error in validator.iter_errors(document)]


def test_the_committed_schema_is_the_table(ctl):
    with open(os.path.join(ROOT, "config/job.schema.json"), encoding="utf-8") as file:
        assert file.read() == ctl.ok("schema"), "make schema"
    assert yaml.safe_load(ctl.ok("schema", "-o", "yaml")) == json.loads(ctl.ok("schema", "-o", "json"))


def test_it_describes_every_key(validator):
    def walk(schema):
        assert schema["additionalProperties"] is False
        for key, value in schema["properties"].items():
            assert value["description"].endswith("."), key
            if value.get("type") == "object":
                walk(value)

    top = validator.schema
    walk(top)
    assert top["required"] == ["target"] and top["properties"]["target"]["required"] == ["endpoint"]
    assert set(top["properties"]) == {"replication_group", "description", "source", "target", "start", "attach",
                                      "sync", "cutover", "checks", "sentinels", "sentinel_name", "sentinel_auth"}
    assert top["properties"]["cutover"]["properties"]["pause"]["default"] == "5s"
    assert "From 100ms to 1m." in top["properties"]["cutover"]["properties"]["pause"]["description"]
    assert top["properties"]["attach"]["properties"]["attempts"] == {
        "type": "integer", "minimum": 1, "maximum": 100, "default": 5,
        "description": "How often to try before the job fails."}
    assert top["properties"]["source"]["properties"]["password"]["writeOnly"] is True
    assert "verify" not in top["properties"], "what is refused is not offered"


@pytest.mark.parametrize("path", EXAMPLES, ids=os.path.basename)
def test_examples_fit(validator, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.startswith(f"# yaml-language-server: $schema={INSTALLED}\n")
    assert complaints(validator, text) == []


TARGET = "target: {endpoint: '10.0.1.7:6379'}\n"
GOOD = [
    TARGET, "replication_group: a-1\n" + TARGET + "---\nreplication_group: b\n" + TARGET, "source: {}\n" + TARGET,
    "target: {endpoint: '[fe80::1%eth0]:6379'}", "target: {endpoint: redis_1.example.com.:1}",
    "target: {endpoint: 'h:65535', replicas: ['a:1', '[::1]:2'], allow_flush: true}",
    "target: {endpoint: 'h:1', password: 1234}", "description: 2026\n" + TARGET, "description: yes\n" + TARGET,
    "start: manual\n" + TARGET, "cutover: {max_lag: 0, mode: auto, pause: 100ms}\n" + TARGET,
    "cutover: {max_lag: 512KiB}\nattach: {timeout: 1h, attempts: 100}\n" + TARGET,
    "sync: {tune: false, stall_timeout: 24h}\n" + TARGET, "checks: {waive: [maxmemory, keys-differ]}\n" + TARGET,
    "checks: {waive: []}\n" + TARGET,
    "target: {endpoint: 'h:1', tls: {enabled: true, server_name: n, verify: ca}}",
    "source: {endpoint: 'h:1', tls: {enabled: false, verify: none}}\n" + TARGET,
    "sentinels: []\n" + TARGET,
    "sentinels: ['h:26379', '[::1]:2']\nsentinel_name: orders-1.a_b\nsentinel_auth: {password: p}\n" + TARGET,
    "source: {endpoint: 'h:1', username: u, password: p, replication_user: {password: q}}\n" + TARGET,
]
WRONG = [
    "source: {endpoint: 'h:1'}", "target: {}", "target:", "targte: {endpoint: 'h:1'}\n" + TARGET, "[]", "text",
    "target: {endpoint: 'h:70000'}", "target: {endpoint: 'h:0'}", "target: {endpoint: h}", "target: {endpoint: 'h:'}",
    "target: {endpoint: '10.0.300.1:1'}", "target: {endpoint: '10.0.1:1'}", "target: {endpoint: '-h:1'}",
    "target: {endpoint: 'a..b:1'}", "target: {endpoint: 'u@h:1'}", "target: {endpoint: '::1:1'}",
    "target: {endpoint: 7}", "target: {endpoint: ['h:1']}", "target: {endpoint: 'h:1', allow_flush: 'true'}",
    "target: {endpoint: 'h:1', allow_flush: yes}", "target: {endpoint: 'h:1', replicas: 'a:1'}",
    "target: {endpoint: 'h:1', replicas: [a]}",
    "target: {endpoint: 'h:1', replicas: [" + ",".join(f"'a:{i}'" for i in range(1, 10)) + "]}",
    "target: {endpoint: 'h:1', password: p, credential: c}", "target: {endpoint: 'h:1', username: u}",
    "target: {endpoint: 'h:1', password_file: secrets/p}", "target: {endpoint: 'h:1', password: ''}",
    "target: {endpoint: 'h:1', replication_user: {}}", "target: {endpoint: 'h:1', replication_user: {username: u}}",
    "target: {endpoint: 'h:1', tls: {}}",
    "target: {endpoint: 'h:1', tls: {enabled: true, cert_file: /c.pem}}",
    "target: {endpoint: 'h:1', tls: {enabled: true, ca_file: ca.pem}}", "verify: {mode: full}\n" + TARGET, "notify: []\n" + TARGET,
    "replication_group: Orders\n" + TARGET, "replication_group: 1a\n" + TARGET,
    f"replication_group: {'a' * 41}\n" + TARGET, "start: sometimes\n" + TARGET, "start: true\n" + TARGET,
    "attach: {attempts: 0}\n" + TARGET, "attach: {attempts: 101}\n" + TARGET, "attach: {attempts: '5'}\n" + TARGET,
    "attach: {attempts: five}\n" + TARGET, "attach: {timeout: 30}\n" + TARGET, "attach: {timeout: 30 s}\n" + TARGET,
    "attach: {timeout: 1d}\n" + TARGET, "attach: {timeout: -1s}\n" + TARGET, "attach: {timeout:}\n" + TARGET,
    "cutover: {max_lag: 1MB}\n" + TARGET, "cutover: {max_lag: -1}\n" + TARGET, "cutover: {mode: yes}\n" + TARGET,
    "cutover: {max_lag: 9999999999999999}\n" + TARGET, "cutover: {reverse: 1}\n" + TARGET,
    "checks: {waive: [target-not-empty]}\n" + TARGET, "checks: {waive: maxmemory}\n" + TARGET,
    "checks: {waive: [max-memory]}\n" + TARGET, "checks: {skip: [maxmemory]}\n" + TARGET,
    "checks: {waive: [" + ", ".join(["maxmemory"] * 33) + "]}\n" + TARGET,
    "sentinels: ['h:1']\nsentinel_name: 'a*'\n" + TARGET, "sentinels: h:1\nsentinel_name: a\n" + TARGET,
    "sentinels: ['h:1']\nsentinel_name: a\nsentinel_auth: {username: u}\n" + TARGET,
    "sentinels: [" + ",".join(f"'a:{i}'" for i in range(1, 18)) + "]\nsentinel_name: a\n" + TARGET,
    "cutover: []\n" + TARGET, f"description: {'x' * 1025}\n" + TARGET, "description: [a]\n" + TARGET,
]


def judge(ctl, tmp_path, text):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return ctl("validate", str(path))


@pytest.mark.parametrize("text", GOOD)
def test_both_accept(ctl, validator, tmp_path, text):
    assert judge(ctl, tmp_path, text).returncode == DONE
    assert complaints(validator, text) == []


@pytest.mark.parametrize("text", WRONG)
def test_both_refuse(ctl, validator, tmp_path, text):
    assert judge(ctl, tmp_path, text).returncode == FAILED
    assert complaints(validator, text) != []
