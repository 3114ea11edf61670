#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh auto|install GROUP...     GROUP: build, test, lint
#
# Installs the Debian packages a group needs; auto does so only when something of it is missing.
set -eu

packages() {
    case $1 in
    build) echo gcc make pkg-config libuv1-dev libhiredis-dev libyaml-dev libsqlite3-dev \
        libmicrohttpd-dev libjansson-dev libsystemd-dev libcurl4-openssl-dev libssl-dev ;;
    test) echo libcmocka-dev redis-server python3 python3-pytest python3-yaml ;;
    lint) echo python3 clang-format clang-tidy ;;
    *) echo "deps.sh: no group '$1'" >&2; exit 2 ;;
    esac
}

present() {
    case $1 in
    build) pkg-config --exists libuv hiredis yaml-0.1 sqlite3 libmicrohttpd jansson libsystemd libcurl \
        libssl ;;
    test) pkg-config --exists cmocka && command -v redis-server &&
        "${PYTHON:-/usr/bin/python3}" -c 'import pytest, yaml' ;;
    lint) command -v clang-format && command -v clang-tidy ;;
    esac >/dev/null 2>&1
}

# A package's service (redis-server's, on port 6379) must not start just because we need its program: ask
# the system to start nothing, unless it has a policy of its own, and do not enable it for the next boot.
install_packages() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 1' INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    had_redis=$(command -v redis-server || true)
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    apt-get install -y --no-install-recommends $1 || {
        apt-get update
        apt-get install -y --no-install-recommends $1
    }
    if [ -z "$had_redis" ] && command -v redis-server >/dev/null && command -v systemctl >/dev/null; then
        systemctl disable redis-server.service >/dev/null 2>&1 || true
    fi
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
