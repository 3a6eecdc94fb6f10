#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages from the last commit in a folder of its own, has lintian judge them,
# installs them into a scratch root with their scripts, lets a client register with what is
# installed there, and removes them again. KEEP=FOLDER gets the packages. The last line is
# "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 2
tests/deps.sh package || exit 2
dir=$(mktemp -d /tmp/lanyard-package.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP
unset MAKEFLAGS MAKELEVEL MFLAGS
. tests/lib.sh
show() { tail -n 60 "$dir/out" | sed 's/^/    /'; }
none() { ! "$@"; }
empty() { ! find "$@" 2>/dev/null | grep .; }
has() { dpkg-deb -c "$dir/$1" | grep -qE " \./$2\$"; }

version=$(sed -n 's/^VERSION := //p' Makefile)
mkdir "$dir/lanyard" "$dir/root"
git -c safe.directory='*' archive HEAD | tar -C "$dir/lanyard" -x || exit 2
build() { (cd "$dir/lanyard" && dpkg-buildpackage -b -us -uc) 2>&1 | tee "$dir/build.log"; return "${PIPESTATUS[0]}"; }
check_quietly 'dpkg-buildpackage' build || { finish; exit; }
[[ " ${DEB_BUILD_OPTIONS:-} " == *' nocheck '* ]] || check_quietly 'it runs tests' grep -qE '^[0-9]{5,} passed, 0 failed$' "$dir/build.log"
check_quietly 'the version is that of the Makefile' test -f "$dir/lanyard_${version}_$(dpkg --print-architecture).deb" || { finish; exit; }
daemon=lanyard_${version}_$(dpkg --print-architecture).deb
device=lanyard-device_${daemon#lanyard_}
[ -z "${KEEP:-}" ] || cp "$dir"/*.deb "$KEEP/"
check_quietly 'lintian' lintian --allow-root --fail-on error "$dir"/*.changes
grep -E '^[EW]: ' "$dir/out"
for f in usr/sbin/lanyardd usr/bin/lanyardctl '(usr/)?lib/systemd/system/lanyardd.socket' etc/lanyard/lanyard.conf \
	usr/lib/sysusers.d/lanyard.conf usr/lib/tmpfiles.d/lanyard.conf; do
	check_quietly "it holds $f" has "$daemon" "$f"
done
check_quietly 'the other one holds lanyard-device' has "$device" usr/bin/lanyard-device

# Their scripts run here with DPKG_ROOT set, which is enough for all they do.
in_root() { dpkg --root="$dir/root" --force-script-chrootless --force-not-root --force-depends "$@"; }
mkdir -p "$dir/root/var/lib/dpkg" "$dir/root/etc"
touch "$dir/root/var/lib/dpkg/status"
check_quietly 'they can be installed' in_root --install "$dir/$daemon" "$dir/$device"
check_quietly 'there is a user' grep -q '^lanyard:' "$dir/root/etc/passwd"
[ "$(id -u)" != 0 ] || check_quietly 'there is a state directory' test -d "$dir/root/var/lib/lanyard"
for unit in multi-user.target.wants/lanyardd.service sockets.target.wants/lanyardd.socket; do
	check_quietly "the service is enabled: $unit" test -L "$dir/root/etc/systemd/system/$unit"
done
mkdir "$dir/run"
check_quietly 'a client registers' env AUTOPKGTEST_TMP="$dir/run" PATH="$dir/root/usr/bin:$dir/root/usr/sbin:$PATH" \
	bash -c '[ "$(command -v lanyardd)" = "$0/usr/sbin/lanyardd" ] && debian/tests/register' "$dir/root"
touch "$dir/root/var/lib/lanyard/lanyard.db" 2>/dev/null
check_quietly 'they can be removed' in_root --remove lanyard lanyard-device
check_quietly 'the configuration stays' test -f "$dir/root/etc/lanyard/lanyard.conf"
[ "$(id -u)" != 0 ] || check_quietly 'the state stays' test -f "$dir/root/var/lib/lanyard/lanyard.db"
check_quietly 'the rest goes' empty "$dir/root/usr" "$dir/root/lib" -type f
check_quietly 'they can be purged' in_root --purge lanyard
check_quietly 'then nothing is left' empty "$dir/root" -name '*lanyard*' ! -path "$dir/root/run/*" ! -path '*/dpkg/*' ! -path '*/systemd/*'
finish
