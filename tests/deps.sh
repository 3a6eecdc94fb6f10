#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/deps.sh build|test|full|fuzz|package|fresh|boot: installs the Debian packages that a build, a
# build and its tests, make check-full (valgrind), a build for fuzzing, a build of our own packages,
# tests/fresh.sh or tests/boot.sh still lack. Does nothing, and needs no rights, when all are there.
set -eu

BUILD='gcc libc6-dev make pkgconf libcoap3-dev libssl-dev libcbor-dev libsqlite3-dev libevent-dev
	libjson-c-dev libinih-dev libsystemd-dev libexpat1-dev'
TEST='mandoc python3 python3-cbor2 python3-cryptography python3-filelock python3-jsonschema curl sqlite3 libcoap3-bin
	openssl'

case ${1:-} in
build) wanted=$BUILD ;;
test) wanted="$BUILD $TEST" ;;
full)
	wanted="$BUILD $TEST valgrind"
	command -v npm >/dev/null || wanted="$wanted nodejs npm"
	;;
fuzz) wanted="$BUILD clang libclang-rt-dev python3" ;;
fresh) wanted='debootstrap git' ;;
boot) wanted='debootstrap systemd-container' ;;
package) wanted="$BUILD build-essential debhelper lintian python3 git" ;;
*)
	echo "usage: tests/deps.sh build|test|full|fuzz|package|fresh|boot" >&2
	exit 2
	;;
esac
wanted=$(echo $wanted)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "deps: not a Debian system; these Debian packages have to be there in its own form:" >&2
	echo "deps:   $wanted" >&2
	exit 0
fi

missing=
for p in $wanted; do
	# A package of another architecture has the same name and prints a line of its own.
	dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed ||
		missing="$missing $p"
done
missing=${missing# }
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	root='env'
elif command -v sudo >/dev/null; then
	root='sudo env'
else
	echo "deps: neither root nor sudo; as root, run: apt-get install --no-install-recommends $missing" >&2
	exit 1
fi

echo "deps: installing $missing"
apt() {
	$root DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
# A third party's broken source must not stop us; the installation tells whether ours work.
apt update || echo "deps: apt-get update had errors" >&2
if ! apt install --no-install-recommends $missing; then
	echo "deps: could not install: $missing" >&2
	exit 1
fi
