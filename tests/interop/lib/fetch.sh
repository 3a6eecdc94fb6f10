#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/interop/lib/fetch.sh: unpacks aiocoap under $BUILD/interop, unless it is there, and prints
# the folder to put on PYTHONPATH.
#
# Debian 13 has a release that can be a LwM2M client, Debian 12 has it in backports only. The machine
# gets no new source for that: apt works in a folder of its own, with the mirror and keys of the
# machine. Nothing is installed.
set -eu
cd "$(dirname "$0")/../../.."
export LC_ALL=C
OLDEST=0.4.12
dir=${BUILD:-build}/interop
mkdir -p "$dir"
dir=$(realpath "$dir")
exec 9>"$dir/lock"
flock 9
to=$dir/aiocoap

say() { echo "fetch: $*" >&2; }

if [ -d "$to" ]; then
	echo "$to/usr/lib/python3/dist-packages"
	exit
fi
work=$(mktemp -d "$dir/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/deb"
[ "$(id -u)" != 0 ] || ! id _apt >/dev/null 2>&1 || chown -R _apt "$work"

. /etc/os-release
case ${VERSION_CODENAME:-} in
bookworm) suite=bookworm-backports ;;
'') suite=sid ;;
*) suite=$VERSION_CODENAME ;;
esac

# The machine's own mirror: the first source that is Debian's archive and not its security one.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
	sed -nE -e 's/^URIs: *([^ ]+).*/\1/p' -e 's/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' |
	grep -E '/debian/?$|mirrors?/debian\.list$' | head -n 1) || mirror=http://deb.debian.org/debian
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keys" ] && signed="[signed-by=$keys] " || signed=
echo "deb $signed$mirror $suite main" >"$work/sources.list"
own=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=-
	-o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
	-o Acquire::Languages=none -o Acquire::Retries=3)

# Downloads with the apt options given into $work/deb; fails if that release is too old.
download() {
	local v
	v=$(apt-cache "$@" policy python3-aiocoap | sed -nE 's/^ *Candidate: (.*)/\1/p')
	[ "$v" ] && dpkg --compare-versions "$v" ge "$OLDEST" || return 1
	(cd "$work/deb" && apt-get -q "$@" download python3-aiocoap) >&2
}

if ! download 2>/dev/null; then
	say "python3-aiocoap from $suite at $mirror"
	apt-get -q "${own[@]}" update >&2 || { say "cannot read $suite at $mirror"; exit 1; }
	download "${own[@]}" || { say "no python3-aiocoap of $OLDEST or later in $suite"; exit 1; }
fi
dpkg-deb -x "$work"/deb/*.deb "$work/unpacked"
mv "$work/unpacked" "$to"
echo "$to/usr/lib/python3/dist-packages"
