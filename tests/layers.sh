#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/layers.sh [ROOT]: who may include what. The folders' edges are the Makefile's below_*; the
# rules that must outlive a careless edit of that table, and those of the system's headers, are here.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2
export LC_ALL=C

# FROM TO: never, whatever the Makefile says. * is every folder of production code.
never='
base	*
coap	oscore
coap	lwm2m
coap	storage
coap	endpoint
oscore	storage
oscore	lwm2m
oscore	endpoint
lwm2m	storage
lwm2m	oscore
lwm2m	endpoint
storage	coap
storage	oscore
storage	lwm2m
storage	endpoint
server	bootstrap
bootstrap	server
server	transport
server	admin
bootstrap	transport
bootstrap	admin
transport	storage
transport	server
transport	bootstrap
transport	endpoint
admin	storage
admin	oscore
admin	server
admin	bootstrap
admin	endpoint
config	server
config	bootstrap
config	storage
device	server
device	bootstrap
device	endpoint
device	storage
*	tests
'
# PATTERN of a system header, then the only files (globs) of production code that may include it.
system='
coap3/*	coap/*
sqlite3*.h	storage/sqlite*
openssl/*	oscore/crypto_openssl.c oscore/sign_openssl.c transport/tls* transport/dtls*
event2/*	transport/* admin/* cmd/*
event.h
ev*.h
json-c/*	admin/* bootstrap/plan_* cmd/*
cbor*	lwm2m/*
expat*.h	lwm2m/models_xml.c
ini.h	config/*
systemd/*	cmd/*
pthread.h	storage/* cmd/* base/secret.c
sys/socket.h	transport/* admin/* cmd/* base/local.c
sys/un.h	transport/* admin/* cmd/* base/local.c
netinet/*	transport/* config/* cmd/*
netdb.h	cmd/*
sys/epoll.h
poll.h	transport/* storage/* cmd/*
time.h	base/log.c storage/* transport/* admin/* cmd/*
sys/time.h	storage/* transport/* admin/* cmd/*
sys/random.h	base/secret.c
'

# "FILE LINE q|s NAME" for each include of C sources under the folders given.
includes() {
	find "$@" \( -name '*.c' -o -name '*.h' \) -type f -exec grep -HnE '^[[:space:]]*#[[:space:]]*include' {} + |
		sed -nE -e 's/^([^:]*):([0-9]+):[^"<]*"([^"]*)".*/\1 \2 q \3/p' -e 's/^([^:]*):([0-9]+):[^"<]*<([^>]*)>.*/\1 \2 s \3/p'
}

passed=0 failed=0 why=
# $why says what was wrong, and is empty if nothing was.
verdict() {
	if [ -z "$why" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$file:$line: $name: $why"
	fi
}

declare -A below
folders=
read_makefile() {
	local f rest
	while read -r f rest; do
		below[$f]=" $rest "
		case $f in cmd | lanyard*) ;; *) folders="$folders $f" ;; esac
	done < <(sed -nE 's/^(below|folders)_([a-z0-9_-]+) *:= *([^$]*)$/\2 \3/p' Makefile)
	folders=${folders# }
}

# May a file of folder $1 include one of folder $2?
edge() {
	local from to
	[ "$1" != "$2" ] || return 0
	while read -r from to; do
		if { [ "$from" = "$1" ] || [ "$from" = '*' ]; } && { [ "$to" = "$2" ] || [ "$to" = '*' ]; }; then
			why="$1/ never includes $2/"
			return
		fi
	done <<<"$never"
	# The programs in cmd/ have folders of their own; the daemon's are cmd's.
	from=$1
	case $file in
	cmd/lanyardctl*) from=lanyardctl ;;
	cmd/lanyard-device.* | cmd/device_*) from=lanyard-device ;;
	esac
	case ${below[$from]-} in
	*" $2 "*) ;;
	*) why="$2/ is not below $from in the Makefile" ;;
	esac
}

system_header() {
	local pattern globs g
	while read -r pattern globs; do
		# shellcheck disable=SC2053 # a pattern
		[ "$pattern" ] && [[ $name == $pattern ]] || continue
		set -f
		for g in $globs; do
			# shellcheck disable=SC2053
			if [[ $file == $g ]]; then
				set +f
				return
			fi
		done
		set +f
		why="only ${globs:-nobody} may include <$name>"
		return
	done <<<"$system"
}

check_production() {
	while read -r file line kind name; do
		why=
		case $kind,$name in
		s,*) system_header ;;
		q,*.c) why='a source is compiled, not included' ;;
		q,../* | q,*/../* | q,./*) why='paths start at the root of the tree' ;;
		q,*/*) edge "${file%%/*}" "${name%%/*}" ;;
		q,*) why='an include names its folder' ;;
		esac
		[ "$why" ] || [ "$kind" = s ] || [ -f "$name" ] || why='no such file'
		verdict
	done < <(includes $folders cmd)
}

# A unit test includes its folder, what is below that, and other files of tests/unit.
check_unit_tests() {
	local folder
	while read -r file line kind name; do
		why=
		folder=${file#tests/unit/}
		folder=${folder%%/*}
		case $name in
		tests/unit/*) ;;
		*.c) why='a source is compiled, not included' ;;
		*/*) [ "$folder" = "${file##*/}" ] || [[ $folder = @(cmd|fault) ]] || edge "$folder" "${name%%/*}" ;;
		*) why='an include names its folder' ;;
		esac
		verdict
	done < <(includes tests/unit | grep ' q ')
}

# The Makefile's own table must not allow what is forbidden above, nor forget a folder.
check_table() {
	local f t
	file=Makefile line=1
	for f in $folders; do
		for t in ${below[$f]}; do
			name="below_$f: $t" why=
			edge "$f" "$t"
			verdict
		done
	done
	for f in */; do
		f=${f%/}
		[ "$f" != build ] || continue
		ls "$f"/*.c >/dev/null 2>&1 || continue
		name="below_$f" why=
		[ "${below[$f]+set}" ] || why='a folder with sources is not in the table'
		verdict
	done
}

# A checker that finds nothing wrong in a tree of faults is at fault itself.
check_myself() {
	local tree out from what n=0
	tree=$(mktemp -d)
	for f in $folders cmd tests; do mkdir -p "$tree/$f"; done
	cp Makefile "$tree/"
	for f in $folders; do echo '#include <stddef.h>' >"$tree/$f/it.h"; done
	while read -r from what; do
		n=$((n + 1))
		echo "#include $what" >>"$tree/$from"
	done <<<"$faults"
	out=$("$1" "$tree" nested 2>&1)
	rm -rf "$tree"
	file=tests/layers.sh line=1
	while read -r from what; do
		name="$from with #include $what" why=
		what=${what#?}
		case $'\n'$out in
		*$'\n'"$from:"*" ${what%?}: "*) ;;
		*) why='was not found' ;;
		esac
		verdict
	done <<<"$faults"
	name='a tree of faults' why=
	case $out in
	*", $n failed") ;;
	*) why="$n faults, but: ${out##*$'\n'}" ;;
	esac
	verdict
}
faults='base/x.c "coap/it.h"
coap/x.c "oscore/it.h"
oscore/x.c "storage/it.h"
oscore/x.c "transport/it.h"
lwm2m/x.h "oscore/it.h"
storage/x.c "coap/it.h"
server/x.c "bootstrap/it.h"
bootstrap/x.c "server/it.h"
device/x.c "server/it.h"
device/x.c "bootstrap/it.h"
admin/x.c "storage/it.h"
cmd/x.c "tests/unit/test.h"
cmd/core.c "device/it.h"
cmd/lanyardctl.c "storage/it.h"
cmd/lanyard-device.c "server/it.h"
cmd/device_x.c "storage/it.h"
server/x.c "tests/unit/test.h"
base/x.c "it.h"
base/x.c "../base/it.h"
base/x.c "base/it.c"
base/x.c "base/gone.h"
server/x.c <coap3/coap.h>
server/x.c <sqlite3.h>
storage/store.c <sqlite3.h>
oscore/protect.c <openssl/evp.h>
server/x.c <event2/event.h>
server/x.c <json-c/json.h>
bootstrap/session.c <json-c/json.h>
server/x.c <sys/socket.h>
oscore/x.c <time.h>'

read_makefile
[ "$folders" ] || { echo "Makefile: no below_* lines"; exit 2; }
check_production
if [ "${2:-}" != nested ]; then
	check_unit_tests
	check_table
	check_myself "$PWD/tests/layers.sh"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
