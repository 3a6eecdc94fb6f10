#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/fresh.sh [bookworm|trixie]...: the README's two commands as they stand, on a bare Debian of
# these releases (both), with the last commit. As root, or by sudo. The bootstrapped system and the
# packages it fetched are kept in build/fresh. Environment: MIRROR (the host's, or deb.debian.org),
# http_proxy and its kin, TMPDIR. The last line is "N passed, N failed".
# tests/fresh.sh bare RELEASE only makes build/fresh/RELEASE.tar.gz, if it is not there.
set -u
cd "$(dirname "$0")/.." || exit 2
proxies='http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY'

case ${1:-} in
inside)
	# In name spaces of its own: whatever becomes of this, mounts and processes go with it.
	root=$2 command=$3
	set -e
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=755 dev "$root/dev"
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 pts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	for n in 0 1 2; do ln -s "/proc/self/fd/$n" "$root/dev/$(echo stdin stdout stderr | cut -d' ' -f$((n + 1)))"; done
	while read -r name major minor; do mknod -m 666 "$root/dev/$name" c "$major" "$minor"; done <<-NODES
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		tty 5 0
	NODES
	environment=()
	for v in $proxies; do [ -z "${!v:-}" ] || environment+=("$v=${!v}"); done
	exec chroot "$root" env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin "${environment[@]}" \
		bash -c "cd /root/lanyard && $command"
	;;
esac

if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo 'fresh: neither root nor sudo'; exit 2; }
	exec sudo --preserve-env="${proxies// /,},MIRROR,TMPDIR" "$0" "$@"
fi
tests/deps.sh fresh || exit 2
[ $# -gt 0 ] || set -- bookworm trixie
cache=$PWD/build/fresh
dir=$(mktemp -d "${TMPDIR:-/tmp}/lanyard-fresh.XXXXXX") || exit 2
end() {
	# Never through a mount, whoever made it.
	if grep -qF " $dir/" /proc/self/mountinfo; then
		echo "fresh: something is mounted below $dir, which stays" >&2
	else
		rm -rf --one-file-system "$dir"
	fi
}
trap end EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$cache"

# The host's mirror of Debian; that of this release if it has one.
mirror() {
	local found
	found=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Origin: Debian' 'Label: Debian' \
		'Created-By: Packages' 2>/dev/null | sort -u)
	{ grep "^$1 " <<<"$found"; grep -E '^[a-z]+ ' <<<"$found"; echo "- http://deb.debian.org/debian"; } |
		head -n 1 | cut -d' ' -f2
}

bootstrap() {
	local root=$1 release=$2
	echo "fresh: bootstrapping $release from $mirror"
	debootstrap --variant=minbase "$release" "$root" "$mirror" >"$dir/log" 2>&1 ||
		{ tail -n 20 "$dir/log"; return 1; }
	rm -f "$root"/var/cache/apt/archives/*.deb
	tar -C "$root" --numeric-owner -czf "$cache/$release.part" . && mv "$cache/$release.part" "$cache/$release.tar.gz"
}

# A bare system in $dir/$1 with the last commit in /root/lanyard.
prepare() {
	local release=$1 root=$dir/$1 mirror=${MIRROR:-$(mirror "$1")} proxy=''
	mkdir "$root"
	if [ -s "$cache/$release.tar.gz" ]; then
		tar -C "$root" --numeric-owner -xzf "$cache/$release.tar.gz" || return
	else
		bootstrap "$root" "$release" || return
	fi
	echo "deb $mirror $release main" >"$root/etc/apt/sources.list"
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[ -z "$proxy" ] || echo "Acquire::http::Proxy \"$proxy\";" >"$root/etc/apt/apt.conf.d/90proxy"
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	cp "$cache/$release.debs"/*.deb "$root/var/cache/apt/archives/" 2>/dev/null
	mkdir "$root/root/lanyard"
	git -c safe.directory='*' archive HEAD | tar -C "$root/root/lanyard" -x || return
	# Its lists may be old by now, which a new system's are not.
	run "$release" 'apt-get -q update' >"$dir/log" 2>&1 || { tail -n 20 "$dir/log"; return 1; }
}

# Runs command $2 in system $1; no process of it survives.
run() {
	unshare --mount --propagation private --pid --fork --kill-child --ipc --uts \
		"$PWD/tests/fresh.sh" inside "$dir/$1" "$2" </dev/null
}

keep_packages() {
	mkdir -p "$cache/$1.debs"
	cp -n "$dir/$1"/var/cache/apt/archives/*.deb "$cache/$1.debs/" 2>/dev/null
}

passed=0 failed=0
# result WHAT STATUS: what it printed last counts, or else its status.
result() {
	local what=$1 status=$2 p=0 f=0 last
	last=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$dir/out" | tail -n 1)
	[ -z "$last" ] || read -r p _ f _ <<<"$last"
	[ "$last" ] || [ "$status" != 0 ] || p=1
	[ "$f" != 0 ] || [ "$status" = 0 ] || f=1
	passed=$((passed + p)) failed=$((failed + f))
	[ "$f" = 0 ] && echo "ok    $what" || echo "FAIL  $what: status $status, $f failed"
}

if [ "$1" = bare ]; then
	mirror=${MIRROR:-$(mirror "$2")}
	[ -s "$cache/$2.tar.gz" ] || { mkdir "$dir/$2" && bootstrap "$dir/$2" "$2"; }
	exit
fi
mapfile -t commands < <(grep -oE '^(sudo )?(apt-get .*&& make demo|make check)$' README.md | sed 's/^sudo //')
[ ${#commands[@]} = 2 ] || { echo 'fresh: the two commands are not in README.md'; exit 2; }
for release; do
	case $release in
	bookworm | trixie) ;;
	*) echo "fresh: no release $release" >&2; exit 2 ;;
	esac
	if ! prepare "$release"; then
		failed=$((failed + 1))
		echo "FAIL  $release: no bare system"
		continue
	fi
	for c in "${commands[@]}"; do
		echo "fresh: $release: $c"
		run "$release" "$c" 2>&1 | tee "$dir/out" | sed -u "s/^/$release | /"
		result "$release: $c" "${PIPESTATUS[0]}"
	done
	keep_packages "$release"
	rm -rf --one-file-system "${dir:?}/$release"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
