#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make install and make uninstall in a scratch folder: which files, the units as systemd judges
# them where it is there, and how the programs were hardened.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=$(realpath --relative-to=. "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-install.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
unset MAKEFLAGS MAKELEVEL MFLAGS
. tests/lib.sh
has() { command -v "$1" >/dev/null; }
same() { diff -u "$1" "$2"; }
make_() { make -s B="$BUILD" SAN="${SAN:-}" "$@"; }
none() { ! "$@"; }
quiet() {
	local said
	said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }
}
empty() { [ -z "$(find "$@")" ] || { find "$@"; return 1; }; }

# As a package does it.
root=$dir/root
check_quietly 'make install as a package' make_ install DESTDIR="$root" PREFIX=/usr
{
	for m in man/*.[1578]; do
		[ ! -e "$m" ] || echo "644 usr/share/man/man${m##*.}/${m#man/}"
	done
	cat <<-LIST
		644 etc/lanyard/lanyard.conf
		644 usr/lib/systemd/system/lanyardd.service
		644 usr/lib/systemd/system/lanyardd.socket
		644 usr/lib/sysusers.d/lanyard.conf
		644 usr/lib/tmpfiles.d/lanyard.conf
		644 usr/share/bash-completion/completions/lanyardctl
		644 usr/share/doc/lanyard/CHANGELOG.md
		644 usr/share/doc/lanyard/README.md
		644 usr/share/doc/lanyard/SECURITY.md
		644 usr/share/doc/lanyard/lanyard.conf.example
		755 usr/bin/lanyard-device
		755 usr/bin/lanyardctl
		755 usr/sbin/lanyardd
	LIST
} | sort >"$dir/wanted"
find "$root" -type f -printf '%m %P\n' | sort >"$dir/got"
check_quietly 'these files and no others' same "$dir/wanted" "$dir/got"
check_quietly 'folders can be read' empty "$root" -type d ! -perm 755
check_quietly 'the unit has its paths' grep -qx 'ExecStart=/usr/sbin/lanyardd --config /etc/lanyard/lanyard.conf' \
	"$root/usr/lib/systemd/system/lanyardd.service"
check_quietly 'nothing is left to fill in' none grep -rn '@[A-Z]*@' "$root/usr/lib" "$root/etc"
check_quietly 'the first configuration is the example' same config/lanyard.conf.example "$root/etc/lanyard/lanyard.conf"
check_quietly 'it can be used' "$root/usr/sbin/lanyardd" --check-config --config "$root/etc/lanyard/lanyard.conf"

echo '# ours' >>"$root/etc/lanyard/lanyard.conf"
check_quietly 'make install again' make_ install DESTDIR="$root" PREFIX=/usr
check_quietly 'leaves a configuration that was changed' grep -qx '# ours' "$root/etc/lanyard/lanyard.conf"
check_quietly 'make uninstall' make_ uninstall DESTDIR="$root" PREFIX=/usr
check_quietly 'leaves it too, and nothing else' empty "$root" -type f ! -path "$root/etc/lanyard/lanyard.conf"
cp config/lanyard.conf.example "$root/etc/lanyard/lanyard.conf"
check_quietly 'make uninstall again' make_ uninstall DESTDIR="$root" PREFIX=/usr
check_quietly 'takes one that was not changed' empty "$root" -type f
check_quietly 'and no folder of ours is left' empty "$root" -name '*lanyard*'

# As a user does it, all in one place, so that systemd finds the programs.
own=$dir/own
paths="PREFIX=$own SYSCONFDIR=$own/etc"
check_quietly 'make install in a place of its own' make_ install $paths
units=$own/lib/systemd/system
check_quietly 'the unit knows the place' grep -qx "ExecStart=$own/sbin/lanyardd --config $own/etc/lanyard/lanyard.conf" \
	"$units/lanyardd.service"
# The unit reloads by /bin/kill, which bare systems lack.
if has systemd-analyze && [ -x /bin/kill ]; then
	sed 's/^ProtectHome=.*/ProtectHouse=yes/' "$units/lanyardd.service" >"$dir/wrong.service"
	check_quietly 'systemd has nothing to say about the units' \
		quiet systemd-analyze verify --man=no "$units/lanyardd.service" "$units/lanyardd.socket"
	check_quietly 'it has something to say about wrong ones' none quiet systemd-analyze verify --man=no "$dir/wrong.service"
fi
if has systemd-analyze; then
	check_quietly 'its exposure is at most 1.5' systemd-analyze security --no-pager --offline=true --threshold=15 \
		"$units/lanyardd.service"
	sed '/^NoNewPrivileges/,/^\[Install/d' "$units/lanyardd.service" >"$dir/lanyardd.service"
	check_quietly 'without hardening it is more' none systemd-analyze security --no-pager --offline=true --threshold=15 \
		"$dir/lanyardd.service"
fi
if has systemd-sysusers; then
	check_quietly 'systemd-sysusers makes the user' systemd-sysusers --root="$own" "$own/lib/sysusers.d/lanyard.conf"
	check_quietly 'with its group' grep -q '^lanyard:' "$own/etc/group"
	check_quietly 'and no shell' grep -qE '^lanyard:.*:/var/lib/lanyard:/usr/s?bin/nologin$' "$own/etc/passwd"
	rm -f "$own"/etc/{passwd,group,shadow,gshadow,.pwd.lock}
fi
# It gives them away, which needs root; the names have to be known here.
if has systemd-tmpfiles; then
	sed "s/ lanyard lanyard / $(id -u) $(id -g) /" "$own/lib/tmpfiles.d/lanyard.conf" >"$dir/tmpfiles.conf"
	check_quietly 'systemd-tmpfiles makes the folders' systemd-tmpfiles --root="$own" --create "$dir/tmpfiles.conf"
	check_quietly 'the run folder is open' [ "$(stat -c %a "$own/run/lanyard")" = 755 ]
	check_quietly 'the state is not' [ "$(stat -c %a "$own/var/lib/lanyard" "$own/var/lib/lanyard.anchor" | tr '\n' ' ')" = '700 700 ' ]
fi
check_quietly 'make uninstall there' make_ uninstall $paths
check_quietly 'leaves no file' empty "$own" -type f

# How they are built. Shadow stacks are looked for in an object: the linker keeps that mark only
# where the C library's own start files have it.
dynamic() { readelf --dyn-syms -W "$1" | grep -qE " $2(@|\$)"; }
for p in lanyardd lanyardctl lanyard-device; do
	bin=$BUILD/bin/$p
	check_quietly "$p: at any address" grep -q 'Flags:.* PIE' <(readelf -dW "$bin")
	check_quietly "$p: all symbols are bound at the start" grep -qE 'FLAGS.*BIND_NOW' <(readelf -dW "$bin")
	check_quietly "$p: relocations are read-only" grep -q GNU_RELRO <(readelf -lW "$bin")
	check_quietly "$p: no stack is executable" grep -qE 'GNU_STACK.* RW ' <(readelf -lW "$bin")
	check_quietly "$p: no search path of its own" none grep -qE 'RPATH|RUNPATH' <(readelf -dW "$bin")
	check_quietly "$p: stack protector" dynamic "$bin" __stack_chk_fail
	[ "${SAN:-}" ] || check_quietly "$p: fortified" dynamic "$bin" '__[a-z]*printf_chk'
	case $(readelf -hW "$bin") in
	*X86-64*) check_quietly "$p: branch targets and shadow stack" grep -q 'IBT, SHSTK' <(readelf -nW "$BUILD/cmd/$p.o") ;;
	esac
done

finish
