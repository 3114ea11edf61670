# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the test's own, by the openssl command."""
import os
import subprocess
import time

CONFIG = """
[ca]
default_ca = ours
[ours]
dir = {dir}
new_certs_dir = {dir}
database = {dir}/index
serial = {dir}/serial
certificate = {dir}/ca.pem
private_key = {dir}/ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
DAY = 86400


def openssl(*args):
    done = subprocess.run(["openssl", *[str(a) for a in args]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(map(str, args))}: {done.stderr}"


def date(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


class Certificate:
    def __init__(self, cert, key, end):
        self.cert, self.key, self.end = str(cert), str(key), end

    def ends(self):
        """As the daemon writes it."""
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.end))

    def replace(self, other):
        """This one's files become the other's."""
        for mine, new in ((self.cert, other.cert), (self.key, other.key)):
            with open(new, "rb") as source, open(mine + ".new", "wb") as sink:
                sink.write(source.read())
            os.rename(mine + ".new", mine)


class Authority:
    """ca.pem, and certificates that it signs."""

    def __init__(self, path, name="Test Authority"):
        self.dir = str(path)
        os.makedirs(self.dir, exist_ok=True)
        self.file = os.path.join(self.dir, "ca.pem")
        openssl("req", "-x509", *EC, "-days", 60, "-subj", f"/CN={name}", "-keyout", f"{self.dir}/ca.key",
                "-out", self.file)
        for file, text in (("index", ""), ("serial", "01\n"), ("cnf", CONFIG.format(dir=self.dir))):
            with open(os.path.join(self.dir, file), "w", encoding="ascii") as out:
                out.write(text)

    def issue(self, name, names="IP:127.0.0.1,DNS:localhost", begin=-DAY, end=40 * DAY):
        """begin, end: seconds from now."""
        cert, key, request = (os.path.join(self.dir, f"{name}.{end_}") for end_ in ("pem", "key", "csr"))
        now = int(time.time())
        openssl("req", "-new", *EC, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", key,
                "-out", request)
        openssl("ca", "-batch", "-notext", "-config", f"{self.dir}/cnf", "-startdate", date(now + begin), "-enddate",
                date(now + end), "-in", request, "-out", cert)
        return Certificate(cert, key, now + end)
