# SPDX-License-Identifier: Apache-2.0
"""The daemon's TCP listener as clients of ElastiCache see it: Debian's aws, boto3, and requests signed by hand."""
import collections
import contextlib
import datetime
import http.client
import json
import os
import socket
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
from redis_node import free_port
from waiting import FACTOR, wait_for

REGION = "us-west-2"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
XMLNS = "http://elasticache.amazonaws.com/doc/2015-02-02/"
VERSION = "2015-02-02"

Key = collections.namedtuple("Key", "id secret actions")
Token = collections.namedtuple("Token", "name token actions")
Answer = collections.namedtuple("Answer", "status headers text")

OPERATOR = Key("AKIDOPERATOR", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "operate")
READER = Key("AKIDREADER", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY", "read")
STRANGER = Key("AKIDSTRANGER", "0123456789abcdef0123456789abcdef01234567", "operate")


class DatedAuth(botocore.auth.SigV4Auth):
    """Signs as if its clock were wrong by SKEW."""

    SKEW = datetime.timedelta()

    def _modify_request_before_signing(self, request):
        request.context["timestamp"] = timestamp(self.SKEW)
        super()._modify_request_before_signing(request)


def timestamp(skew=datetime.timedelta()):
    return (datetime.datetime.now(datetime.timezone.utc) + skew).strftime("%Y%m%dT%H%M%SZ")


class Listener:
    """A daemon that listens on TCP, with the keys and tokens given; none: open to everybody on loopback."""

    def __init__(self, lab, keys=(), tokens=(), settings=None, **options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.daemon = lab.daemon(start=False, **options)
        api = {}
        if keys:
            api["access_keys"] = [{"id": k.id, "secret_file": self._secret(k.id, k.secret),
                                   "actions": k.actions} for k in keys]
        if tokens:
            api["tokens"] = [{"name": t.name, "token_file": self._secret(t.name, t.token),
                              "actions": t.actions} for t in tokens]
        self.daemon.configure(listen=f"127.0.0.1:{self.port}", **({"api": api} if api else {}),
                              **(settings or {}))
        self.daemon.start()

    def _secret(self, name, text):
        path = os.path.join(self.daemon.dir, f"secret-{name}")
        with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text + "\n")
        return path

    # --- clients ---

    def shell(self, command, home, key=OPERATOR):
        """Runs a command line as a user's shell does. home: an empty directory."""
        env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "AWS_PAGER": "", "AWS_DEFAULT_REGION": REGION,
               "AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
        return subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True,
                              timeout=60 * FACTOR, check=False)

    def boto3(self, key=OPERATOR):
        session = boto3.session.Session(key.id, key.secret, region_name=REGION)
        return session.client("elasticache", endpoint_url=self.url)

    def connect(self, timeout=10):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout * FACTOR)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def request(self, method, path, body=None, headers=None, timeout=10):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * FACTOR)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def signed(self, parameters, key=OPERATOR, **how):
        """POSTs parameters, a dictionary or the bytes of a body, with a signature; see sign()."""
        body = encode(parameters)
        return self.request("POST", "/", body, self.sign(body, key, **how))

    def sign(self, body, key=OPERATOR, skew=datetime.timedelta(), service="elasticache", region=REGION):
        """The headers of a signed request."""
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", {"Content-Type": FORM}, body)
        credentials = botocore.credentials.Credentials(key.id, key.secret)
        auth = type("Dated", (DatedAuth,), {"SKEW": skew})(credentials, service, region)
        auth.add_auth(request)
        return dict(request.headers.items())


def encode(parameters):
    if isinstance(parameters, bytes):
        return parameters
    return urllib.parse.urlencode({"Version": VERSION, **parameters}).encode()


def fault(answer):
    """(status, code, message) of an answer that is an error; its form is checked."""
    assert answer.headers.get_content_type() == "text/xml", answer
    root = ElementTree.fromstring(answer.text)
    assert root.tag == f"{{{XMLNS}}}ErrorResponse", answer.text
    error = root.find(f"{{{XMLNS}}}Error")
    code, kind, message = (error.findtext(f"{{{XMLNS}}}{n}") for n in ("Code", "Type", "Message"))
    assert kind == ("Receiver" if answer.status >= 500 else "Sender") and code and message, answer.text
    assert root.findtext(f"{{{XMLNS}}}RequestId"), answer.text
    return answer.status, code, message


def start_parameters(group, *endpoints):
    """StartMigration as it goes over the wire; an endpoint is (address, port)."""
    parameters = {"Action": "StartMigration", "ReplicationGroupId": group}
    for number, (address, port) in enumerate(endpoints, 1):
        member = f"CustomerNodeEndpointList.member.{number}"
        parameters |= {f"{member}.Address": address, f"{member}.Port": str(port)}
    return parameters


def endpoints_of(*nodes):
    """As boto3 and the SDKs take them."""
    return [{"Address": "127.0.0.1", "Port": node if isinstance(node, int) else node.port}
            for node in nodes]


# --- what a migration must and must not have done ---

def look(node):
    return {"role": node.role(), "keys": node.cmd("DBSIZE"), "digest": node.cmd("DEBUG", "DIGEST"),
            "replid": node.info("replication")["master_replid"], "config": node.config()}


@contextlib.contextmanager
def unchanged(daemon, group, *nodes):
    """What is done inside leaves the group's job and the nodes as they were."""
    def all_of_it():
        job = daemon.job(group)
        return ([job["phase"], job["run"], job["source"]], [look(node) for node in nodes],
                [e["name"] for e in daemon.events(group)])

    before = all_of_it()
    yield
    after = all_of_it()
    assert after == before, f"{json.dumps(before)}\nis now\n{json.dumps(after)}"


def check_same_data(source, target):
    """The two nodes, of which one follows the other, hold the same."""
    wait_for(lambda: source.cmd("DBSIZE") == target.cmd("DBSIZE") and
             source.cmd("DEBUG", "DIGEST") == target.cmd("DEBUG", "DIGEST"), 10,
             "both nodes to hold the same")
    assert target.cmd("DBSIZE") > 0
