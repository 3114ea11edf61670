# SPDX-License-Identifier: Apache-2.0
"""A server that speaks TLS, with certificates of the test's own authority."""

from redis_node import REDIS_SERVER, Redis
from secured_node import SecuredNode, low_port
from writers import client_context


class TlsNode(SecuredNode):
    """
    Has a port for TLS, and a plain one for the test's own connections, unless it is tls_only.

    tls: what a job file says of it; None: jobs use the plain port. client: the certificate that the daemon shows;
    None: none. clients: tls-auth-clients.
    """

    def __init__(self, authority, certificate, *args, client=None, server=None, clients="yes", tls_only=False,
                 **options):
        super().__init__(server or REDIS_SERVER, *args, **options)
        self.authority, self.certificate, self.clients = authority, certificate, clients
        self.tls_port = self.port if tls_only else low_port()
        self.tls_only = tls_only
        if tls_only:
            self.client_tls = client_context(authority.file, client.cert, client.key)
        self.tls = {"enabled": True, "ca_file": authority.file}
        if client:
            self.tls.update(cert_file=client.cert, key_file=client.key)

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.tls_port if self.tls else self.port}"

    def options(self):
        options = super().options()
        if self.tls_only:
            options["port"] = 0
        return {**options, "tls-port": self.tls_port, "tls-cert-file": self.certificate.cert,
                "tls-key-file": self.certificate.key, "tls-ca-cert-file": self.authority.file,
                "tls-auth-clients": self.clients}

    def connect(self, timeout=5.0):
        if self.secured or not self.tls_only:
            return super().connect(timeout)
        return Redis(self.port, timeout=timeout, tls=self.client_tls)


def tls_node(lab, *args, **options):
    node = TlsNode(*args, **options)
    lab.things.append(node)
    node.start()
    return node


