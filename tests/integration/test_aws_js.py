# SPDX-License-Identifier: Apache-2.0
"""The AWS SDK for JavaScript drives migrations: the one client that knows TestMigration."""
import json
import subprocess

import pytest
from aws import OPERATOR, READER, REGION, STRANGER, Listener, check_same_data, endpoints_of, look, unchanged
from node_packages import node_argv, node_env
from redis_node import free_port
from waiting import FACTOR, wait_for
from writers import check_no_lost


class Sdk:
    """A node process with one client; call() is one call of it."""

    def __init__(self, url, key=OPERATOR, **config):
        config = {"endpoint": url, "region": REGION, **config,
                  "credentials": {"accessKeyId": key.id, "secretAccessKey": key.secret}}
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *node_argv("elasticache.js"), json.dumps(config)],
            env=node_env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, **call):
        self.process.stdin.write(json.dumps(call) + "\n")
        line = self.process.stdout.readline()
        assert line, f"the SDK's process ended with {self.process.wait(5)}"
        return json.loads(line)

    def call(self, command, **parameters):
        answer = self.ask(command=command + "Command", input=parameters)
        assert "output" in answer, answer
        return answer["output"]

    def refused(self, name, http_status, command, **parameters):
        """The call ends in that error, a class of the SDK's where it has one; its message."""
        answer = self.ask(command=command + "Command", input=parameters)
        assert "error" in answer, answer
        error = answer["error"]
        assert (error["name"], error["status"]) == (name, http_status), error
        assert error["service"] and error["fault"] == "client", error
        assert error["message"] and error["requestId"], error
        assert error["attempts"] == 1, "what cannot succeed is not asked again"
        return error["message"]

    def status(self, group):
        groups = self.call("DescribeReplicationGroups", ReplicationGroupId=group)["ReplicationGroups"]
        return groups[0]["Status"]

    def messages(self, group):
        events = self.call("DescribeEvents", SourceIdentifier=group, SourceType="replication-group")["Events"]
        return [e["Message"] for e in sorted(events, key=lambda e: e["Date"])]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10 * FACTOR) == 0
        self.process.stdout.close()


@pytest.fixture
def sdks():
    """Makes clients, and ends them."""
    made = []

    def make(*args, **config):
        made.append(Sdk(*args, **config))
        return made[-1]

    yield make
    for sdk in made:
        sdk.close()


def group_without_source(api, target, **sections):
    api.daemon.write_job("orders", None, target, **sections)
    api.daemon.wait_job("orders")


def test_migration_from_a_test_to_its_end(lab, sdks):
    api = Listener(lab, [OPERATOR])
    source, target = lab.pair(keys=2000)
    group_without_source(api, target)
    sdk = sdks(api.url)
    call = {"ReplicationGroupId": "orders", "CustomerNodeEndpointList": endpoints_of(source)}
    writers = lab.writers(source, target)

    before = target.role(), target.config(), target.cmd("DBSIZE")
    tested = sdk.call("TestMigration", **call)["ReplicationGroup"]
    assert tested["ReplicationGroupId"] == "orders"
    wait_for(lambda: any("est" in m and "succeeded" in m for m in sdk.messages("orders")), 10,
             "an event that the test passed")
    assert (target.role(), target.config(), target.cmd("DBSIZE")) == before
    assert (sdk.status("orders"), api.daemon.job("orders")["phase"]) == ("available", "idle")

    started = sdk.call("StartMigration", **call)["ReplicationGroup"]
    assert started["Status"] == "modifying"
    wait_for(lambda: sdk.status("orders") == "migrating", 20, "orders to be migrating")
    sdk.refused("ReplicationGroupAlreadyUnderMigrationFault", 400, "TestMigration", **call)
    sdk.refused("ReplicationGroupAlreadyUnderMigrationFault", 400, "StartMigration", **call)
    writers.wait_acks(500)
    sdk.call("CompleteMigration", ReplicationGroupId="orders")
    wait_for(lambda: sdk.status("orders") == "available", 20, "orders to be available")
    writers.wait_acks(500)
    check_no_lost(writers, target)
    check_same_data(source, target)
    assert sdk.messages("orders")[-1].startswith("Complete Migration successful for orders")


def test_failed_test_says_why_and_changes_nothing(lab, sdks):
    api = Listener(lab)
    source, target = lab.pair(keys=10)
    target.fill(3, prefix="mine")
    group_without_source(api, target)
    sdk = sdks(api.url)
    hole = free_port()
    before = look(source), look(target)
    for port, causes in ((hole, (f"127.0.0.1:{hole}",)), (source.port, ("keys",)), (target.port, ("same",))):
        told = len(sdk.messages("orders"))
        sdk.call("TestMigration", ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(port))
        wait_for(lambda n=told: len(sdk.messages("orders")) > n and api.daemon.job("orders")["checks"] and
                 not api.daemon.job("orders")["checks"]["running"], 20, "an event about the test")
        new = " ".join(sdk.messages("orders")[told:])
        assert "failed" in new and all(cause in new for cause in causes), new
        assert (api.daemon.job("orders")["phase"], sdk.status("orders")) == ("idle", "available")
    assert (look(source), look(target)) == before
    assert api.daemon.events("orders", "run_started") == []


def test_typed_errors(lab, sdks):
    api = Listener(lab, [OPERATOR, READER])
    source, target = lab.pair(keys=10)
    group_without_source(api, target)
    sdk = sdks(api.url)
    start = {"ReplicationGroupId": "orders", "CustomerNodeEndpointList": endpoints_of(source)}
    complete = {"ReplicationGroupId": "orders"}
    with unchanged(api.daemon, "orders", source, target):
        for command in ("StartMigration", "TestMigration"):
            sdk.refused("ReplicationGroupNotFoundFault", 404, command, **{**start, "ReplicationGroupId": "nosuch"})
            for endpoints in ([], endpoints_of(source, target), endpoints_of(0), endpoints_of(70000)):
                sdk.refused("InvalidParameterValueException", 400, command, ReplicationGroupId="orders",
                            CustomerNodeEndpointList=endpoints)
            sdk.refused("MissingParameter", 400, command, ReplicationGroupId="orders")
            sdk.refused("MissingParameter", 400, command, CustomerNodeEndpointList=endpoints_of(source))
        sdk.refused("ReplicationGroupNotUnderMigrationFault", 400, "CompleteMigration", **complete)
        sdk.refused("InvalidParameterValueException", 400, "DescribeReplicationGroups", MaxRecords=19)
        sdk.refused("InvalidParameterValueException", 400, "DescribeEvents", SourceType="planet")
        sdk.refused("InvalidAction", 400, "DescribeCacheClusters")
        sdks(api.url, STRANGER).refused("InvalidClientTokenId", 403, "CompleteMigration", **complete)
        sdks(api.url, OPERATOR._replace(secret="wrong")).refused("SignatureDoesNotMatch", 403, "CompleteMigration",
                                                                **complete)
        reader = sdks(api.url, READER)
        assert reader.status("orders") == "available"
        reader.refused("AccessDenied", 403, "StartMigration", **start)


@pytest.mark.parametrize("hours", [-2, 2])
def test_client_whose_clock_is_wrong_corrects_itself(lab, sdks, hours):
    """The SDK takes the time from the refusal and asks once more."""
    api = Listener(lab, [OPERATOR])
    group_without_source(api, "127.0.0.1:2")
    sdk = sdks(api.url, systemClockOffset=hours * 3600 * 1000)
    answer = sdk.call("DescribeReplicationGroups")
    assert answer["ReplicationGroups"][0]["Status"] == "available"
    assert answer["$metadata"]["attempts"] == 2


def test_pages(lab, sdks):
    api = Listener(lab)
    names = sorted(f"group-{i}" for i in range(45))
    for name in names:
        api.daemon.write_job(name, None, "127.0.0.1:2")
    wait_for(lambda: len(api.daemon.jobs()) == len(names), 20, "all groups")
    pages = sdks(api.url).ask(paginate="paginateDescribeReplicationGroups", pageSize=20, input={})["output"]
    assert [len(page["ReplicationGroups"]) for page in pages] == [20, 20, 5]
    assert [g["ReplicationGroupId"] for page in pages for g in page["ReplicationGroups"]] == names
