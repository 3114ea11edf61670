# SPDX-License-Identifier: Apache-2.0
"""Data of every type, small and large enough for each of its encodings, in several databases."""
import random

DATABASES = (0, 3, 15)
PLAIN_KEYS = 500
TTL_S = 7200
PAGE = 500             # commands in one pipeline
FUNCTION = """#!lua name={library}
redis.register_function{{function_name='{library}_get', flags={{'no-writes'}},
    callback=function(keys) return redis.call('GET', keys[1]) end}}"""


def strings(key, dice):
    for number in range(PLAIN_KEYS):
        yield "SET", f"{key}plain:{number}", f"value {number}"
    yield "SET", f"{key}integer", 2 ** 62
    yield "SET", f"{key}empty", ""
    yield "SET", f"{key}compressible", "abc" * 20000
    yield "SET", f"{key}binary", dice.randbytes(300)
    yield "SET", f"{key}big", dice.randbytes(1 << 19)
    yield "SET", key.encode() + b"name\r\n\x00\xff\xc3\x28", "a name that is no text"
    yield "APPEND", f"{key}appended", "one"
    yield "APPEND", f"{key}appended", "two"
    yield "SETBIT", f"{key}bitmap", 70001, 1
    yield "BITFIELD", f"{key}bitmap", "SET", "i13", "#9", -77
    yield ("PFADD", f"{key}loglog:sparse", *range(5))
    yield ("PFADD", f"{key}loglog:dense", *range(3000))


def lists(key, dice):
    yield ("RPUSH", f"{key}list:small", "a", "", 3, -4)
    for _ in range(4):
        yield ("RPUSH", f"{key}list:long", *[dice.randbytes(120) for _ in range(100)])
    yield "RPUSH", f"{key}list:big", dice.randbytes(9000), "beside a big one"


def sets(key, dice):
    for name, low in (("16", -300), ("32", 1 << 20), ("64", 1 << 40)):
        yield ("SADD", f"{key}intset:{name}", *range(low, low + 50))
    yield ("SADD", f"{key}set:small", "a", "b", "", 7)
    yield ("SADD", f"{key}set:large", *[f"member {n}" for n in range(700)])
    yield "SADD", f"{key}set:wide", dice.randbytes(200), "narrow"


def hashes(key, dice):
    yield "HSET", f"{key}hash:small", "field", "value", "", "", "number", 12
    yield ("HSET", f"{key}hash:large", *[text for n in range(700) for text in (f"field {n}", f"value {n}")])
    yield "HSET", f"{key}hash:wide", "field", dice.randbytes(200)


def sorted_sets(key, dice):
    yield "ZADD", f"{key}zset:small", "-inf", "least", "+inf", "most", "0.1", "tenth", "-1e300", "far"
    yield ("ZADD", f"{key}zset:large", *[item for n in range(300) for item in (dice.uniform(-1e9, 1e9), f"m{n}")])
    yield "GEOADD", f"{key}geo", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"


def streams(key, _):
    stream = f"{key}stream"
    for n in range(1, 261):
        yield "XADD", stream, f"{n}-{n % 7}", "field", f"value {n}", "same", "field"
    yield "XADD", stream, "261-0", "other", "fields"
    yield "XDEL", stream, "3-3", "150-3"
    yield "XTRIM", stream, "MAXLEN", 240
    yield "XGROUP", "CREATE", stream, "readers", 0
    yield "XREADGROUP", "GROUP", "readers", "anna", "COUNT", 20, "STREAMS", stream, ">"
    yield "XREADGROUP", "GROUP", "readers", "bert", "COUNT", 10, "STREAMS", stream, ">"
    yield "XACK", stream, "readers", "30-2", "45-3"
    yield "XGROUP", "CREATE", stream, "latecomers", "$"
    yield "XGROUP", "CREATE", f"{key}stream:empty", "waiting", 0, "MKSTREAM"


def expiries(key, _):
    """Of each type one that ends in a while; and what has ended before anybody looks at it."""
    for number in range(PLAIN_KEYS // 5):
        yield "EXPIRE", f"{key}plain:{number}", TTL_S + number
    for name in ("list:long", "intset:16", "hash:large", "zset:large", "stream:empty", "loglog:dense"):
        yield "PEXPIRE", f"{key}{name}", TTL_S * 1000 + 123
    yield "SET", f"{key}set-with-ttl", "value", "EX", TTL_S
    yield "SET", f"{key}short", "value", "PX", 30


def field_ttl(key):
    """A hash of which a field ends in a while."""
    return [("HSET", f"{key}hash:field-ttl", "stays", 1, "ends", 2),
            ("HPEXPIRE", f"{key}hash:field-ttl", TTL_S * 1000, "FIELDS", 1, "ends")]


def vector_set(key):
    return [("VADD", f"{key}vectors", "VALUES", 3, n, n + 1, -n, f"element {n}") for n in range(1, 6)]


KINDS = (strings, lists, sets, hashes, sorted_sets, streams, expiries)
EXTRAS = {"field-ttl": field_ttl, "vector-sets": vector_set}


def run(client, commands):
    """Runs them all; the first error reply is raised."""
    for first in range(0, len(commands), PAGE):
        for reply in client.pipeline(commands[first:first + PAGE]):
            if isinstance(reply, Exception):
                raise reply


def fill(node, prefix, extra=None):
    """Data of every kind under that prefix; extra, of EXTRAS: what few servers have, in the last database."""
    dice = random.Random(prefix)
    client = node.connect(timeout=30)
    try:
        for db in DATABASES:
            run(client, [("SELECT", db), *[command for kind in KINDS for command in kind(f"{prefix}:", dice)]])
        if extra:
            run(client, EXTRAS[extra](f"{prefix}:"))
        if node.knows("FUNCTION"):
            client.cmd("FUNCTION", "LOAD", FUNCTION.format(library=prefix))
    finally:
        client.close()
