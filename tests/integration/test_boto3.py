# SPDX-License-Identifier: Apache-2.0
"""The ElastiCache API by boto3, Debian's: a migration, pages, times, and each error as its typed exception."""
import datetime
import urllib.parse

import botocore.auth
import botocore.exceptions
import pytest
from aws import (OPERATOR, READER, STRANGER, DatedAuth, Listener, check_same_data, encode, endpoints_of, fault,
                 start_parameters, unchanged)
from harness import Lab
from redis_node import free_port
from waiting import wait_for
from writers import check_no_lost

HOUR = datetime.timedelta(hours=1)
SOMEWHERE = [{"Address": "127.0.0.1", "Port": 1}]


def status(client, group):
    groups = client.describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"]
    return groups[0]["Status"]


def messages(client, group, **window):
    events = client.describe_events(SourceIdentifier=group, SourceType="replication-group", **window)["Events"]
    return [e["Message"] for e in sorted(events, key=lambda e: e["Date"])]


def refused(code, http_status, call, *args, **parameters):
    """The call ends in a ClientError of that code; the error's message."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*args, **parameters)
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    assert (error["Code"], metadata["HTTPStatusCode"]) == (code, http_status), error
    assert error["Type"] == "Sender" and error["Message"] and metadata["RequestId"], error
    return error["Message"]


# --- migrations ---

@pytest.mark.parametrize("keys", [(), (OPERATOR,)], ids=["open", "with-keys"])
def test_migration_from_available_to_available(lab, keys):
    api = Listener(lab, keys)
    source, target = lab.pair(keys=2000)
    api.daemon.write_job("orders", None, target)
    api.daemon.wait_job("orders")
    client = api.boto3()
    assert status(client, "orders") == "available"
    writers = lab.writers(source, target)
    answer = client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(source))
    assert answer["ReplicationGroup"]["Status"] == "modifying"
    wait_for(lambda: status(client, "orders") == "migrating", 20, "orders to be migrating")
    writers.wait_acks(500)
    client.complete_migration(ReplicationGroupId="orders")
    wait_for(lambda: status(client, "orders") == "available", 20, "orders to be available")
    client.get_waiter("replication_group_available").wait(ReplicationGroupId="orders")
    writers.wait_acks(500)
    check_no_lost(writers, target)
    check_same_data(source, target)
    assert target.role() == "master"
    node = client.describe_replication_groups()["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupMembers"][0]
    assert (node["CurrentRole"], node["ReadEndpoint"]["Port"]) == ("primary", target.port)


def test_force_is_the_abort(lab):
    api = Listener(lab)
    source, target = lab.slow_pair()
    before = target.config()
    api.daemon.write_job("orders", None, target)
    api.daemon.wait_job("orders")
    client = api.boto3()
    client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(source))
    api.daemon.wait_phase("orders", "syncing")
    client.complete_migration(ReplicationGroupId="orders", Force=True)
    wait_for(lambda: status(client, "orders") == "available", 20, "orders to be available")
    assert (target.role(), source.role()) == ("master", "master")
    assert target.config() == before
    assert source.cmd("SET", "writable", "1") == target.cmd("SET", "writable", "1") == "OK"


def test_group_can_be_migrated_to_again_after_a_failure(lab):
    api = Listener(lab)
    source, target = lab.pair()
    api.daemon.write_job("orders", None, target, attach={"attempts": 1})
    api.daemon.wait_job("orders")
    client = api.boto3()
    client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(free_port()))
    api.daemon.wait_phase("orders", "failed")
    assert status(client, "orders") == "available"
    client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(source))
    wait_for(lambda: status(client, "orders") == "migrating", 20, "orders to be migrating")
    assert api.daemon.job("orders")["source"]["endpoint"] == source.endpoint


# --- errors of the operations ---

@pytest.fixture(scope="module")
def shop():
    """A daemon with keys, an idle group 'orders', and both nodes; shared, for what must change nothing."""
    lab = Lab()
    try:
        api = Listener(lab, [OPERATOR, READER])
        api.source, api.target = lab.pair(keys=10)
        api.daemon.write_job("orders", None, api.target)
        api.daemon.wait_job("orders")
        yield api
    finally:
        lab.close()


@pytest.fixture
def still(shop):
    """The test's shop; at its end everything must be as it was."""
    with unchanged(shop.daemon, "orders", shop.source, shop.target):
        yield shop


@pytest.mark.parametrize("call, parameters", [
    ("start_migration", {"CustomerNodeEndpointList": SOMEWHERE}),
    ("complete_migration", {}),
    ("describe_replication_groups", {}),
])
def test_unknown_group(still, call, parameters):
    client = still.boto3()
    message = refused("ReplicationGroupNotFoundFault", 404, getattr(client, call),
                      ReplicationGroupId="no-such-group", **parameters)
    assert "no-such-group" in message
    with pytest.raises(client.exceptions.ReplicationGroupNotFoundFault):
        getattr(client, call)(ReplicationGroupId="no-such-group", **parameters)


def test_complete_of_what_is_not_under_migration(still):
    client = still.boto3()
    for more in ({}, {"Force": True}, {"Force": False}):
        refused("ReplicationGroupNotUnderMigrationFault", 400, client.complete_migration,
                ReplicationGroupId="orders", **more)
    with pytest.raises(client.exceptions.ReplicationGroupNotUnderMigrationFault):
        client.complete_migration(ReplicationGroupId="orders")


@pytest.mark.parametrize("endpoints", [
    [],
    SOMEWHERE * 2,
    [{"Address": "127.0.0.1", "Port": 0}],
    [{"Address": "127.0.0.1", "Port": 70000}],
    [{"Address": "127.0.0.1", "Port": -1}],
    [{"Address": "127.0.0.1"}],
    [{"Port": 6379}],
    [{"Address": "", "Port": 6379}],
    [{"Address": "two words", "Port": 6379}],
    [{"Address": "127.0.0.1:6379", "Port": 6379}],
    [{"Address": "a" * 300, "Port": 6379}],
    [{"Address": "ex\r\nSLAVEOF NO ONE", "Port": 6379}],
    [{"Address": "sch\u00f6n \u202e", "Port": 6379}],
], ids=lambda e: repr(e)[:40])
def test_endpoints_that_are_none(still, endpoints):
    client = still.boto3()
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_start_and_test_while_under_migration(lab):
    api = Listener(lab)
    source, target = lab.slow_pair(keys=1500)
    api.daemon.write_job("orders", None, target)
    api.daemon.wait_job("orders")
    client = api.boto3()
    start = {"ReplicationGroupId": "orders", "CustomerNodeEndpointList": endpoints_of(source)}
    test = {**start_parameters("orders", ("127.0.0.1", source.port)), "Action": "TestMigration"}
    client.start_migration(**start)
    api.daemon.wait_phase("orders", "syncing")
    assert status(client, "orders") == "modifying"
    with pytest.raises(client.exceptions.InvalidReplicationGroupStateFault):
        client.start_migration(**start)
    assert fault(api.signed(test))[:2] == (400, "InvalidReplicationGroupState")
    refused("ReplicationGroupNotUnderMigrationFault", 400, client.complete_migration, ReplicationGroupId="orders")
    api.daemon.wait_phase("orders", "replicating")
    with pytest.raises(client.exceptions.ReplicationGroupAlreadyUnderMigrationFault):
        client.start_migration(**start)
    assert fault(api.signed(test))[:2] == (400, "ReplicationGroupAlreadyUnderMigrationFault")
    assert api.daemon.job("orders")["run"] == 1
    assert api.daemon.wait_phase("orders", "replicating")


def test_start_of_a_group_whose_migration_is_completed(lab):
    """Its old source follows it now: another start would turn that around."""
    api = Listener(lab)
    source, target = lab.pair()
    api.daemon.migrate("orders", source, target)
    api.daemon.complete("orders")
    client = api.boto3()
    with pytest.raises(client.exceptions.InvalidReplicationGroupStateFault) as caught:
        client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(source))
    assert caught.value.response["Error"]["Code"] == "InvalidReplicationGroupState"
    refused("ReplicationGroupNotUnderMigrationFault", 400, client.complete_migration, ReplicationGroupId="orders")
    assert (status(client, "orders"), target.role()) == ("available", "master")


def test_group_that_is_being_rolled_back(lab):
    api = Listener(lab)
    source, target = lab.pair()
    api.daemon.write_job("orders", None, target)
    api.daemon.wait_job("orders")
    client = api.boto3()
    start = {"ReplicationGroupId": "orders", "CustomerNodeEndpointList": endpoints_of(source)}
    client.start_migration(**start)
    api.daemon.wait_phase("orders", "replicating")
    target.sigstop()
    api.daemon.verb("orders", "abort")
    api.daemon.wait_phase("orders", "rolling_back")
    try:
        assert status(client, "orders") == "modifying"
        refused("InvalidReplicationGroupState", 400, client.start_migration, **start)
        for more in ({}, {"Force": True}):
            refused("ReplicationGroupNotUnderMigrationFault", 400, client.complete_migration,
                    ReplicationGroupId="orders", **more)
    finally:
        target.sigcont()
    api.daemon.wait_phase("orders", "failed")


# --- parameters of the descriptions ---

@pytest.mark.parametrize("parameters", [{"MaxRecords": 19}, {"MaxRecords": 101}, {"MaxRecords": 0},
                                        {"MaxRecords": -1}, {"Marker": "no marker of ours"},
                                        {"Marker": "\u00e4\n"}], ids=repr)
@pytest.mark.parametrize("call", ["describe_replication_groups", "describe_events"])
def test_pages_that_are_none(still, call, parameters):
    client = still.boto3()
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        getattr(client, call)(**parameters)


@pytest.mark.parametrize("more, code", [
    ({"Duration": "-1"}, "InvalidParameterValue"),
    ({"Duration": "soon"}, "InvalidParameterValue"),
    ({"Duration": "20161"}, "InvalidParameterValue"),
    ({"Duration": "99999999999999999999"}, "InvalidParameterValue"),
    ({"StartTime": "yesterday"}, "InvalidParameterValue"),
    ({"StartTime": "2024-02-30T00:00:00Z"}, "InvalidParameterValue"),
    ({"EndTime": "2024-01-01T25:00:00Z"}, "InvalidParameterValue"),
    ({"MaxRecords": "many"}, "InvalidParameterValue"),
    ({"SourceType": "planet"}, "InvalidParameterValue"),
    ({"StartTime": "2015-01-01T00:00:00Z"}, "InvalidParameterValue"),
    ({"StartTime": "{now}", "Duration": "5"}, "InvalidParameterCombination"),
    ({"StartTime": "{now}", "EndTime": "{before}"}, "InvalidParameterCombination"),
], ids=repr)
def test_times_and_filters_that_are_none(still, more, code):
    now = datetime.datetime.now(datetime.timezone.utc)
    times = {"{now}": f"{now:%Y-%m-%dT%H:%M:%SZ}", "{before}": f"{now - HOUR:%Y-%m-%dT%H:%M:%SZ}"}
    more = {name: times.get(value, value) for name, value in more.items()}
    status_, got, message = fault(still.signed({"Action": "DescribeEvents", **more}))
    assert (status_, got) == (400, code), message


def test_typed_exception_of_a_combination(still):
    client = still.boto3()
    now = datetime.datetime.now(datetime.timezone.utc)
    with pytest.raises(client.exceptions.InvalidParameterCombinationException):
        client.describe_events(StartTime=now - HOUR, Duration=5)


# --- requests a client library does not make ---

@pytest.mark.parametrize("parameters, code", [
    ({}, "MissingAction"),
    ({"Action": "DescribeEvents", "Version": "2014-01-01"}, "NoSuchVersion"),
    ({"Action": ""}, "MissingAction"),
    ({"Action": "DeleteReplicationGroup", "ReplicationGroupId": "orders"}, "InvalidAction"),
    ({"Action": "startmigration", "ReplicationGroupId": "orders"}, "InvalidAction"),
    ({"Action": "A" * 4000}, "InvalidAction"),
    ({"Action": "StartMigration"}, "MissingParameter"),
    ({"Action": "StartMigration", "ReplicationGroupId": "orders"}, "MissingParameter"),
    ({"Action": "StartMigration", "CustomerNodeEndpointList.member.1.Address": "127.0.0.1",
      "CustomerNodeEndpointList.member.1.Port": "1"}, "MissingParameter"),
    ({"Action": "TestMigration", "ReplicationGroupId": "orders"}, "MissingParameter"),
    ({"Action": "CompleteMigration"}, "MissingParameter"),
    ({"Action": "StartMigration", "ReplicationGroupId": "orders", "CustomerNodeEndpointList": ""},
     "InvalidParameterValue"),
    ({**start_parameters("orders", ("127.0.0.1", "6379x"))}, "InvalidParameterValue"),
    ({**start_parameters("orders", ("127.0.0.1", "6379.0"))}, "InvalidParameterValue"),
    ({**start_parameters("orders", ("127.0.0.1", ""))}, "InvalidParameterValue"),
    ({**start_parameters("orders", ("127.0.0.1", "4294973675"))}, "InvalidParameterValue"),
    ({"Action": "CompleteMigration", "ReplicationGroupId": "orders", "Force": "perhaps"},
     "InvalidParameterValue"),
], ids=lambda p: repr(p)[:60])
def test_parameters_no_client_would_send(still, parameters, code):
    status_, got, message = fault(still.signed(parameters))
    assert (status_, got) == (400, code), message


@pytest.mark.parametrize("body", [
    b"", b"&&&&", b"=", b"%", b"%zz=1", b"Action=%C3%28", b"Action=StartMigration%00&ReplicationGroupId=orders",
    b"\xff\xfe\x00", b"Action=StartMigration&Action=CompleteMigration&ReplicationGroupId=orders",
    b"&".join(b"a%d=1" % i for i in range(5000)), b"{\"Action\": \"StartMigration\"}",
    b"Action=StartMigration&Version=2015-02-02&ReplicationGroupId=orders"
    b"&CustomerNodeEndpointList.member.99999999999999999999.Port=1",
    urllib.parse.urlencode(start_parameters("orders", ("127.0.0.1", 1))).encode() +
    b"&CustomerNodeEndpointList.member.3.Address=127.0.0.1&CustomerNodeEndpointList.member.3.Port=2",
], ids=lambda b: repr(b[:30]))
def test_bodies_that_are_no_form(still, body):
    status_, code, message = fault(still.signed(body))
    assert status_ == 400, message
    assert code in ("MissingAction", "NoSuchVersion", "InvalidParameterValue", "MalformedQueryString"), message


# --- who asks ---

def test_unknown_key(still):
    refused("InvalidClientTokenId", 403, still.boto3(STRANGER).complete_migration, ReplicationGroupId="orders")


def test_wrong_secret(still):
    client = still.boto3(OPERATOR._replace(secret=READER.secret))
    refused("SignatureDoesNotMatch", 403, client.describe_replication_groups)


def test_key_that_may_only_read(still):
    client = still.boto3(READER)
    assert status(client, "orders") == "available"
    client.describe_events()
    start = {"ReplicationGroupId": "orders", "CustomerNodeEndpointList": endpoints_of(still.source)}
    refused("AccessDenied", 403, client.start_migration, **start)
    refused("AccessDenied", 403, client.complete_migration, ReplicationGroupId="orders")
    test = {**start_parameters("orders", ("127.0.0.1", still.source.port)), "Action": "TestMigration"}
    assert fault(still.signed(test, READER))[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("skew", [-HOUR, -HOUR * 24 * 400, HOUR, datetime.timedelta(minutes=-16)], ids=str)
def test_date_that_is_not_now(still, monkeypatch, skew):
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4", type("Dated", (DatedAuth,), {"SKEW": skew}))
    client = still.boto3()
    refused("RequestExpired", 400, client.complete_migration, ReplicationGroupId="orders")


def test_clock_that_is_a_little_wrong(still, monkeypatch):
    skew = datetime.timedelta(minutes=-4)
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4", type("Dated", (DatedAuth,), {"SKEW": skew}))
    assert status(still.boto3(), "orders") == "available"


def test_old_request_replayed(still):
    """The same bytes as a client once sent."""
    body = encode(start_parameters("orders", ("127.0.0.1", still.source.port)))
    headers = still.sign(body, skew=-HOUR)
    assert fault(still.request("POST", "/", body, headers))[:2] == (400, "RequestExpired")
    headers = {**headers, "X-Amz-Date": still.sign(body)["X-Amz-Date"]}
    assert fault(still.request("POST", "/", body, headers))[:2] == (403, "SignatureDoesNotMatch")


def test_body_altered_on_its_way(still):
    client = still.boto3()

    def alter(request, **_):
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        assert b"nosuch" in body
        request.body = body.replace(b"nosuch", b"orders")

    client.meta.events.register("before-send.elasticache.*", alter)
    refused("SignatureDoesNotMatch", 403, client.complete_migration, ReplicationGroupId="nosuch")


@pytest.mark.parametrize("how", [{"service": "ec2"}, {"region": "us east"}, {"region": ""}], ids=repr)
def test_signature_for_something_else(still, how):
    status_, code, _ = fault(still.signed({"Action": "DescribeReplicationGroups"}, **how))
    assert status_ in (400, 403) and code in ("SignatureDoesNotMatch", "IncompleteSignature")


@pytest.mark.parametrize("header", [
    None, "", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=", "Basic dXNlcjpwYXNz", "Bearer token",
    "AWS4-HMAC-SHA256 Credential=AKIDOPERATOR/20150830/us-west-2/elasticache/aws4_request",
    "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0",
    "AWS4-HMAC-SHA256 " + "Credential=" * 500, "AWS3-HTTPS AWSAccessKeyId=AKIDOPERATOR",
], ids=lambda h: repr(h)[:40])
@pytest.mark.parametrize("listener", ["keys", "open"])
def test_request_that_is_not_signed(lab, shop, header, listener):
    """Also where no keys are configured: what a web page of anybody's could send is not accepted."""
    api = shop if listener == "keys" else open_shop(lab)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Amz-Date": "20150830T123600Z"}
    if header is not None:
        headers["Authorization"] = header
    with unchanged(api.daemon, "orders"):
        body = encode(start_parameters("orders", ("127.0.0.1", 1)))
        status_, code, _ = fault(api.request("POST", "/", body, headers))
    assert status_ in (400, 403)
    assert code in ("MissingAuthenticationToken", "IncompleteSignature", "InvalidClientTokenId",
                    "SignatureDoesNotMatch", "RequestExpired")
    if header is None:
        assert (status_, code) == (403, "MissingAuthenticationToken")


def open_shop(lab):
    api = Listener(lab)
    api.daemon.write_job("orders", None, "127.0.0.1:2")
    api.daemon.wait_job("orders")
    return api


def test_without_keys_any_signature_is_taken(lab):
    api = open_shop(lab)
    for key in (OPERATOR, STRANGER, STRANGER._replace(id="ASIA.odd=name", secret="x")):
        assert status(api.boto3(key), "orders") == "available"


# --- pages ---

def test_pages_of_many_groups(lab):
    api = Listener(lab)
    names = sorted(f"group-{i:03}" for i in range(125))
    for name in names:
        api.daemon.write_job(name, None, "127.0.0.1:2")
    wait_for(lambda: len(api.daemon.jobs()) == len(names), 20, "all groups")
    client = api.boto3()
    first = client.describe_replication_groups()
    assert len(first["ReplicationGroups"]) == 100 and first["Marker"]
    rest = client.describe_replication_groups(Marker=first["Marker"])
    assert len(rest["ReplicationGroups"]) == 25 and "Marker" not in rest
    paginator = client.get_paginator("describe_replication_groups")
    for size, pages in ((20, 7), (25, 5), (100, 2)):
        got = [[g["ReplicationGroupId"] for g in page["ReplicationGroups"]]
               for page in paginator.paginate(PaginationConfig={"PageSize": size})]
        assert len(got) == pages and [name for page in got for name in page] == names
    # A group that goes away between two pages, the one the marker stands at too, upsets nothing.
    page = client.describe_replication_groups(MaxRecords=20)
    for name in names[18:22]:
        api.daemon.remove_job(name)
    wait_for(lambda: len(api.daemon.jobs()) == len(names) - 4, 10, "four groups to be gone")
    following = client.describe_replication_groups(MaxRecords=20, Marker=page["Marker"])
    assert [g["ReplicationGroupId"] for g in following["ReplicationGroups"]] == names[22:42]


def test_pages_and_windows_of_events(lab):
    api = Listener(lab)
    target = lab.node()
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    client = api.boto3()
    api.daemon.write_job("orders", None, target, attach={"attempts": 1})
    api.daemon.wait_job("orders")
    api.daemon.write_job("other", None, lab.node())
    api.daemon.wait_job("other")
    for run in range(1, 16):
        client.start_migration(ReplicationGroupId="orders", CustomerNodeEndpointList=endpoints_of(free_port()))
        wait_for(lambda n=run: (api.daemon.job("orders")["run"], api.daemon.job("orders")["phase"]) ==
                 (n, "failed"), 20, f"run {run} to have failed")
    of_orders = {"SourceIdentifier": "orders", "SourceType": "replication-group"}
    paginator = client.get_paginator("describe_events")
    pages = list(paginator.paginate(**of_orders, PaginationConfig={"PageSize": 20}))
    events = [e for page in pages for e in page["Events"]]
    assert len(pages) > 1 and all(len(page["Events"]) == 20 for page in pages[:-1])
    everything = [e for page in paginator.paginate(**of_orders) for e in page["Events"]]
    assert events == everything
    assert {e["SourceIdentifier"] for e in events} == {"orders"}
    assert len([e for e in events if e["Message"].startswith("Starting migration operation for target ")]) == 15
    dates = [e["Date"] for e in events]
    assert dates in (sorted(dates), sorted(dates, reverse=True))

    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    everything = messages(client, "orders")
    assert messages(client, "orders", StartTime=begin, EndTime=end) == everything
    assert messages(client, "orders", Duration=5) == everything
    assert messages(client, "orders", StartTime=begin) == everything
    assert messages(client, "orders", StartTime=begin - HOUR, EndTime=begin) == []
    assert messages(client, "orders", EndTime=end, Duration=5) == everything
    assert messages(client, "orders", EndTime=begin, Duration=30) == []
    middle = sorted(dates)[len(dates) // 2]
    early = messages(client, "orders", StartTime=begin, EndTime=middle)
    assert 0 < len(early) < len(everything)
    others = client.describe_events(SourceIdentifier="other", SourceType="replication-group")["Events"]
    assert not [e for e in others if e["SourceIdentifier"] != "other"]
    assert client.describe_events(SourceType="cache-cluster")["Events"] == []
    # The name of a group that there is not, or no more, has no events; that is no error.
    assert messages(client, "nobody") == []
