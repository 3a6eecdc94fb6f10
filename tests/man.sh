#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Holds the manual pages against the programs: every option, command, route and problem is there.
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
. tests/lib.sh
# item PAGE REGEX: an item of a list matches.
item() { grep -qE -- "^\.It $2" "man/$1"; }

for page in man/*.[1578]; do
	out=$(mandoc -Tlint -W warning "$page" 2>&1)
	check "$page is good mdoc: $out" [ -z "$out" ]
	check "$page can be read" sh -c "mandoc -Thtml '$page' | grep -q 'id=.NAME'"
	for name in $(sed -n 's/^\.Xr \(lanyard[^ ]*\) \([0-9]\).*/\1.\2/p' "$page"); do
		check "$page: $name exists" [ -f "man/$name" ]
	done
done

check 'lanyard.conf(5) has the options that lanyardd has (man/generate.sh)' \
	cmp -s man/lanyard.conf.5 <(man/generate.sh "$BUILD/bin/lanyardd")
check 'the generator fails without a program' sh -c '! man/generate.sh /nonexistent >/dev/null 2>&1'

# The long options that a --help lists.
help_options() { sed -nE 's/^ +(-., )?--([a-z-]+).*/\2/p'; }
# The other way round: all that a page lists is there. Items of the page, and what is known.
# only PAGE WHAT ITEMS KNOWN
only() {
	local item
	for item in $3; do
		check "$1: the $2 $item exists" grep -qxF -- "$item" <<<"$4"
	done
}
long_options() { sed -nE 's/^\.It Fl (. , Fl )?-([a-z-]+)( .*)?$/\2/p; s/^\.It Fl (. ), -([a-z-]+)( .*)?$/\2/p' "man/$1"; }

options=$("$BUILD/bin/lanyardd" --help | sed '/^Options of/q' | help_options)
check 'lanyardd has options' [ -n "$options" ]
for o in $options; do
	check "lanyardd(8) has --$o" item lanyardd.8 "Fl (. , )?-$o( |\$)"
done
only 'lanyardd(8)' option "$(long_options lanyardd.8)" "$options"
options=$("$BUILD/bin/lanyard-device" --help | help_options)
check 'lanyard-device has options' [ "$(echo $options | wc -w)" -gt 40 ]
for o in $options; do
	check "lanyard-device(1) has --$o" item lanyard-device.1 "Fl -$o( |\$)"
done
only 'lanyard-device(1)' option "$(long_options lanyard-device.1)" "$options"

commands=$("$BUILD/bin/lanyardctl" __complete | grep -v '^-')
check 'lanyardctl has commands' [ "$(echo $commands | wc -w)" -gt 20 ]
for c in $commands; do
	# Its part of the page: up to the next command.
	part=$(sed -n "/^\.It Cm $c\( \|\$\)/,/^\.It Cm /p" man/lanyardctl.1)
	check "lanyardctl(1) has $c" [ -n "$part" ]
	for o in $("$BUILD/bin/lanyardctl" help "$c" | help_options); do
		case $o in socket | json | help) continue ;; esac
		check "lanyardctl(1): $c has --$o" grep -qE -- "^\.It Fl (. , Fl )?-$o( |\$)" <<<"$part"
	done
	known=$("$BUILD/bin/lanyardctl" help "$c" | help_options)
	only "lanyardctl(1): $c" option \
		"$(sed '1!{/^\.It Cm /,$d}' <<<"$part" | sed -nE 's/^\.It Fl (. , Fl )?-([a-z-]+)( .*)?$/\2/p')" "$known"
done
only 'lanyardctl(1)' command "$(sed -nE 's/^\.It Cm ([a-z]+)( .*)?$/\1/p' man/lanyardctl.1)" "$commands"

routes=$(/usr/bin/python3 -c '
import json
for path, ops in json.load(open("admin/openapi.json"))["paths"].items():
	for name, to in (("{endpoint}", "EP"), ("{path}", "PATH"), ("{id}", "ID"), ("{operation}", "ID"), ("{image}", "NAME")):
		path = path.replace(name, to)
	for method in ops:
		if method in ("get", "put", "post", "delete"):
			print(method.upper(), path)
')
check 'there are routes' [ "$(wc -l <<<"$routes")" -gt 20 ]
while read -r route; do
	check "lanyard-rest(7) has $route" grep -qxF ".It $route" man/lanyard-rest.7
done <<<"$routes"
problems=$(sed -n '/titles\[\] = {/,/^};/s/^\t{"\([a-z-]*\)".*/\1/p' admin/problem.c)
check 'there are problems' [ "$(wc -l <<<"$problems")" -gt 20 ]
for p in $problems; do
	check "lanyard-rest(7) has the problem $p" grep -qxF ".It $p" man/lanyard-rest.7
done
only 'lanyard-rest(7)' problem "$(sed -n '/^\.Sh PROBLEM/,$s/^\.It //p' man/lanyard-rest.7)" "$problems"
while read -r route; do
	check "lanyard-rest(7): the route $route exists" grep -qxF "$route" <<<"$routes"
done < <(sed -nE 's/^\.It ((GET|PUT|POST|DELETE) .*)$/\1/p' man/lanyard-rest.7)

reasons=$(sed -nE 's/^\t\[EP_REASON_[A-Z_]+\] = \{"([a-z-]+)".*/\1/p' endpoint/reason.c)
check 'there are reasons' [ "$(wc -l <<<"$reasons")" -gt 40 ]
check 'the table of reasons is read whole' \
	[ "$(wc -l <<<"$reasons")" = "$(grep -c '^	\[EP_REASON_' endpoint/reason.c)" ]
for r in $reasons; do
	check "lanyard-oscore(7) has the reason $r" grep -qxF ".It $r" <(sed -n '/^\.Sh REASONS/,/^\.Sh SEE/p' man/lanyard-oscore.7)
done
only 'lanyard-oscore(7)' reason "$(sed -n '/^\.Sh REASONS/,/^\.Sh SEE/s/^\.It //p' man/lanyard-oscore.7)" "$reasons"
verdicts=$(/usr/bin/python3 -c '
import json
schemas = json.load(open("admin/openapi.json"))["components"]["schemas"]
print("\n".join(schemas["Explanation"]["properties"]["verdict"]["properties"]["code"]["enum"]))
')
check 'there are verdicts' [ "$(wc -l <<<"$verdicts")" -gt 10 ]
for v in $verdicts; do
	check "lanyard-rest(7) has the verdict $v" grep -qxF ".It $v" <(sed -n '/^\.Ss Explanations/,/^\.Ss Problems/p' man/lanyard-rest.7)
done
only 'lanyard-rest(7)' verdict "$(sed -n '/^\.Ss Explanations/,/^\.Ss Problems/s/^\.It //p' man/lanyard-rest.7)" "$verdicts"

finish
