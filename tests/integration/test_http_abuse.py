# SPDX-License-Identifier: Apache-2.0
"""What may be thrown at the TCP listener by anybody: the right answer, nothing changed, nobody held up."""
import contextlib
import os
import selectors
import socket
import ssl
import struct
import threading
import time

import pytest
from aws import (OPERATOR, Listener, Token, check_same_data, encode, endpoints_of, fault, start_parameters,
                 unchanged)
from harness import Lab
from waiting import FACTOR, stays, wait_for
from writers import check_no_lost

TOKEN = Token("ops", "token-of-the-operators-0123456789abcdef", "operate")
HOST = b"Host: 127.0.0.1\r\n"
AUTHORIZED = b"Authorization: Bearer " + TOKEN.token.encode() + b"\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
PROMPT_S = 0.25 * FACTOR  # an answer beside any abuse; what it takes alone is a millisecond
GROWTH_KB = 24 * 1024     # of memory: there were hundreds of connections with a buffer each


# --- the daemon, and what must be true of it afterwards ---

@pytest.fixture(scope="module")
def victim():
    lab = Lab()
    try:
        api = Listener(lab, [OPERATOR], [TOKEN])
        api.source, api.target = lab.pair(keys=10)
        api.daemon.write_job("orders", None, api.target)
        api.daemon.wait_job("orders")
        for _ in range(20):  # what is allocated once is allocated
            assert answer_of(api, HEALTH) == 200
        api.before = descriptors_of(api), api.daemon.rss_kb()
        yield api
    finally:
        lab.close()


@pytest.fixture(autouse=True)
def unharmed(victim):
    with unchanged(victim.daemon, "orders", victim.source, victim.target):
        yield
    assert answer_of(victim, HEALTH) == 200


def descriptors_of(api):
    """What each of the daemon's descriptors is, but for the one libuv has in reserve once it connects."""
    directory, found = f"/proc/{api.daemon.process.pid}/fd", {}
    for name in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(os.path.join(directory, name))
    return {number: what for number, what in found.items() if what != "/dev/null"}


def check_prompt(api):
    """The health of the daemon is told at once, at this door; the slowest of several."""
    begin = time.monotonic()
    assert answer_of(api, HEALTH) == 200
    spent = time.monotonic() - begin
    assert spent < PROMPT_S, f"the answer took {spent:.3f} s"


# --- raw connections ---

def answer_of(api, data, timeout=20):
    """The status of the first answer to these bytes; None when the connection is closed without one."""
    with api.connect(timeout) as sock:
        send(sock, data)
        return read_status(sock)


def send(sock, data):
    """As much as the other side takes before it has had enough."""
    with contextlib.suppress(ConnectionError):
        sock.sendall(data)


def read_status(sock):
    got = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n" not in got:
            chunk = sock.recv(4096)
            if not chunk:
                break
            got += chunk
    return int(got.split()[1]) if got.startswith(b"HTTP/1.") else None


def read_to_end(sock):
    got = b""
    with contextlib.suppress(ConnectionError):
        while chunk := sock.recv(65536):
            got += chunk
    return got


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def last(request):
    """The connection is closed behind it."""
    return request.replace(HOST, HOST + b"Connection: close\r\n")


def post(path, body, headers=b""):
    return b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n%s\r\n%s" % (path, HOST, len(body), headers, body)


def signed(api, parameters, body=None):
    """A request as AWS's clients make it, as bytes; body: what is sent in the place of what is signed."""
    right = encode(parameters)
    headers = "".join(f"{name}: {value}\r\n" for name, value in api.sign(right).items()).encode()
    return b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n%s\r\n%s" % (
        api.port, len(right if body is None else body), headers, right if body is None else body)


def start_of_orders(api):
    return start_parameters("orders", ("127.0.0.1", api.source.port))


# --- one bad request ---

TEN_MEBIBYTES = b"x" * (10 << 20)


@pytest.mark.parametrize("path", [b"/", b"/v1/jobs/orders/start"])
def test_body_of_ten_mebibytes(victim, path):
    assert answer_of(victim, post(path, TEN_MEBIBYTES, AUTHORIZED)) in (413, None)
    with victim.connect() as sock:
        sock.sendall(post(path, TEN_MEBIBYTES, AUTHORIZED)[:4096])
        assert read_status(sock) == 413, "told before it is sent"
    assert answer_of(victim, post(path, b"x" * (1 << 20), AUTHORIZED)) == 413
    huge = post(path, b"", AUTHORIZED).replace(b"Content-Length: 0", b"Content-Length: 18446744073709551616")
    assert answer_of(victim, huge) in (400, 413)


def test_body_of_ten_mebibytes_in_chunks(victim):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert answer_of(victim, CHUNKED + chunk * 160 + b"0\r\n\r\n") in (413, None)
    check_prompt(victim)


def test_body_that_waits_for_leave(victim):
    ask = post(b"/", TEN_MEBIBYTES, b"Expect: 100-continue\r\n")[:200]
    with victim.connect() as sock:
        send(sock, ask.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
        assert read_status(sock) in (413, 417)


def test_signed_body_in_chunks_is_a_request_like_any(victim):
    request = signed(victim, {"Action": "DescribeReplicationGroups"})
    head, body = request.split(b"\r\n\r\n", 1)
    head = head.replace(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    assert answer_of(victim, head + b"\r\n\r\n" + chunks) == 200


def test_body_that_differs_from_what_was_signed(victim):
    parameters = {"Action": "CompleteMigration", "ReplicationGroupId": "orders"}
    for body in (b"", b"\0", encode(start_of_orders(victim)), encode(parameters) + b"&Force=true"):
        assert answer_of(victim, signed(victim, parameters, body)) == 403


GET = b"GET /healthz HTTP/1.1\r\n" + HOST


def get(path):
    return b"GET %s HTTP/1.1\r\n%s%s\r\n" % (path, HOST, AUTHORIZED)


BAD = {  # bytes, and the answers that are right; None: the connection is closed without one
    "one header of 64 KiB": (GET + b"X: " + b"y" * 65536 + b"\r\n\r\n", {400, 413, 431}),
    "10,000 headers": (GET + b"X: y\r\n" * 10000 + b"\r\n", {400, 413, 431}),
    "header without an end": (GET + b"X" * 200000, {400, 413, 431}),
    "path of 64 KiB": (get(b"/" + b"a" * 65536), {400, 413, 414, 431}),
    "query of 5,000 pairs": (get(b"/v1/events?" + b"&".join(b"a%d=" % i for i in range(5000))),
                             {400, 413, 414, 431}),
    "percent zz in the path": (get(b"/v1/jobs/%zz"), {400, 404}),
    "percent cut short": (get(b"/v1/jobs/%"), {400, 404}),
    "NUL in the path, encoded": (get(b"/v1/jobs/orders%00x"), {400, 404}),
    "slash in the name, encoded": (post(b"/v1/jobs/orders%2fstart", b"{}", AUTHORIZED), {400, 404, 405}),
    "no UTF-8 in the path": (get(b"/v1/jobs/%ff%fe\xff"), {400, 404}),
    "climbing path": (get(b"/console/../../etc/passwd"), {400, 403, 404}),
    "climbing path, encoded": (get(b"/console/..%2f..%2fetc%2fpasswd"), {400, 403, 404}),
    "NUL in a header": (GET + b"X: a\0b\r\n\r\n", {200, 400}),
    "NUL in the request line": (get(b"/heal\0thz"), {400, 404, None}),
    "NULs": (b"\0" * 10000 + b"\r\n" + HEALTH, {200, 400, 413, 414, 431, None}),
    "lines without an end": (b"A" * 100000, {400, 413, 414, 431, None}),
    "empty lines": (b"\r\n" * 20000 + HEALTH, {200, 400, 413, 414, 431, None}),
    "no version": (b"GET /healthz\r\n\r\n", {400, 505, None}),
    "version to come": (b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n", {400, 505}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404, 405, 501, 505}),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", {400}),
    "unknown method": (b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n", {400, 405, 501}),
    "proxy": (b"CONNECT 127.0.0.1:6379 HTTP/1.1\r\n" + HOST + b"\r\n", {400, 403, 404, 405, 501}),
    "options for all": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", {200, 204, 400, 404, 405}),
    "length below zero": (post(b"/", b"").replace(b": 0\r", b": -1\r"), {400, 413}),
    "length that is no number": (post(b"/", b"").replace(b": 0\r", b": many\r"), {400, 413}),
    "two lengths": (post(b"/", b"", b"Content-Length: 5\r\n") + b"GET /", {400}),
    "length and chunks": (post(b"/", b"", b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", {400}),
    "chunk that is no number": (CHUNKED + b"ZZ\r\n", {400, None}),
    "chunk larger than memory": (CHUNKED + b"ffffffffffffffffff\r\n", {400, 413, None}),
    "unknown coding": (post(b"/", b"", b"Transfer-Encoding: gzip, chunked\r\n") + b"0\r\n\r\n",
                       {400, 501}),
    "RESP": (b"*1\r\n$4\r\nPING\r\n\r\n", {400, None}),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_request_has_its_answer(victim, kind):
    data, statuses = BAD[kind]
    with victim.connect(timeout=20) as sock:
        send(sock, data)
        assert read_status(sock) in statuses
    check_prompt(victim)


def test_tls_on_the_plain_port(victim):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with victim.connect() as sock, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(sock)
    check_prompt(victim)


def test_requests_in_a_row_with_garbage_behind_them(victim):
    """Each of them has its answer; the garbage is none of them."""
    for garbage in (b"\1\2\3\0\r\n\r\n", b"GARBAGE\r\n\r\n", b": : :\r\n\r\n"):
        with victim.connect() as sock:
            send(sock, HEALTH * 5 + garbage)
            got = b""
            while got.count(b"HTTP/1.1 ") < 6 and (chunk := sock.recv(65536)):
                got += chunk
        assert got.count(b"HTTP/1.1 200") == 5 and got.count(b"HTTP/1.1 2") == 5, got


def test_length_and_chunks_smuggle_nothing(victim):
    """Two readers of one request could take its end for different places; the rest must be no request."""
    start = b'{"source": "%s"}' % victim.source.endpoint.encode()
    hidden = post(b"/v1/jobs/orders/start", start, AUTHORIZED)
    for both in (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % (len(hidden) + 5),
                 b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: %d\r\n" % len(hidden)):
        with victim.connect() as sock:
            send(sock, b"POST /v1/jobs/nosuch/start HTTP/1.1\r\n" + HOST + AUTHORIZED + both +
                 b"\r\n0\r\n\r\n" + hidden + last(HEALTH))
            assert b" 202 " not in read_to_end(sock)


def test_half_requests(victim):
    """Cut at every place, by an end, a reset or half an end: as long as a request is not whole it is none."""
    whole = signed(victim, start_of_orders(victim))
    waiting = []
    for number, length in enumerate([*range(0, len(whole), 11), len(whole) - 1]):
        sock = victim.connect(timeout=30)
        send(sock, whole[:length])
        if number % 3 == 0:
            sock.close()
        elif number % 3 == 1:
            reset(sock)
        else:
            sock.shutdown(socket.SHUT_WR)
            waiting.append(sock)
    check_prompt(victim)
    for sock in waiting:
        assert read_status(sock) in (None, 400, 408)
        sock.close()


# --- many at once ---

class Dribblers(threading.Thread):
    """n clients that each send one byte now and then, of something that never ends."""

    KINDS = {
        "header": (b"GET /healthz HTTP/1.1\r\nX-Never-Ending: ", b"a"),
        "headers": (b"GET /healthz HTTP/1.1\r\n", b"X: y\r\n"),
        "body": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 60000\r\n\r\n", b"A"),
        "chunks": (CHUNKED, b"1\r\nA\r\n"),
        "line": (b"", b"G"),
        "silence": (b"", b""),
        "reads nothing": (HEALTH * 40, b""),
    }

    def __init__(self, api, n=100):
        super().__init__(daemon=True)
        self.ended = threading.Event()
        kinds = list(self.KINDS.values())
        self.clients = [(api.connect(), *kinds[i % len(kinds)]) for i in range(n)]
        for sock, begin, _ in self.clients:
            sock.sendall(begin)

    def run(self):
        while not self.ended.wait(0.02):
            for sock, _, more in self.clients:
                with contextlib.suppress(OSError):
                    sock.send(more)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
        for sock, *_ in self.clients:
            sock.close()


def test_hundred_slow_clients_hold_nobody_up(victim):
    with Dribblers(victim):
        for _ in range(50):
            check_prompt(victim)
        client = victim.boto3()
        assert client.describe_replication_groups()["ReplicationGroups"][0]["Status"] == "available"


def test_more_connections_than_there_may_be(victim):
    """Those over the limit wait; the control socket is another door; silent ones are shown out in time."""
    most = 0
    with contextlib.ExitStack() as stack:
        for number in range(800):
            try:
                stack.enter_context(socket.create_connection(("127.0.0.1", victim.port), timeout=2))
            except TimeoutError:
                break
            if number > 500:
                most = max(most, len(descriptors_of(victim)))
        assert most > 500, "as many connections as there may be"
        stays(lambda: victim.daemon.http("GET", "/healthz")[0] == 200, 0.5, "the control socket to answer")
        begin = time.monotonic()
        wait_for(lambda: is_healthy(victim), 60, "an answer at the door that is flooded")
        assert time.monotonic() - begin < 25 * FACTOR
    assert most < 600
    check_prompt(victim)


def is_healthy(api):
    try:
        return answer_of(api, HEALTH, timeout=2) == 200
    except TimeoutError:
        return False


def test_connections_that_come_and_go(victim):
    for round_ in range(10):
        socks = [victim.connect() for _ in range(100)]
        for number, sock in enumerate(socks):
            send(sock, HEALTH[:number])
            (reset if round_ % 2 else socket.socket.close)(sock)
    wait_for(lambda: answer_of(victim, HEALTH) == 200, 10, "an answer after the storm")
    check_prompt(victim)


def test_thousands_of_refusals_leave_nothing_behind(victim):
    wrong = signed(victim, start_of_orders(victim), b"Action=StartMigration")
    unsigned = post(b"/", encode(start_of_orders(victim)))
    batch = (wrong + unsigned + post(b"/v1/jobs/orders/start", b"{}")) * 10

    def refuse(rounds):
        for _ in range(rounds):
            with victim.connect() as sock:
                send(sock, batch + last(HEALTH))
                got = read_to_end(sock)
                assert (got.count(b"HTTP/1.1 40"), got.count(b"HTTP/1.1 200")) == (30, 1)

    refuse(20)
    before = victim.daemon.rss_kb()
    refuse(100)
    if FACTOR == 1:
        assert victim.daemon.rss_kb() - before < 2048


class Vandals(threading.Thread):
    """Sends everything bad there is, over and over, and closes without waiting."""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api, self.ended, self.sent = api, threading.Event(), 0

    def run(self):
        selector = selectors.DefaultSelector()
        while not self.ended.is_set():
            for data, _ in BAD.values():
                with contextlib.suppress(OSError), self.api.connect() as sock:
                    send(sock, data)
                    selector.register(sock, selectors.EVENT_READ)
                    selector.select(0.01)
                    selector.unregister(sock)
                self.sent += 1
                if self.ended.wait(0.002):
                    break
        selector.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def test_migration_goes_on_beside_all_that(lab, victim):
    """Begun, brought into sync and completed while the listener is abused; no write is lost."""
    source, target = lab.slow_pair(keys=2000, key_delay_us=200)
    victim.daemon.write_job("beside", None, target)
    victim.daemon.wait_job("beside")
    client = victim.boto3()
    writers = lab.writers(source, target)
    with Dribblers(victim), Vandals(victim) as vandals:
        client.start_migration(ReplicationGroupId="beside", CustomerNodeEndpointList=endpoints_of(source))
        victim.daemon.wait_phase("beside", "replicating", timeout=30)
        check_prompt(victim)
        writers.wait_acks(1000)
        client.complete_migration(ReplicationGroupId="beside")
        job = victim.daemon.wait_phase("beside", "completed")
        check_prompt(victim)
        writers.wait_acks(1000)
        assert vandals.sent > 0
    assert job["cutover"]["write_gap_ms"] < 1000 * FACTOR
    check_no_lost(writers, target)
    check_same_data(source, target)
    victim.daemon.remove_job("beside")
    wait_for(lambda: victim.daemon.job("beside") is None, 10, "the group to be forgotten")


def test_errors_quote_what_was_sent_as_text(victim):
    """Names with markup, control characters or no UTF-8 make well-formed XML all the same."""
    for name in ("<b>&\"'", "]]>", "\x01\x02\x7f", "\ufffe\uffff", "a" * 4000, "%s%n%s"):
        status, code, _ = fault(victim.signed({"Action": "CompleteMigration", "ReplicationGroupId": name}))
        assert (status, code) in ((404, "ReplicationGroupNotFoundFault"), (400, "InvalidParameterValue")), name
    for raw in (b"\xff\xfe", b"%ff%fe", b"%c0%80", b"%ed%a0%80", b"%00", b"%0d%0aX:%20y"):
        body = b"Action=CompleteMigration&Version=2015-02-02&ReplicationGroupId=" + raw
        status, code, _ = fault(victim.signed(body))
        assert (status, code) in ((404, "ReplicationGroupNotFoundFault"), (400, "InvalidParameterValue"),
                                  (400, "MalformedQueryString")), raw


def test_at_the_end_everything_has_been_given_back(victim):
    """After all of the above."""
    descriptors, memory = victim.before
    wait_for(lambda: len(descriptors_of(victim)) <= len(descriptors), 30,
             lambda: f"{descriptors} to be left of {descriptors_of(victim)}")
    if FACTOR == 1:
        assert victim.daemon.rss_kb() - memory < GROWTH_KB
