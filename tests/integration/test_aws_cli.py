# SPDX-License-Identifier: Apache-2.0
"""Debian's aws command line drives migrations, as ElastiCache's documentation writes its commands."""
import json

import pytest
from aws import OPERATOR, STRANGER, Listener, check_same_data, look
from harness import config_changes, node_spec
from redis_node import free_port
from waiting import wait_for
from writers import check_no_lost

URL, ADDRESS, PORT = "http://127.0.0.1:8600", "10.0.0.241", "6379"
START = """aws elasticache start-migration --endpoint-url http://127.0.0.1:8600 \\
    --replication-group-id test-cluster \\
    --customer-node-endpoint-list "Address='10.0.0.241',Port=6379\""""
COMPLETE = """aws elasticache complete-migration --endpoint-url http://127.0.0.1:8600 \\
    --replication-group-id test-cluster"""
DESCRIBE = """aws elasticache describe-replication-groups --endpoint-url http://127.0.0.1:8600 \\
    --replication-group-id test-cluster"""
EVENTS = """aws elasticache describe-events --endpoint-url http://127.0.0.1:8600 \\
    --source-type replication-group --source-identifier test-cluster"""
WAIT = "aws elasticache wait replication-group-available --endpoint-url http://127.0.0.1:8600 " \
       "--replication-group-id test-cluster"

STARTED = "Starting migration operation for target cluster {group} with source cluster endpoint " \
          "127.0.0.1 and port {port}"
SUCCEEDED = "Migration operation succeeded for replication group {group}."
FAILED = "Migration operation failed for replication group {group}"
COMPLETED = "Complete Migration successful for {group}"


class Aws:
    """The commands above, with our addresses in the place of the documentation's."""

    def __init__(self, lab, home, **options):
        self.api = Listener(lab, **options)
        self.daemon, self.home = self.api.daemon, home

    def run(self, command, port=None, group="test-cluster", key=OPERATOR):
        command = command.replace(URL, self.api.url).replace("test-cluster", group)
        if port:
            command = command.replace(ADDRESS, "127.0.0.1").replace(f"Port={PORT}", f"Port={port}")
        return self.api.shell(command, self.home, key)

    def say(self, command, *args, **how):
        done = self.run(command, *args, **how)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout else None

    def group(self, group="test-cluster"):
        groups = self.say(DESCRIBE, group=group)["ReplicationGroups"]
        assert len(groups) == 1
        return groups[0]

    def wait_status(self, status, group="test-cluster", timeout=30):
        """Each look is a process of its own: wait with the daemon's view, then look."""
        phase = {"migrating": "replicating", "available": "completed"}[status]
        self.daemon.wait_phase(group, phase, timeout=timeout)
        wait_for(lambda: self.group(group)["Status"] == status, timeout, f"{group} to be {status}")

    def messages(self, group="test-cluster"):
        """Of all events, the oldest first."""
        events = self.say(EVENTS, group=group)["Events"]
        assert {(e["SourceIdentifier"], e["SourceType"]) for e in events} <= {(group, "replication-group")}
        return [e["Message"] for e in sorted(events, key=lambda e: e["Date"])]


@pytest.fixture
def aws(lab, tmp_path):
    return Aws(lab, tmp_path)


def beginning_with(messages, words):
    return [m for m in messages if m.startswith(words)]


def check_group(group, target):
    """What the documentation shows of a group is there."""
    assert group["ReplicationGroupId"] == "test-cluster"
    assert group["Description"] and group["MemberClusters"]
    shard, = group["NodeGroups"]
    assert shard["NodeGroupId"] == "0001"
    assert shard["PrimaryEndpoint"] == {"Address": "127.0.0.1", "Port": target.port}
    roles = [member["CurrentRole"] for member in shard["NodeGroupMembers"]]
    assert roles and set(roles) <= {"primary", "replica"}
    assert (group["ClusterEnabled"], group["AuthTokenEnabled"], group["TransitEncryptionEnabled"]) == \
        (False, False, False)


def test_example_of_the_documentation(lab, aws):
    source, target = lab.pair(keys=5000)
    aws.daemon.write_job("test-cluster", None, target, description="orders cache")
    aws.daemon.wait_job("test-cluster")
    group = aws.group()
    assert (group["Status"], group["Description"]) == ("available", "orders cache")
    check_group(group, target)
    writers = lab.writers(source, target)

    answer = aws.say(START, source.port)["ReplicationGroup"]
    assert answer["Status"] == "modifying"
    check_group(answer, target)
    aws.wait_status("migrating")
    assert target.role() == "slave"
    writers.wait_acks(1000)
    assert aws.say(COMPLETE)["ReplicationGroup"]["ReplicationGroupId"] == "test-cluster"
    aws.wait_status("available")
    assert aws.run(WAIT).returncode == 0
    check_group(aws.group(), target)
    writers.wait_acks(1000)

    report = check_no_lost(writers, target)
    assert [s["to"] for s in report["switches"]] == [target.port]
    assert (target.role(), source.role()) == ("master", "slave")
    check_same_data(source, target)
    assert target.cmd("DBSIZE") >= 5000 + report["count"]
    words = [w.format(group="test-cluster", port=source.port) for w in (STARTED, SUCCEEDED, COMPLETED)]
    assert [m for m in aws.messages() if m in words] == words


def test_commands_without_a_group_show_them_all(lab, aws):
    target = lab.node()
    for group in ("one", "two"):
        aws.daemon.write_job(group, None, target)
        aws.daemon.wait_job(group)
    every = f"aws elasticache describe-replication-groups --endpoint-url {URL}"
    assert [g["ReplicationGroupId"] for g in aws.say(every)["ReplicationGroups"]] == ["one", "two"]
    assert aws.say(every + " --max-items 1")["NextToken"], "the rest is asked for with --starting-token"


@pytest.mark.parametrize("keys, flush", [(0, False), (10, False), (10, True)],
                         ids=["empty-target", "target-with-keys", "target-that-may-be-flushed"])
def test_unreachable_source_leaves_the_target_as_it_was(lab, aws, keys, flush):
    target = lab.node(name="target")
    if keys:
        target.fill(keys)
    before = look(target)
    aws.daemon.write_job("test-cluster", None, node_spec(target, allow_flush=flush), attach={"attempts": 2})
    aws.daemon.wait_job("test-cluster")
    port = free_port()
    assert aws.say(START, port)["ReplicationGroup"]["Status"] == "modifying"
    job = aws.daemon.wait_phase("test-cluster", "failed")
    assert aws.group()["Status"] == "available"
    assert look(target) == before
    assert target.cmd("SET", "writable", "1") == "OK"
    failed, = beginning_with(aws.messages(), FAILED.format(group="test-cluster"))
    assert failed.startswith(FAILED.format(group="test-cluster") + " because of "), failed
    assert f"127.0.0.1:{port}" in failed and "onnect" in failed, failed
    assert job["reason"]["code"] == "source-unreachable"
    assert not beginning_with(aws.messages(), SUCCEEDED.format(group="test-cluster"))


def test_source_that_the_target_cannot_reach(lab, aws):
    """Found out only after the target was told to follow; it is a primary again, with the keys it had."""
    source, target = lab.pair()
    hole = f"127.0.0.1:{free_port()}"
    target.fill(10, prefix="mine")
    before = target.config(), target.cmd("DEBUG", "DIGEST")
    aws.daemon.write_job("test-cluster", {"reachable_as": hole}, node_spec(target, allow_flush=True),
                         start="manual", attach={"attempts": 1, "timeout": "1s"})
    aws.daemon.wait_job("test-cluster")
    aws.say(START, source.port)
    aws.daemon.wait_phase("test-cluster", "failed")
    assert aws.group()["Status"] == "available"
    assert target.role() == "master" and target.cmd("DEBUG", "DIGEST") == before[1]
    assert config_changes(before[0], target.config()) == {}
    assert target.cmd("SET", "writable", "1") == "OK"
    failed, = beginning_with(aws.messages(), FAILED.format(group="test-cluster"))
    assert " because of " in failed and "nothing of the target has arrived at the source" in failed, failed


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_restart_knows_the_source_that_was_given(lab, aws, end):
    source, target = lab.pair()
    aws.daemon.write_job("test-cluster", None, target)
    aws.daemon.wait_job("test-cluster")
    aws.say(START, source.port)
    aws.daemon.wait_phase("test-cluster", "replicating")
    getattr(aws.daemon, end)()
    aws.daemon.start()
    aws.wait_status("migrating")
    assert aws.daemon.job("test-cluster")["source"]["endpoint"] == source.endpoint
    source.cmd("SET", "after", "restart")
    aws.say(COMPLETE)
    aws.wait_status("available")
    assert (target.role(), target.cmd("GET", "after")) == ("master", "restart")
    check_same_data(source, target)
    assert beginning_with(aws.messages(), COMPLETED.format(group="test-cluster"))


def test_source_given_replaces_that_of_the_file(lab, aws):
    source, target = lab.pair()
    other = lab.node(name="other")
    aws.daemon.write_job("test-cluster", other, target, start="manual")
    aws.daemon.wait_job("test-cluster")
    aws.say(START, source.port)
    job = aws.daemon.wait_phase("test-cluster", "replicating")
    assert job["source"]["endpoint"] == source.endpoint
    assert other.info("replication")["connected_slaves"] == "0"
    event = aws.daemon.event("test-cluster", "source_overridden")
    assert event["data"] == {"source": source.endpoint, "file_source": other.endpoint}
    assert any(other.endpoint in m and source.endpoint in m for m in aws.messages()), aws.messages()


def test_source_of_the_file_given_again_is_no_event(lab, aws):
    source, target = lab.pair()
    aws.daemon.write_job("test-cluster", source, target, start="manual")
    aws.daemon.wait_job("test-cluster")
    aws.say(START, source.port)
    aws.daemon.wait_phase("test-cluster", "replicating")
    assert aws.daemon.events("test-cluster", "source_overridden") == []


def test_source_with_a_login_but_no_endpoint(lab, aws):
    source, target = lab.pair(password="s3cret-of-the-nodes")
    aws.daemon.write_job("test-cluster", {"password": "s3cret-of-the-nodes"}, target)
    aws.daemon.wait_job("test-cluster")
    aws.say(START, source.port)
    aws.wait_status("migrating")
    aws.say(COMPLETE)
    aws.wait_status("available")
    assert aws.group()["AuthTokenEnabled"] is True
    assert "s3cret" not in json.dumps(aws.messages()) + aws.daemon.log_tail(10000)


def test_names_of_groups_know_no_case(lab, aws):
    source, target = lab.pair()
    aws.daemon.write_job("test-cluster", None, target)
    aws.daemon.wait_job("test-cluster")
    shouted = {"group": "TEST-Cluster"}
    assert aws.say(DESCRIBE, **shouted)["ReplicationGroups"][0]["ReplicationGroupId"] == "test-cluster"
    answer = aws.say(START, source.port, **shouted)["ReplicationGroup"]
    assert answer["ReplicationGroupId"] == "test-cluster"
    aws.wait_status("migrating")
    aws.say(COMPLETE, **shouted)
    aws.wait_status("available")
    events = aws.say(EVENTS, **shouted)["Events"]
    assert {e["SourceIdentifier"] for e in events} == {"test-cluster"}


def test_force_ends_a_migration_that_is_not_in_sync(lab, aws):
    source, target = lab.slow_pair(keys=2000)
    aws.daemon.write_job("test-cluster", None, target)
    aws.daemon.wait_job("test-cluster")
    aws.say(START, source.port)
    aws.daemon.wait_phase("test-cluster", "syncing")
    aws.say(COMPLETE + " --force")
    aws.daemon.wait_phase("test-cluster", "failed")
    assert aws.group()["Status"] == "available"
    assert target.role() == "master" and target.cmd("SET", "writable", "1") == "OK"


def test_refusals_as_the_command_line_shows_them(lab, aws):
    target = lab.node()
    aws.daemon.write_job("test-cluster", None, target)
    aws.daemon.wait_job("test-cluster")
    for command, group, code, operation in (
            (START, "nosuch", "ReplicationGroupNotFoundFault", "StartMigration"),
            (COMPLETE, "nosuch", "ReplicationGroupNotFoundFault", "CompleteMigration"),
            (DESCRIBE, "nosuch", "ReplicationGroupNotFoundFault", "DescribeReplicationGroups"),
            (COMPLETE, "test-cluster", "ReplicationGroupNotUnderMigrationFault", "CompleteMigration"),
            (START.replace("6379", "70000"), "test-cluster", "InvalidParameterValue", "StartMigration")):
        done = aws.run(command, group=group)
        assert done.returncode == 254, done.stderr
        assert f"An error occurred ({code}) when calling the {operation} operation: " in done.stderr
    assert aws.daemon.job("test-cluster")["phase"] == "idle"


def test_command_line_with_keys(lab, tmp_path):
    aws = Aws(lab, tmp_path, keys=[OPERATOR])
    aws.daemon.write_job("test-cluster", None, lab.node())
    aws.daemon.wait_job("test-cluster")
    assert aws.group()["Status"] == "available"
    done = aws.run(DESCRIBE, key=STRANGER)
    assert done.returncode == 254 and "(InvalidClientTokenId)" in done.stderr
    done = aws.run(DESCRIBE, key=OPERATOR._replace(secret=STRANGER.secret))
    assert done.returncode == 254 and "(SignatureDoesNotMatch)" in done.stderr
