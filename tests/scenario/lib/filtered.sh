# SPDX-License-Identifier: Apache-2.0
# filtered FOLDER makes FOLDER/bin with the programs of $BUILD, lanyardd under the unit's filter of
# system calls, and FOLDER/calls with their names. It fails where that cannot be had: without
# systemd-analyze and libseccomp, in a build with sanitizers, which need more.

# The names in set $1, @ or not.
expand_calls() {
	local name
	case $1 in
	@*) systemd-analyze --no-pager syscall-filter "$1" | sed '1d; s/#.*//' | while read -r name; do
		[ -z "$name" ] || expand_calls "$name"
	done ;;
	*) echo "$1" ;;
	esac
}

# The names that the lines SystemCallFilter= of unit $1 leave.
unit_calls() {
	local line name
	local -A calls=()
	while read -r line; do
		for name in ${line#'~'}; do
			while read -r name; do
				case $line in
				'~'*) unset "calls[$name]" ;;
				*) calls[$name]=1 ;;
				esac
			done < <(expand_calls "$name")
		done
	done < <(sed -n 's/^SystemCallFilter=//p' "$1")
	printf '%s\n' "${!calls[@]}" | sort
}

filtered() {
	local p
	[ ! "${SAN:-}" ] && command -v systemd-analyze >/dev/null || return 1
	/usr/bin/python3 -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null || return 1
	mkdir -p "$1/bin"
	unit_calls systemd/lanyardd.service.in >"$1/calls"
	# As root, and the unit's user is another, SQLite gives its files the owner of the database.
	[ "$(id -u)" != 0 ] || echo fchown >>"$1/calls"
	for p in lanyardctl lanyard-device; do ln -s "$BUILD/bin/$p" "$1/bin/$p"; done
	printf '#!/bin/sh\nexec /usr/bin/python3 %s %s %s "$@"\n' "$PWD/tests/scenario/lib/filtered.py" "$1/calls" \
		"$BUILD/bin/lanyardd" >"$1/bin/lanyardd"
	chmod +x "$1/bin/lanyardd"
}
