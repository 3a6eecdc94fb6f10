#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/clauses.sh [ROOT]: holds the tests against the clauses of RFC 8613 and RFC 10021 in
# tests/vectors/oscore-clauses.tsv and group-clauses.tsv. A clause is proved where a test names its id (in C: in the comment
# of a function that is called), or is excused with a reason; never both, and never neither.
set -u
self=$(realpath "$0")
cd "${1:-$(dirname "$0")/..}" || exit 2
export LC_ALL=C
id='(8613-[4-8BC]|10021-[2-9]|10021-10)[0-9.]*-[0-9]+'

# "ID FILE:LINE" of each id that a test names. In C a function follows, and is called: else "-" is in
# front of the id.
claims() {
	find tests \( -path tests/unit -o -path tests/interop -o -path tests/scenario -o -path tests/kill \) -prune \
		-type d -print | xargs -I{} find {} -type f \( -name '*.c' -o -name '*.sh' -o -name '*.py' \) | sort |
		while read -r file; do
			grep -qE "$id" "$file" || continue
			awk -v id="$id" -v file="$file" '
				{ text[NR] = $0 }
				END {
					for (i = 1; i <= NR; i++) {
						rest = text[i]
						while (match(rest, id)) {
							print (good(i) ? "" : "-") substr(rest, RSTART, RLENGTH), file ":" i
							rest = substr(rest, RSTART + RLENGTH)
						}
					}
				}
				function good(i, name, n) {
					if (file !~ /\.c$/) return 1
					while (i <= NR && text[i] !~ /^static [^=;]*\(/) i++
					if (i > NR) return 0
					name = text[i]
					sub(/\(.*/, "", name)
					sub(/.*[ *]/, "", name)
					for (i++; i <= NR; i++)
						if (index(text[i], name "(")) return 1
					return 0
				}' "$file"
		done
}

passed=0 failed=0
# $1 is what was looked at; $2 is its fault, or empty.
verdict() {
	if [ ! "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$1: $2"
	fi
}

declare -A claimed known
covered=0 excused=0
while read -r c where; do
	case $c in
	-*) verdict "$where" "${c#-}: no test that runs follows" ;;
	*) claimed[$c]=$where ;;
	esac
done < <(claims)

while IFS=$'\t' read -r c role state clause reason; do
	case $c in '' | '#'*) continue ;; esac
	why=
	[[ $c =~ ^$id$ ]] || why='this is no id'
	[ -z "${known[$c]-}" ] || why='stands there twice'
	known[$c]=1
	case $role in client | server | both | proxy | author) ;; *) why="a role of \"$role\"" ;; esac
	[ "$clause" ] || why='has no wording'
	case $state in
	proved)
		[ -z "$reason" ] || why='is proved and has an excuse'
		[ "${claimed[$c]-}" ] || why='no test names it'
		[ "$why" ] || covered=$((covered + 1))
		;;
	n/a | 'not built')
		[ "$reason" ] || why='is excused without a reason'
		[ -z "${claimed[$c]-}" ] || why="is \"$state\", but ${claimed[$c]} names it"
		[ "$why" ] || excused=$((excused + 1))
		;;
	*) why="a state of \"$state\"" ;;
	esac
	verdict "$c" "$why"
done < <(cat tests/vectors/*-clauses.tsv)
for c in "${!claimed[@]}"; do
	[ "${known[$c]-}" ] || verdict "${claimed[$c]}" "$c is no clause of the table"
done

# A checker that finds nothing wrong in a tree of faults is at fault itself.
check_myself() {
	local tree out want
	tree=$(mktemp -d)
	mkdir -p "$tree/tests/vectors" "$tree/tests/unit/x"
	printf '%s\t%s\t%s\t%s\t%s\n' \
		8613-4-1 both proved good '' \
		8613-4-2 both proved unnamed '' \
		8613-4-3 both n/a unexcused '' \
		8613-4-4 both 'not built' built 'not yet' \
		8613-4-5 both proved uncalled '' \
		8613-4-5 both n/a twice 'because' \
		8613-4-6 nobody n/a role 'because' \
		8613-4-7 both maybe state '' >"$tree/tests/vectors/oscore-clauses.tsv"
	printf '%s\n' '/* Proves: 8613-4-1 8613-4-4 8613-9-1 8613-8-99 */' 'static void one(void)' '{' '}' \
		'/* 8613-4-5 */' 'static void two(void)' '{' '}' 'int main(void) { one(); }' >"$tree/tests/unit/x/t.c"
	out=$("$self" "$tree" nested 2>&1)
	rm -rf "$tree"
	for want in '8613-4-2: no test names it' '8613-4-3: is excused without a reason' \
		'8613-4-4: is "not built", but tests/unit/x/t.c:1 names it' \
		'tests/unit/x/t.c:5: 8613-4-5: no test that runs follows' '8613-4-5: stands there twice' \
		'8613-4-6: a role of "nobody"' '8613-4-7: a state of "maybe"' \
		'tests/unit/x/t.c:1: 8613-8-99 is no clause of the table' '1 of 7 clauses'; do
		case $'\n'$out in
		*$'\n'"$want"*) verdict "$want" '' ;;
		*) verdict 'a tree of faults' "not found: $want" ;;
		esac
	done
}
[ "${2:-}" = nested ] || check_myself

echo "$covered of ${#known[@]} clauses of RFC 8613 and RFC 10021 covered, $excused excused"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
