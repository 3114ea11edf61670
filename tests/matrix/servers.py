#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Servers of several products and versions, side by side, without installing any.

Each comes from the Debian suite that has it, together with that suite's libraries, is unpacked into a cache
directory, and runs through its own suite's loader. What is there already is not fetched again.

    servers.py [--cache DIR] [NAME...]      prints the path of each server's launcher
"""
import argparse
import contextlib
import dataclasses
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

CACHE = os.environ.get("ECMIGRATE_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ecmigrate/servers")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ANSWER_S = 20      # what a mirror may take to answer
FETCH_S = 900      # one call of apt-get

# The machine's own way to its mirror (proxies, log-ins) stays; nothing else of its apt is read or written.
APT_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir "{root}";
Dir::State::status "{root}/status";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "1";
Acquire::http::Timeout "{answer}";
Acquire::https::Timeout "{answer}";
"""

LAUNCHER = """\
#!/bin/sh
root=${{0%/*}}/root
LUA_CPATH="$root/{modules}" exec "$root/{loader}" --library-path "{libraries}" "$root/{program}" "$@"
"""


class Unavailable(Exception):
    """A server that cannot be had here and now; says why."""


@dataclasses.dataclass(frozen=True)
class Server:
    """Where a server comes from: the last of the suites is the one that has it."""
    name: str
    title: str
    suites: tuple
    package: str

    @property
    def product(self):
        return self.package.partition("-")[0]

    def is_needed(self, package):
        """The server and its libraries; not what only its installation would use."""
        return (package.startswith((self.product, "lib", "lua-")) or package == "zlib1g") \
            and "perl" not in package


STABLE_AND_BACKPORTS = ("bookworm", "bookworm-backports")
SERVERS = {server.name: server for server in (
    Server("redis60", "redis 6.0", ("bullseye",), "redis-server"),
    Server("redis70", "redis 7.0", ("bookworm",), "redis-server"),
    Server("redict73", "redict 7.3", STABLE_AND_BACKPORTS, "redict"),
    Server("redis80", "redis 8.0", ("trixie",), "redis-server"),
    Server("valkey80", "valkey 8.0", STABLE_AND_BACKPORTS, "valkey-server"),
    Server("valkey81", "valkey 8.1", ("trixie",), "valkey-server"),
    Server("valkey91", "valkey 9.1", ("sid",), "valkey-server"),
)}


def run(*argv, cwd=None):
    """What the program prints; Unavailable with its last words when it fails."""
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=FETCH_S, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Unavailable(str(e)) from e
    if done.returncode != 0:
        words = "\n".join(done.stderr.strip().splitlines()[-4:])
        raise Unavailable(f"{argv[0]} ended with {done.returncode}: {words}")
    return done.stdout


def mirror():
    """Where this machine gets Debian from."""
    places = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split()
    found = [place for place in places if place.rstrip("/").endswith("/debian")]
    if not found:
        raise Unavailable("this machine's apt has no mirror of Debian")
    return found[0]


class AptRoot:
    """An apt of our own that knows some suites, and believes that nothing is installed."""

    def __init__(self, root, place, suites):
        self.root, self.suites = root, suites
        for directory in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "etc/apt", "var/log/apt"):
            os.makedirs(os.path.join(root, directory))
        self.write("status", "")
        self.write("apt.conf", APT_CONF.format(root=root, answer=ANSWER_S))
        self.write("sources.list", "".join(
            f"deb [signed-by={KEYRING} target=Packages] {place} {suite} main\n" for suite in suites))
        self.apt("update")
        # It calls what it could not reach a warning.
        if len(glob.glob(os.path.join(root, "var/lib/apt/lists/*_Packages*"))) < len(suites):
            raise Unavailable(f"{place} does not answer, or does not have {' and '.join(suites)}")

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
            file.write(text)

    def apt(self, *args, cwd=None):
        return run("apt-get", "-q", "-c", os.path.join(self.root, "apt.conf"), *args, cwd=cwd)

    def unpack(self, server, directory):
        plan = self.apt("-s", "-t", self.suites[-1], "install", server.package)
        packages = [f"{name}={version}" for name, version in re.findall(r"^Inst (\S+) \((\S+)", plan, re.M)
                    if server.is_needed(name)]
        with tempfile.TemporaryDirectory(dir=self.root) as debs:
            self.apt("download", *packages, cwd=debs)
            for deb in glob.glob(os.path.join(debs, "*.deb")):
                run("dpkg-deb", "-x", deb, directory)


def only(root, *patterns):
    """The one file of that kind, as a path below root."""
    found = [path for pattern in patterns for path in glob.glob(os.path.join(root, pattern))
             if os.path.exists(path)]  # a link may point out of what was unpacked
    if not found:
        raise Unavailable(f"what was fetched has no {patterns[0]}")
    return os.path.relpath(found[0], root)


def write_launcher(server, directory):
    root = os.path.join(directory, "root")
    loader = only(root, "lib/*-linux-gnu*/ld-linux*.so.*", "usr/lib/*-linux-gnu*/ld-linux*.so.*")
    triplet = os.path.basename(os.path.dirname(loader))
    path = os.path.join(directory, "server")
    with open(path, "w", encoding="utf-8") as file:
        file.write(LAUNCHER.format(
            loader=loader, program=only(root, f"usr/bin/{server.product}-server"),
            libraries=f"$root/lib/{triplet}:$root/usr/lib/{triplet}",
            modules=f"usr/lib/{triplet}/lua/5.1/?.so"))
    os.chmod(path, 0o755)
    run(path, "--version")


def fetch(servers, cache):
    """Each is put into its place in one step, when it is known to run."""
    place, roots = mirror(), {}
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as work:
        for server in servers:
            print(f"fetching {server.title} ({server.suites[-1]})", file=sys.stderr, flush=True)
            if server.suites not in roots:
                roots[server.suites] = AptRoot(os.path.join(work, "-".join(server.suites)), place, server.suites)
            directory = os.path.join(work, server.name)
            os.makedirs(os.path.join(directory, "root"))
            roots[server.suites].unpack(server, os.path.join(directory, "root"))
            write_launcher(server, directory)
            shutil.rmtree(os.path.join(cache, server.name), ignore_errors=True)
            os.rename(directory, os.path.join(cache, server.name))


@contextlib.contextmanager
def locked(cache):
    """One fetches at a time."""
    with open(os.path.join(cache, ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def get(names, cache=CACHE):
    """{name: its launcher}; fetches what is not there, or raises Unavailable."""
    cache = os.path.abspath(cache)
    os.makedirs(cache, exist_ok=True)
    paths = {name: os.path.join(cache, name, "server") for name in names}
    with locked(cache):
        missing = [SERVERS[name] for name in names if not os.access(paths[name], os.X_OK)]
        if missing:
            fetch(missing, cache)
    return paths


def version(path):
    """As the server itself says it: "v=9.1.2"."""
    return re.search(r"v=(\S+)", run(path, "--version")).group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", default=CACHE, metavar="DIR", help=f"default: $ECMIGRATE_CACHE or {CACHE}")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SERVERS)}; default: all")
    args = parser.parse_args()
    unknown = set(args.names) - set(SERVERS)
    if unknown:
        parser.error(f"no server {', '.join(sorted(unknown))}; there are {', '.join(SERVERS)}")
    try:
        for path in get(args.names or list(SERVERS), args.cache).values():
            print(path)
    except Unavailable as e:
        print(f"servers.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
