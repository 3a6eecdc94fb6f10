#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots a bare Debian of the host's release under systemd-nspawn, installs our packages there, and
# runs the packages' own tests: the units as they are, under the real service manager, without a
# network. As root. PACKAGES: where they are (build/packages, as KEEP= of tests/package.sh).
# The last line is "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 2
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=PACKAGES,TMPDIR,MIRROR,http_proxy "$0"
tests/deps.sh boot && release=$(. /etc/os-release && echo "$VERSION_CODENAME") && tests/fresh.sh bare "$release" || exit 2
PACKAGES=${PACKAGES:-build/packages}
dir=$(mktemp -d "${TMPDIR:-/tmp}/lanyard-boot.XXXXXX") || exit 2
end() {
	if grep -qF " $dir/" /proc/self/mountinfo; then
		echo "boot: something is mounted below $dir, which stays" >&2
	else
		rm -rf --one-file-system "$dir"
	fi
}
trap end EXIT
trap 'exit 130' INT TERM HUP
root=$dir/root
nspawn() { timeout -k 5 600 systemd-nspawn --quiet --register=no --keep-unit -D "$root" "$@" </dev/null; }

mkdir "$root"
tar -C "$root" --numeric-owner -xzf "build/fresh/$release.tar.gz" || exit 2
cp /etc/resolv.conf "$root/etc/"
mkdir "$root/root/packages"
cp "$PACKAGES"/lanyard_*.deb "$PACKAGES"/lanyard-device_*.deb "$root/root/packages/" || exit 2
cp -r debian/tests "$root/root/"
echo "boot: installing systemd"
nspawn bash -c 'export DEBIAN_FRONTEND=noninteractive
	apt-get -q update && apt-get -q install -y --no-install-recommends systemd systemd-sysv dbus &&
	apt-get -q install -y --no-install-recommends --download-only /root/packages/*.deb' >"$dir/log" 2>&1 ||
	{ tail -n 20 "$dir/log"; exit 1; }

cat >"$root/root/packages.sh" <<'SCRIPT'
#!/bin/bash
export DEBIAN_FRONTEND=noninteractive
apt-get -q install -y --no-install-recommends /root/packages/*.deb
echo "status of installation: $?"
for t in register service; do
	mkdir "/tmp/$t"
	AUTOPKGTEST_TMP=/tmp/$t "/root/tests/$t"
	echo "status of $t: $?"
done
systemctl stop lanyardd.socket lanyardd.service
apt-get -q purge -y lanyard
echo "status of removal: $?"
[ ! -e /var/lib/lanyard ] && [ ! -e /etc/lanyard ] && [ ! -e /run/lanyard/admin.sock ]
echo "status of what is left: $?"
SCRIPT
cat >"$root/etc/systemd/system/packages.service" <<'UNIT'
[Unit]
After=network.target
[Service]
Type=oneshot
StandardOutput=file:/root/log
StandardError=file:/root/log
ExecStart=/root/packages.sh
ExecStopPost=/bin/systemctl --no-block poweroff
UNIT
chmod +x "$root/root/packages.sh"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../packages.service "$root/etc/systemd/system/multi-user.target.wants/"
echo "boot: booting $release"
nspawn --private-network --boot >"$dir/console" 2>&1

passed=0 failed=0
for what in installation register service removal 'what is left'; do
	if grep -qx "status of $what: 0" "$root/root/log" 2>/dev/null; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
	fi
done
[ "$failed" = 0 ] || tail -n 100 "$root/root/log" || tail -n 40 "$dir/console"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
