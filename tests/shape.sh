#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/shape.sh [ROOT]: the shape of the sources: lengths, nesting, headers that stand alone, the
# licence line, no typedef but of functions, no stray white space, nothing left to do.
set -u
self=$(realpath "$0")
cd "${1:-$(dirname "$0")/..}" || exit 2
export LC_ALL=C

passed=0 failed=0
# $1 things were looked at; each line of standard input is a fault, which starts with the thing's name.
verdict() {
	local lines bad=0
	lines=$(cat)
	if [ "$lines" ]; then
		echo "$lines"
		failed=$((failed + $(wc -l <<<"$lines")))
		bad=$(cut -d: -f1 <<<"$lines" | sort -u | wc -l)
	fi
	passed=$((passed + $1 - bad))
}

files() {
	find . \( -path ./build -o -path ./.git \) -prune -o -type f \( "$@" \) -print | sed 's,^\./,,' | sort
}

# A function's body starts with a brace in column one and ends with the next one; its braces are
# blocks where they end a line. Only types of functions have a typedef: theirs has a parenthesis.
cat_faults() {
	awk -v max=80 -v file_max=800 -v deep=3 -v left='(^|[^A-Za-z_])(TO''DO|FIX''ME|XX''X)([^A-Za-z_]|$)' '
		function fault(line, what) { printf "%s:%d: %s\n", file, line, what }
		function finish() {
			if (!file) return
			if (!licence) fault(1, "no SPDX line")
			if (c && n >= file_max) fault(n, "a file of " file_max " lines or more")
		}
		FNR == 1 { finish(); file = FILENAME; c = file ~ /\.[ch]$/; start = licence = 0 }
		{ n = FNR }
		FNR <= 3 && /SPDX-License-Identifier: Apache-2\.0/ { licence = 1 }
		/[ \t]$/ { fault(FNR, "white space at the end") }
		$0 ~ left { fault(FNR, "something left to do") }
		!c { next }
		/^[ \t]*typedef[^(]*$/ || /typedef[ \t]+(struct|enum|union)[^(]*\{/ { fault(FNR, "a typedef") }
		/^[^{} \t#\/*]/ { head = $0 }
		/^\{/ { start = FNR; depth = worst = 0; next }
		/^\}/ && start {
			length_ = FNR - start + 1
			if (length_ > max) fault(start, "a function of " length_ " lines: " head)
			if (worst > deep) fault(start, "blocks nest " worst " deep: " head)
			start = 0
		}
		start && /^[ \t]*\}/ { depth-- }
		start && /\{[ \t]*$/ && !/=[ \t]*\{/ && ++depth > worst { worst = depth }
		start && /=[ \t]*\{[ \t]*$/ { depth++ }
		END { finish() }' "$@"
}

last_newline() {
	local f
	for f; do
		[ "$(tail -c 1 "$f")" = "" ] || echo "$f:0: no newline at the end"
	done
}

# Twice: it has to guard itself.
alone() {
	local h lines
	for h; do
		lines=$(printf '#include "%s"\n#include "%s"\n' "$h" "$h" |
			${CC:-cc} -std=c17 -D_GNU_SOURCE -DLANYARD_VERSION='""' -I. $cflags -Wall -Wextra \
				-Wstrict-prototypes -Werror -fsyntax-only -x c - 2>&1) && continue
		echo "$h:1: does not compile alone: $(grep -m 1 error: <<<"$lines")"
	done
}
export -f alone

check_tree() {
	local sources scripts headers
	mapfile -t sources < <(files -name '*.c' -o -name '*.h')
	mapfile -t scripts < <(files -name '*.sh' -o -name '*.py' -o -name Makefile)
	mapfile -t headers < <(files -name '*.h')
	verdict $((${#sources[@]} + ${#scripts[@]})) \
		< <(cat_faults "${sources[@]}" "${scripts[@]}"; last_newline "${sources[@]}" "${scripts[@]}")
	export cflags
	cflags=$(pkg-config --cflags libcoap-3-notls libcbor json-c libevent sqlite3 inih expat 2>/dev/null)
	verdict ${#headers[@]} < <(printf '%s\0' "${headers[@]}" | xargs -0 -n 16 -P "$(nproc)" bash -c 'alone "$@"' -)
}

# Each of these faults has to be found, in a file of its own; file 0 has none.
check_myself() {
	local tree what fault out n=0
	tree=$(mktemp -d)
	while IFS='|' read -r what fault; do
		n=$((n + 1))
		{
			[ "$what" = 'no SPDX line' ] || echo '/* SPDX-License-Identifier: Apache-2.0 */'
			printf "$fault"
		} >"$tree/x$n.h"
	done <<<"$faults"
	{
		echo '/* SPDX-License-Identifier: Apache-2.0 */'
		printf '#ifndef X\n#define X\ntypedef int f(void);\nstatic inline void g(void)\n{\n'
		printf '\n%.0s' $(seq 78)
		printf '}\n#endif\n'
	} >"$tree/x0.h"
	out=$("$self" "$tree" nested 2>&1)
	rm -rf "$tree"
	n=0
	while IFS='|' read -r what fault; do
		n=$((n + 1))
		verdict 1 < <(grep -q "^x$n.h:[0-9]*: .*$what" <<<"$out" || echo "tests/shape.sh:1: did not find: $what")
	done <<<"$faults"
	verdict 1 < <(grep '^x0.h:' <<<"$out")
}
faults='no SPDX line|int x(void);\n
white space at the end|int x(void); \n
white space at the end|int x(void);\t\n
no newline at the end|int x(void);
left to do|/* TO''DO: more */\n
a typedef|typedef struct x x_t;\n
a typedef|typedef int number;\n
a typedef|typedef struct x {\n	int (*f)(void);\n} x_t;\n
not compile alone|struct y { size_t n; };\n
not compile alone|struct y { int n; };\n
a function of 81 lines|static inline void f(void)\n{\n'$(printf '\\n%.0s' $(seq 79))'}\n
blocks nest 4 deep|static inline void f(void)\n{\n	{\n	{\n	{\n	{\n	}\n	}\n	}\n	}\n}\n
a file of 800|'$(printf '\\n%.0s' $(seq 799))

# Releases of clang-format differ in places, so this is for information.
formatted() {
	local v n
	v=$(clang-format --version 2>/dev/null | sed -nE 's/.*version ([0-9]+)\..*/\1/p')
	[ "${v:-0}" -ge 14 ] || return 0
	n=$(files -name '*.c' -o -name '*.h' | xargs clang-format --dry-run -Werror 2>&1 |
		grep -E '^[^ ]+: error: code should be' | cut -d: -f1 | sort -u)
	[ -z "$n" ] || printf 'for information: clang-format %s would change %s\n' "$v" "$(echo $n)"
}

check_tree
if [ "${2:-}" != nested ]; then
	check_myself
	formatted
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
