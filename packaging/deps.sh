#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh auto|install GROUP...     GROUP: build, man, test, lint
#
# Installs the Debian packages a group needs; auto does so only when something of it is missing.
set -eu

packages() {
    case $1 in
    build) echo gcc make pkg-config libuv1-dev libhiredis-dev libyaml-dev libsqlite3-dev \
        libmicrohttpd-dev libjansson-dev libsystemd-dev libcurl4-openssl-dev libssl-dev ;;
    man) echo scdoc ;;
    test) echo libcmocka-dev redis-server python3 python3-pytest python3-yaml python3-jsonschema \
        awscli python3-boto3 python3-redis prometheus chromium scdoc mandoc zsh fish openssl curl "$(node_packages)" ;;
    lint) echo python3 clang-format clang-tidy ;;
    *) echo "deps.sh: no group '$1'" >&2; exit 2 ;;
    esac
}

# Node.js may be here from elsewhere; Debian's npm cannot be installed beside such a one.
node_packages() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo nodejs npm
    fi
}

# Each must be a command.
commands() {
    for command; do
        command -v "$command" || return 1
    done
}

present() {
    case $1 in
    build) pkg-config --exists libuv hiredis yaml-0.1 sqlite3 libmicrohttpd jansson libsystemd libcurl \
        libssl ;;
    man) commands scdoc ;;
    test) pkg-config --exists cmocka &&
        commands redis-server aws promtool chromium scdoc mandoc zsh fish openssl curl node npm &&
        "${PYTHON:-/usr/bin/python3}" -c 'import boto3, jsonschema, pytest, redis, yaml' ;;
    lint) commands clang-format clang-tidy ;;
    esac >/dev/null 2>&1
}

# A package's service (redis-server's on port 6379, prometheus's) must not start just because we need its
# program: ask the system to start nothing, unless it has a policy of its own, and do not enable it for the
# next boot.
services="redis-server prometheus"

install_packages() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    new=
    for service in $services; do
        command -v "$service" >/dev/null || new="$new $service"
    done
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $1 || {
        apt-get update
        apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $1
    }
    for service in $new; do
        if command -v "$service" >/dev/null && command -v systemctl >/dev/null; then
            systemctl disable "$service.service" >/dev/null 2>&1 || true
        fi
    done
}

mode=$1
shift
list=
for group; do
    if [ "$mode" = install ] || ! present "$group"; then
        list="$list $(packages "$group")"
    fi
done
[ -n "$list" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "These Debian packages, or what they are called here, are needed:$list" >&2
    exit 1
elif [ "$(id -u)" != 0 ]; then
    echo "Packages are missing. As root:  apt-get update && apt-get install -y$list" >&2
    exit 1
fi
echo "installing packages:$list"
install_packages "$list"
