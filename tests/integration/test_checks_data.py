# SPDX-License-Identifier: Apache-2.0
"""Checks of whether each node can take in what the other has. Those that need servers of other versions find them in
$ECMIGRATE_SERVERS; all pairs of versions: tests/unit/test_dump.c."""
import shutil
import subprocess

import pytest
from checks_stage import VERSIONS, Stage, plain_node
from harness import wait_for


def nodes(lab, source, target, *args, target_args=()):
    return (plain_node(lab, *args, name="source", version=source),
            plain_node(lab, *target_args, name="target", version=target))


# --- dumps ---

def test_dump_that_the_target_cannot_read(lab, daemon):
    source, target = nodes(lab, "redis80", "valkey81")
    stage = Stage(daemon, source, target)
    stage.finds("rdb-version", "error", "valkey 8.1.1 cannot read the dump of redis 8.0.2", source="redis 8.0.2",
                target="valkey 8.1.1", lines=0)
    newer = plain_node(lab, name="newer", version="redis80")  # as next_step has it
    Stage(daemon, source, newer, job="newer").is_fine("rdb-version")


def test_dump_that_the_target_reads_when_told_to(lab, daemon):
    source, target = nodes(lab, "redis80", "valkey91")
    source.cmd("SET", "k", "v")
    stage = Stage(daemon, source, target)
    stage.finds("rdb-version", "notice", "relaxed", lines=0)
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating")
    assert target.cmd("GET", "k") == "v"
    daemon.verb(stage.job, "abort")
    daemon.wait_phase(stage.job, "failed")
    assert target.config()["rdb-version-check"] == "strict"
    target.set_config("rdb-version-check", "relaxed")
    stage.is_fine("rdb-version")


@pytest.mark.parametrize("version", VERSIONS)
def test_two_of_a_kind_have_nothing_to_fear(lab, daemon, version):
    """As their products set them; redis 6.0 never saves when it is given arguments instead of a file."""
    source, target = nodes(lab, version, version)
    found = Stage(daemon, source, target).results()
    assert set(found) == ({"persistence-off"} if version == "redis60" else set()), found


# --- fields with an expiry ---

def field_ttl(node, *fields):
    node.cmd("HSET", "h", "a", "1", "b", "2")
    node.cmd("HEXPIRE", "h", "1000", "FIELDS", len(fields), *fields)


def keys_of(node):
    return sum(int(line.split("=")[1].split(",")[0]) for line in node.info("keyspace").values())


def migrates(daemon, stage):
    daemon.verb(stage.job, "start")
    daemon.wait_phase(stage.job, "replicating")
    assert keys_of(stage.target) == keys_of(stage.source) > 0


@pytest.mark.parametrize("source, target", [("valkey91", "valkey81"), ("valkey91", "redis80"), ("redis80", "valkey91"),
                                            ("redis80", "redict73")])
def test_fields_with_an_expiry_that_the_target_does_not_take(lab, daemon, source, target):
    source, target = nodes(lab, source, target)
    stage = Stage(daemon, source, target)
    stage.is_fine("field-ttl")
    field_ttl(source, "a")
    stage.finds("field-ttl", "error", "1 hashes", source="1 hashes", target=" ", lines=0)
    source.cmd("DEL", "h")  # and written anew
    source.cmd("HSET", "h", "a", "1", "b", "2")
    assert stage.result("field-ttl")["severity"] in ("ok", "warning")
    stage.write(checks={"waive": ["commands-missing"]})
    migrates(daemon, stage)


def test_fields_whose_expiry_is_taken_off(lab, daemon):
    """Valkey writes such a hash as any other then. Redis does not: its count stays, and so does the check."""
    source, target = nodes(lab, "valkey91", "valkey81")
    field_ttl(source, "a")
    source.cmd("HPERSIST", "h", "FIELDS", 1, "a")
    stage = Stage(daemon, source, target, checks={"waive": ["commands-missing"]})
    stage.is_fine("field-ttl")
    migrates(daemon, stage)
    other, reader = nodes(lab, "redis80", "valkey91")
    field_ttl(other, "a")
    other.cmd("HPERSIST", "h", "FIELDS", 1, "a")
    Stage(daemon, other, reader, job="other").finds("field-ttl", "error")


def test_small_hash_of_redis_keeps_its_form_when_its_fields_have_expired(lab, daemon):
    source, target = nodes(lab, "redis80", "valkey91")
    source.cmd("HSET", "h", "a", "1", "b", "2")
    source.cmd("HPEXPIRE", "h", "1", "FIELDS", 1, "a")
    wait_for(lambda: source.cmd("HLEN", "h") == 1, 10, "the field to expire")
    assert source.cmd("OBJECT", "ENCODING", "h") == "listpackex" and "subexpiry=0" in source.info("keyspace")["db0"]
    stage = Stage(daemon, source, target)
    stage.finds("field-ttl", "warning", "may keep a form that valkey 9.1.2 cannot take in")
    source.cmd("DEL", "h")
    source.cmd("HSET", "h", "b", "2")
    migrates(daemon, stage)


def test_two_that_know_fields_with_an_expiry(lab, daemon):
    source, target = nodes(lab, "redis80", "redis80")
    field_ttl(source, "a")
    stage = Stage(daemon, source, target)
    stage.is_fine("field-ttl")
    migrates(daemon, stage)


# --- vector sets ---

def test_vector_sets(lab, daemon):
    source, target = nodes(lab, "redis80", "redict73")
    stage = Stage(daemon, source, target)
    stage.is_fine("vector-sets")
    source.cmd("MSET", *(x for i in range(300) for x in (f"k{i}", i)))
    source.cmd("VADD", "points", "VALUES", 2, "1", "2", "one")
    stage.finds("vector-sets", "error", "among 301 keys", "'points'", source="1 among 301 keys", lines=0)
    source.cmd("DEL", "points")
    stage.is_fine("vector-sets")


def test_vector_sets_beyond_what_is_looked_at(lab, daemon):
    source, target = nodes(lab, "redis80", "redict73")
    for db in range(5):
        source.cmd("SELECT", db)
        source.cmd("SET", "k", 1)
    stage = Stage(daemon, source, target)
    stage.finds("vector-sets", "notice", "none is among 4 keys", "of 5", lines=0)
    source.cmd("FLUSHALL")
    stage.is_fine("vector-sets")


def test_vector_sets_that_may_not_be_looked_for(lab, daemon):
    source, target = nodes(lab, "redis80", "redict73")
    source.cmd("SET", "k", 1)
    source.cmd("ACL", "SETUSER", "eve", "on", ">pw", "+@all", "-scan", "-select", "~*", "&*")
    stage = Stage(daemon, source, target, of_source={"username": "eve", "password": "pw"})
    stage.finds("vector-sets", "notice", "is not known", lines=1)
    stage.cures("vector-sets")


# --- the way back ---

def test_no_copy_back(lab, daemon):
    source, target = nodes(lab, "redis70", "valkey80")
    stage = Stage(daemon, source, target)
    stage.finds("one-way", "warning", "no full copy can go back", source="redis 7.0.15", target="valkey 8.0.1", lines=0)
    stage.write(cutover={"reverse": False})
    stage.is_fine("one-way")


def test_what_redis_60_drops_on_the_way_back(lab, daemon):
    source, target = nodes(lab, "redis60", "valkey91")
    message = Stage(daemon, source, target).finds("one-way", "warning", "no full copy", "SET with EX or PX", "copy")
    assert message["message"].endswith(" more")


def test_copy_back_that_has_to_be_allowed(lab, daemon):
    source, target = nodes(lab, "valkey91", "redict73")
    stage = Stage(daemon, source, target)
    stage.finds("one-way", "warning", "no full copy can go back", lines=1)
    stage.cures("one-way")
    assert source.config()["rdb-version-check"] == "relaxed"


def test_newer_commands_on_the_way_back(lab, daemon):
    source, target = nodes(lab, "valkey81", "valkey91")
    stage = Stage(daemon, source, target)
    stage.finds("one-way", "notice", "the old source drops: hexpire, hexpireat", lines=0)
    assert not {"rdb-version", "commands-missing"} & set(stage.results())


# --- modules ---

MODULE = r"""
typedef int get_api(const char *name, void *ret);
int RedisModule_OnLoad(void **ctx, void **argv, int argc)
{
    void (*attributes)(void *, const char *, int, int);
    ((get_api *)ctx[0])("RedisModule_SetModuleAttribs", &attributes);
    attributes(ctx, "beads", 1, 1);
    return 0;
}
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    if not shutil.which("cc"):
        pytest.skip("no cc, to build a module")
    directory = tmp_path_factory.mktemp("module")
    (directory / "beads.c").write_text(MODULE)
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", directory / "beads.so", directory / "beads.c"], check=True)
    return str(directory / "beads.so")


@pytest.mark.parametrize("version", [None, "redis60", "valkey91"])
def test_module_that_the_target_lacks(lab, daemon, module, version):
    load = [] if version == "redis60" else ["--enable-module-command", "yes"]
    source = plain_node(lab, "--loadmodule", module, version=version, name="source")
    target = plain_node(lab, *load, version=version, name="target")
    stage = Stage(daemon, source, target)
    stage.finds("modules-missing", "error", "beads", source="beads", lines=0)
    target.cmd("MODULE", "LOAD", module)
    stage.is_fine("modules-missing")
    target.cmd("MODULE", "UNLOAD", "beads")
    stage.write(checks={"waive": ["modules-missing"]})
    waived = stage.result("modules-missing")
    assert waived["severity"] == "error" and waived["passed"] and waived["waived"]
    Stage(daemon, target, source, job="back").is_fine("modules-missing")


# --- commands ---

def rename(node, command, name='""'):
    """As a configuration file does it, with a restart."""
    node.args = (*node.args, "--rename-command", command, name)
    node.restart()


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_command_that_is_renamed_at_the_target(lab, daemon, version):
    """COMMAND INFO knows names as they are called, and so does what applies a source's writes."""
    source, target = nodes(lab, version, version)
    before = target.args
    rename(target, "INCR", "increase")
    stage = Stage(daemon, source, target)
    stage.finds("commands-missing", "warning", "not in use", "target: incr", lines=0)
    source.cmd("INCR", "n")
    stage.finds("commands-missing", "error", "in use at the source, and unknown at the target: incr", lines=0)
    target.args = before
    target.restart()
    stage.is_fine("commands-missing")


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_command_that_is_renamed_at_the_source(lab, daemon, version):
    """The stream has the other name."""
    source, target = nodes(lab, version, version)
    rename(source, "INCR", "increase")
    stage = Stage(daemon, source, target)
    stage.is_fine("commands-missing")  # it may be disabled, or not in use
    source.cmd("INCREASE", "n")
    stage.finds("commands-missing", "error", "under another name", "know: incr", lines=0)
    rename(target, "INCR", "increase")
    stage.is_fine("commands-missing")
    migrates(daemon, stage)
    source.cmd("INCREASE", "n")
    wait_for(lambda: target.cmd("GET", "n") == "2", 10, "the write to come by that name")


def test_command_that_was_refused_only_is_not_in_use(lab, daemon):
    source, target = lab.pair(keys=0)
    rename(target, "INCR")
    source.client.pipeline([("INCR", "too", "many")])
    assert "cmdstat_incr" in source.info("commandstats")
    Stage(daemon, source, target).finds("commands-missing", "warning", "incr")


def test_commands_that_may_not_be_asked_for(lab, daemon):
    source, target = lab.pair()
    for node in (source, target):
        node.cmd("ACL", "SETUSER", "eve", "on", ">pw", "+@all", "-command", "~*", "&*")
    eve = {"username": "eve", "password": "pw"}
    stage = Stage(daemon, source, target, of_source=eve, of_target=eve)
    stage.finds("commands-missing", "notice", "could not be asked", lines=2)
    stage.cures("commands-missing")


# --- databases ---

def test_target_with_fewer_databases(lab, daemon):
    source = lab.node("--databases", "32", name="source")
    target = lab.node(name="target")
    stage = Stage(daemon, source, target)
    stage.finds("databases-too-few", "warning", "32", "16", source="32", target="16", lines=0)
    client = source.connect()
    client.pipeline([("SELECT", "15"), ("SET", "k", "1")])
    stage.finds("databases-too-few", "warning", source="up to database 15")
    client.pipeline([("SELECT", "16"), ("SET", "k", "1")])
    stage.finds("databases-too-few", "error", "keys in database 16", "has 16", source="up to database 16", lines=0)
    client.close()
    target.args = ("--databases", "32")
    target.restart()
    stage.is_fine("databases-too-few")
    migrates(daemon, stage)
