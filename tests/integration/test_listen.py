# SPDX-License-Identifier: Apache-2.0
"""The API over TCP: where it may listen, who is let in, TLS, and how all that changes by a reload."""
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess

import pytest

from redis_node import free_port
from waiting import FACTOR, wait_for

READ_TOKEN = "0123456789abcdef-read"
OPERATE_TOKEN = "0123456789abcdef-operate"
SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
NOBODY = 65534
SECONDS = 10


class Listener:
    """A daemon that listens on a TCP port; files of its own for secrets and certificates."""

    def __init__(self, lab, host="127.0.0.1"):
        self.daemon = lab.daemon(start=False)
        self.host, self.port = host, free_port()
        self.context = None
        self.api = {}

    def path(self, name):
        return os.path.join(self.daemon.dir, name)

    def write(self, name, text):
        """At its place in one step."""
        with open(self.path(name + ".new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def configure(self, **api):
        self.api = api
        self.daemon.configure(listen=f"{self.host}:{self.port}", **({"api": api} if api else {}))

    def with_tokens(self, **more):
        self.write("read", READ_TOKEN + "\n")
        self.write("operate", OPERATE_TOKEN + "\n")
        self.configure(tokens=[{"name": "eyes", "token_file": self.path("read")},
                               {"name": "ops", "token_file": self.path("operate"),
                                "actions": "operate"}], **more)

    def with_certificate(self, name="localhost", days=30, curve="prime256v1"):
        """A new self-signed certificate; returns the context of a client that trusts no other."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        f"ec_paramgen_curve:{curve}", "-nodes", "-days", str(days), "-subj",
                        f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
                        self.path("key.new"), "-out", self.path("cert.new")],
                       check=True, capture_output=True)
        os.rename(self.path("key.new"), self.path("key"))
        os.rename(self.path("cert.new"), self.path("cert"))
        return ssl.create_default_context(cafile=self.path("cert"))

    def tls(self):
        return {"cert_file": self.path("cert"), "key_file": self.path("key")}

    def start(self):
        self.daemon.start()

    def starts_not(self):
        """What is said by a daemon that refuses to start."""
        self.daemon.spawn()
        assert self.daemon.process.wait(SECONDS * FACTOR) == 1
        return self.daemon.log_tail()

    def reload(self, line="reloaded"):
        """Waits for the line that this reload logs; returns all lines it has logged up to there."""
        before = len(self.daemon.log_lines())
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any(line in text for text in self.daemon.log_lines()[before:]), SECONDS,
                 f"a line '{line}'")
        return "".join(self.daemon.log_lines()[before:])

    def connect(self, context=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS * FACTOR)
        if context:
            connection = http.client.HTTPSConnection("localhost", self.port, context=context,
                                                     timeout=SECONDS * FACTOR)
        return connection

    def ask(self, method, path, token=None, body=None, context=None, **headers):
        """(status, decoded answer, headers)"""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        with contextlib.closing(self.connect(context)) as connection:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            text = response.read().decode()
        with contextlib.suppress(ValueError):
            text = json.loads(text)
        return response.status, text, response.headers

    def status(self, *args, **options):
        return self.ask(*args, **options)[0]

    def refusal(self, *args, **options):
        """(status, code) of a request that is refused, which has to say what to do."""
        status, answer, _ = self.ask(*args, **options)
        assert answer["error"]["message"] and answer["error"]["hint"]
        return status, answer["error"]["code"]

    def log(self):
        return "".join(self.daemon.log_lines())


@pytest.fixture
def listener(lab):
    return Listener(lab)


# --- where it may listen ---

def tcp_sockets(pid):
    """The inodes of a process' TCP sockets."""
    known = set()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}", encoding="ascii") as table:
            known |= {line.split()[9] for line in table.readlines()[1:]}
    links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    return {link[len("socket:["):-1] for link in links if link.startswith("socket:[")} & known


def test_on_the_loopback_everybody_may_operate(listener):
    listener.configure()
    listener.start()
    assert listener.ask("GET", "/v1/whoami")[:2] == (200, {"name": "loopback", "actions": "operate"})
    assert listener.status("GET", "/v1/jobs") == 200
    assert listener.status("POST", "/v1/jobs/none/start") == 404
    assert "everybody on this machine may operate" in listener.log()
    assert len(tcp_sockets(listener.daemon.process.pid)) == 1


def test_without_listen_there_is_no_port(lab):
    daemon = lab.daemon()
    assert daemon.http("GET", "/v1/whoami")[1]["actions"] == "operate"
    assert tcp_sockets(daemon.process.pid) == set()


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_nothing_else_is_open_to_everybody(lab, host):
    listener = Listener(lab, host)
    listener.configure()
    said = listener.starts_not()
    assert "is open to other machines" in said
    assert "configure some, or listen on 127.0.0.1" in said
    listener.with_tokens()
    listener.start()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN) == 200
    assert "tokens cross the network" in listener.log()
    listener.configure()
    said = listener.reload()
    assert "was not reloaded, the old settings hold" in said and "is open to other machines" in said
    assert listener.status("GET", "/v1/jobs") == 401
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN) == 200


def test_the_option_wins(listener):
    port = free_port()
    listener.configure()
    listener.daemon.args = ("--listen", f"127.0.0.1:{port}")
    listener.port = port
    listener.start()
    assert listener.status("GET", "/readyz") == 200


def test_a_port_that_is_taken(listener):
    with socket.create_server(("127.0.0.1", listener.port)):
        listener.configure()
        assert f"cannot listen on '127.0.0.1:{listener.port}': another process does" in listener.starts_not()


# --- browsers ---

def test_a_browser_on_this_machine_cannot_be_misused(listener):
    listener.configure()
    listener.start()
    host = f"127.0.0.1:{listener.port}"
    assert listener.refusal("GET", "/v1/jobs", Host="rebound.example") == (421, "wrong-host")
    assert listener.refusal("GET", "/healthz", Host="rebound.example:80") == (421, "wrong-host")
    assert listener.status("GET", "/v1/jobs", Host="localhost") == 200
    verb = ("POST", "/v1/jobs/none/start")
    assert listener.refusal(*verb, Origin="https://evil.example") == (403, "cross-origin")
    assert listener.refusal(*verb, Origin="null") == (403, "cross-origin")
    assert listener.refusal(*verb, Sec_Fetch_Site="cross-site") == (403, "cross-origin")
    assert listener.refusal("POST", "/", Origin="https://evil.example") == (403, "cross-origin")
    assert listener.status(*verb, Origin=f"http://{host}") == 404
    assert listener.daemon.http("POST", "/v1/jobs/none/start")[0] == 404  # the control socket


# --- tokens ---

def test_tokens(listener):
    listener.with_tokens()
    listener.start()
    for path in ("/v1/jobs", "/v1/jobs/none", "/v1/events", "/v1/fsm", "/v1/whoami", "/metrics"):
        status, answer, headers = listener.ask("GET", path)
        assert (status, answer["error"]["code"], headers["WWW-Authenticate"]) == (401, "unauthorized", "Bearer")
        assert listener.refusal("GET", path, token="0123456789abcdef-wrong") == (401, "unauthorized")
        assert listener.status("GET", path, token=READ_TOKEN) in (200, 404)
    for path in ("/healthz", "/readyz"):
        assert listener.status("GET", path) == 200
    assert listener.ask("GET", "/v1/whoami", token=READ_TOKEN)[1] == {"name": "token eyes", "actions": "read"}
    assert listener.ask("GET", "/v1/whoami", token=OPERATE_TOKEN)[1] == {"name": "token ops",
                                                                       "actions": "operate"}
    assert listener.refusal("POST", "/v1/jobs/none/start", token=READ_TOKEN) == (403, "forbidden")
    assert listener.refusal("POST", "/v1/jobs/none/start") == (401, "unauthorized")
    assert listener.refusal("POST", "/v1/jobs/none/start", token=OPERATE_TOKEN) == (404, "no-such-job")
    # Through the control socket as before, and any name will do now.
    assert listener.daemon.http("POST", "/v1/jobs/none/start")[0] == 404
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, Host="box.example") == 200


def test_refusals_are_logged_and_not_too_often(listener):
    listener.with_tokens()
    listener.start()
    for _ in range(50):
        assert listener.status("GET", "/v1/jobs", token="hunter2-hunter2-hunter2") == 401
    lines = [line for line in listener.daemon.log_lines() if "was refused" in line]
    assert 1 <= len(lines) <= 10
    assert json.loads(lines[0])["level"] == "warn"
    assert "GET /v1/jobs from 127.0.0.1 was refused: the token is not known" in lines[0]
    assert "only counted" in lines[-1]


def test_secrets_are_read_again_by_a_reload(listener):
    listener.with_tokens()
    listener.start()
    listener.write("read", "rotated-rotated-rotated")
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN) == 200  # not before
    assert "for 0 access keys and 2 tokens" in listener.reload()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN) == 401
    assert listener.status("GET", "/v1/jobs", token="rotated-rotated-rotated") == 200
    assert listener.status("GET", "/v1/jobs", token=OPERATE_TOKEN) == 200
    os.unlink(listener.path("operate"))
    said = listener.reload()
    assert f"token 'ops': {listener.path('operate')}: No such file" in said
    assert listener.status("GET", "/v1/jobs", token="rotated-rotated-rotated") == 200
    assert listener.status("GET", "/v1/jobs", token=OPERATE_TOKEN) == 200


def follow(listener, token, context=None):
    """A response that goes on: the stream of events."""
    connection = listener.connect(context)
    connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}",
                                                     "Accept": "text/event-stream"})
    response = connection.getresponse()
    assert response.status == 200 and response.readline()
    return connection, response


def test_who_is_no_longer_let_in_is_cut_off(listener):
    listener.with_tokens()
    listener.start()
    connection, response = follow(listener, READ_TOKEN)
    with contextlib.closing(connection):
        listener.reload()  # nothing has changed: it goes on
        listener.daemon.write_file("x.yaml", "no: job\n")
        wait_for(lambda: b"job_rejected" in response.readline(), SECONDS, "an event")
        listener.write("read", "rotated-rotated-rotated")
        listener.reload()
        response.read()  # up to its end; a time-out fails the test


def test_secrets_stay_secret(listener):
    listener.write("secret", SECRET + "\n")
    listener.with_tokens(access_keys=[{"id": "AKIDEXAMPLE", "secret_file": listener.path("secret")}])
    listener.daemon.args = ("--log-level", "debug")
    listener.start()
    signature = "f" * 64
    for header in (f"Bearer {READ_TOKEN}", f"Bearer {OPERATE_TOKEN}x", "Bearer hunter2-hunter2-hunter2",
                   "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/a/elasticache/aws4_request, "
                   f"SignedHeaders=host;x-amz-date, Signature={signature}"):
        for request in (("GET", "/v1/jobs"), ("POST", "/")):
            answer = listener.ask(*request, Authorization=header, X_Amz_Date="20150830T123600Z")[1]
            assert SECRET not in str(answer) and signature not in str(answer)
    listener.write("operate", READ_TOKEN)
    assert "tokens 'eyes' and 'ops' are the same" in listener.reload()
    listener.write("operate", "hunter2")
    assert "a token has at least 16 characters" in listener.reload()
    listener.daemon.stop()
    with open(f"{listener.daemon.log}", encoding="utf-8") as log:
        text = log.read()
    for secret in (READ_TOKEN, OPERATE_TOKEN, SECRET, signature, "hunter2"):
        assert secret not in text


def test_a_missing_secret_is_a_reason_not_to_start(listener):
    listener.configure(access_keys=[{"id": "AKID", "secret_file": listener.path("none")}])
    assert f"cannot start: access key 'AKID': {listener.path('none')}: No such file" in listener.starts_not()


def sign_and_post(listener, secret, service="elasticache", key="AKID"):
    body = "Action=DescribeReplicationGroups&Version=2015-02-02"
    got = subprocess.run(["curl", "-s", "-o", "-", "-w", "%{http_code}", "--aws-sigv4",
                          f"aws:amz:us-west-2:{service}", "--user", f"{key}:{secret}", "-d", body,
                          f"http://127.0.0.1:{listener.port}/"], capture_output=True, text=True, check=True)
    return int(got.stdout[-3:]), got.stdout[:-3]


def test_signatures(listener):
    listener.configure()
    listener.start()
    assert sign_and_post(listener, "anything")[0] == 200
    listener.write("secret", SECRET + "\n")
    listener.configure(access_keys=[{"id": "AKID", "secret_file": listener.path("secret")}])
    listener.reload()
    assert sign_and_post(listener, SECRET)[0] == 200
    for options, code in (({"secret": "wrong"}, "SignatureDoesNotMatch"),
                          ({"secret": SECRET, "service": "s3"}, "SignatureDoesNotMatch"),
                          ({"secret": SECRET, "key": "OTHER"}, "InvalidClientTokenId")):
        status, answer = sign_and_post(listener, **options)
        assert status == 403 and f"<Code>{code}</Code>" in answer
    status, answer, _ = listener.ask("POST", "/", body="Action=DescribeEvents")
    assert status == 403 and "<Code>MissingAuthenticationToken</Code>" in answer
    assert listener.refusal("GET", "/v1/jobs") == (401, "unauthorized")  # a key is no token


# --- TLS ---

def test_tls_and_a_new_certificate_by_reload(listener):
    first = listener.with_certificate()
    listener.with_tokens(tls=listener.tls())
    listener.start()
    assert "with TLS" in listener.log()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, context=first) == 200
    with pytest.raises((http.client.HTTPException, OSError)):
        listener.ask("GET", "/healthz")  # not in the clear

    connection, response = follow(listener, READ_TOKEN, first)
    pid = listener.daemon.process.pid
    with contextlib.closing(connection):
        listener.reload()  # the same one: nobody notices
        listener.daemon.write_file("x.yaml", "no: job\n")
        wait_for(lambda: b"job_rejected" in response.readline(), SECONDS, "an event")
        second = listener.with_certificate()
        assert listener.status("GET", "/healthz", context=first) == 200  # not before
        listener.reload()
        response.read()  # the follower is let go, to come again
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, context=second) == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        listener.ask("GET", "/healthz", context=first)
    connection, response = follow(listener, READ_TOKEN, second)
    connection.close()
    assert listener.daemon.process.pid == pid and listener.daemon.running()


def test_a_bad_certificate_leaves_the_old_one(listener):
    context = listener.with_certificate()
    listener.with_tokens(tls=listener.tls())
    listener.start()
    with open(listener.path("key"), encoding="utf-8") as file:
        key = file.read()
    with open(listener.path("cert"), encoding="utf-8") as file:
        cert = file.read()
    listener.with_certificate()
    with open(listener.path("cert"), encoding="utf-8") as file:
        other = file.read()
    for name, text, error in (
            ("key", key, "this key is not that of the certificate in"),
            ("cert", "nonsense", f"{listener.path('cert')}: this is no certificate"),
            ("cert", cert[:len(cert) // 2], "this is no certificate"),
            ("cert", cert + other[:len(other) // 2], "or no chain of them"),
            ("cert", "", f"{listener.path('cert')}: empty"),
            ("key", "nonsense", f"{listener.path('key')}: this is no private key")):
        listener.write("key", key)
        listener.write("cert", other if text == key else cert)
        listener.write(name, text)
        assert error in listener.reload()
        assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, context=context) == 200
    listener.write("cert", cert)
    os.unlink(listener.path("key"))
    assert f"tls: {listener.path('key')}: No such file" in listener.reload()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, context=context) == 200
    assert "PRIVATE KEY" not in listener.log()
    listener.daemon.stop()
    assert f"cannot start: tls: {listener.path('key')}" in listener.starts_not()


def test_a_certificate_of_no_use_leaves_nothing_behind(listener):
    context = listener.with_certificate()
    listener.with_tokens(tls=listener.tls())
    listener.start()
    descriptors = f"/proc/{listener.daemon.process.pid}/fd"
    listener.with_certificate(curve="secp256k1")  # OpenSSL reads it, and GnuTLS has no such curve
    assert "does not take the certificate" in listener.reload()
    before = len(os.listdir(descriptors))
    for _ in range(5):
        listener.reload()
    assert len(os.listdir(descriptors)) <= before
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, context=context) == 200


def test_tls_comes_and_goes_by_reload(listener):
    context = listener.with_certificate()
    listener.with_tokens()
    listener.start()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN) == 200
    listener.with_tokens(tls=listener.tls())
    listener.reload()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN, context=context) == 200
    listener.with_tokens(tls={"cert_file": None, "key_file": None})
    listener.reload()
    assert listener.status("GET", "/v1/jobs", token=READ_TOKEN) == 200


def test_a_chain_and_one_that_has_expired(listener):
    listener.with_certificate(days=1)
    with open(listener.path("cert"), encoding="utf-8") as file:
        listener.write("chain", file.read() * 2)
    listener.configure(tls={**listener.tls(), "cert_file": listener.path("chain")})
    listener.start()
    listener.daemon.stop()
    subprocess.run(["openssl", "x509", "-in", listener.path("cert"), "-signkey", listener.path("key"),
                    "-days", "0", "-out", listener.path("old")], check=True, capture_output=True)
    listener.configure(tls={**listener.tls(), "cert_file": listener.path("old")})
    listener.start()
    assert "the certificate of the listener ended at" in listener.log()


# --- the control socket ---

@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_stranger_is_refused_whatever_the_mode_of_the_socket(lab):
    daemon = lab.daemon()
    for path in (daemon.dir, daemon.run_dir):
        os.chmod(path, 0o755)

    def ask_as(uid):
        got = subprocess.run(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "curl",
                              "-sS", "-w", "%{http_code}", "--unix-socket", daemon.socket,
                              "http://x/v1/jobs"], capture_output=True, text=True, check=False)
        return got.returncode, got.stdout

    assert ask_as(NOBODY)[0] == 7  # the mode keeps him out
    os.chmod(daemon.socket, 0o666)
    code, answer = ask_as(NOBODY)
    assert code == 0 and answer.endswith("403") and '"forbidden"' in answer
    assert ask_as(0) == (0, '{"jobs":[]}\n200')
    assert "GET /v1/jobs from uid 65534" in daemon.log_tail()
