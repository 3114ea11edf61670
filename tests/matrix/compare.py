# SPDX-License-Identifier: Apache-2.0
"""
Whether two nodes hold the same, read type by type: no server's own digest means the same in all versions.

Contents are {(database, key): (type, value, when it ends in Unix ms or None)}, and the functions.
"""
from redis_node import RedisError

PAGE = 500
FUNCTIONS = "functions"
TTL_TOLERANCE_MS = 2000    # the clock and the time left are not read at the same instant
TOLD = 5                   # differences that are named
NO_DEADLINE = -1           # of a field
GONE = -2                  # a key that ended meanwhile has no time left


def pages(items):
    for first in range(0, len(items), PAGE):
        yield items[first:first + PAGE]


def ask(client, commands):
    """The replies to any number of commands."""
    replies = [reply for page in pages(commands) for reply in client.pipeline(page)]
    for reply in replies:
        if isinstance(reply, RedisError):
            raise reply
    return replies


def mapping(flat):
    return dict(zip(flat[::2], flat[1::2]))


def read_hash(client, key):
    fields = mapping(client.cmd("HGETALL", key))
    names = sorted(fields)
    try:
        ends = client.cmd("HPEXPIRETIME", key, "FIELDS", len(names), *names)
    except RedisError:  # a server without deadlines of fields
        ends = [NO_DEADLINE] * len(names)
    return [(name, fields[name], end) for name, end in zip(names, ends)]


def read_group(client, key, group):
    """A group, who reads in it, and what was given to whom how often."""
    name = group["name"]
    consumers = [mapping(consumer)["name"] for consumer in client.cmd("XINFO", "CONSUMERS", key, name)]
    pending = client.cmd("XPENDING", key, name, "-", "+", 100000)
    return (name, group["last-delivered-id"], sorted(consumers),
            [(entry, consumer, times) for entry, consumer, _, times in pending])


def read_stream(client, key):
    info = mapping(client.cmd("XINFO", "STREAM", key))
    groups = map(mapping, client.cmd("XINFO", "GROUPS", key))
    return (info["last-generated-id"], client.cmd("XRANGE", key, "-", "+"),
            sorted(read_group(client, key, group) for group in groups))


def read_vectors(client, key):
    elements = sorted(client.cmd("VRANDMEMBER", key, client.cmd("VCARD", key)))
    return [(element, client.cmd("VEMB", key, element)) for element in elements]


def read_scores(client, key):
    """Versions write the same number in different ways."""
    flat = client.cmd("ZRANGE", key, 0, -1, "WITHSCORES")
    return [(member, float(score)) for member, score in zip(flat[::2], flat[1::2])]


READERS = {
    "list": lambda client, key: client.cmd("LRANGE", key, 0, -1),
    "set": lambda client, key: sorted(client.cmd("SMEMBERS", key)),
    "zset": read_scores,
    "hash": read_hash,
    "stream": read_stream,
    "vectorset": read_vectors,
}


def as_sent(key):
    """A key as it was read, as it is sent again: any bytes."""
    return key.encode(errors="surrogateescape")


def read_values(client, keys, types):
    """Many strings at once, each of the others as its type wants it."""
    plain = [key for key, kind in zip(keys, types) if kind == "string"]
    values = iter([value for page in pages(plain) for value in client.cmd("MGET", *page)])
    for key, kind in zip(keys, types):
        yield next(values) if kind == "string" else READERS[kind](client, key) if kind in READERS else None


def read_database(client, db, ignore):
    client.cmd("SELECT", db)
    names = [key for key in client.cmd("KEYS", "*") if not (ignore and key.startswith(ignore))]
    keys = [as_sent(name) for name in names]
    types = ask(client, [("TYPE", key) for key in keys])
    values = list(read_values(client, keys, types))
    seconds, microseconds = map(int, client.cmd("TIME"))
    now = seconds * 1000 + microseconds // 1000
    for name, kind, value, left in zip(names, types, values, ask(client, [("PTTL", key) for key in keys])):
        if left != GONE:
            yield (db, name), (kind, value, now + left if left >= 0 else None)


def without(held, prefix):
    """The same contents, but for the keys that begin so."""
    return {key: entry for key, entry in held.items() if key == FUNCTIONS or not key[1].startswith(prefix)}


def contents(node, ignore=None):
    """All that a node holds, but keys that begin with ignore."""
    client = node.connect(timeout=60)
    try:
        databases = [int(name[2:]) for name in node.info("keyspace") if name.startswith("db")]
        held = {key: entry for db in databases for key, entry in read_database(client, db, ignore)}
        if node.knows("FUNCTION"):
            libraries = map(mapping, client.cmd("FUNCTION", "LIST", "WITHCODE"))
            held[FUNCTIONS] = sorted((library["library_name"], library["library_code"]) for library in libraries)
        return held
    finally:
        client.close()


def alike(one, other):
    if one[:2] != other[:2] or (one[2] is None) != (other[2] is None):
        return False
    return one[2] is None or abs(one[2] - other[2]) <= TTL_TOLERANCE_MS


def differences(one, other):
    """In words: what is not the same in both, one for each key."""
    functions = one.get(FUNCTIONS, []) == other.get(FUNCTIONS, [])
    found = [] if functions else [FUNCTIONS]
    for key in sorted((set(one) | set(other)) - {FUNCTIONS}):
        if key not in one or key not in other:
            found.append(f"{key}: only the {'second' if key not in one else 'first'} has it")
        elif not alike(one[key], other[key]):
            found.append(f"{key}: {str(one[key])[:60]} and {str(other[key])[:60]}")
    return found


def tell(found):
    """The first few of them, in one line."""
    more = len(found) - TOLD
    return "; ".join(found[:TOLD]) + (f"; and {more} more" if more > 0 else "")
