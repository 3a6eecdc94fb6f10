#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/valgrind.sh [PROGRAM...]: the unit tests and the fuzz targets' seeds, or these programs, under
# valgrind; then daemon, lanyardctl and device through all operations and the whole REST interface. An
# error or a leak in any of their processes is a failure. Environment: BUILD (build).
set -u
cd "$(dirname "$0")/.." || exit 2
BUILD=$(realpath "${BUILD:-build}")
dir=$(mktemp -d /tmp/lanyard-valgrind.XXXXXX) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
. tests/lib.sh
show() { tail -n 40 "$dir/log/$1"* | sed 's/^/    /'; }
mkdir "$dir/log" "$dir/bin"

# A malloc of a program's own, one that fails on demand, stays its own.
valgrind="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible
	--errors-for-leak-kinds=definite,indirect,possible --soname-synonyms=somalloc=nouserintercepts
	--suppressions=$PWD/tests/valgrind.supp"
valgrind=$(echo $valgrind)

programs=("$@")
if [ $# = 0 ]; then
	for p in tests/unit/*/*.c tests/fuzz/*.c; do
		p=${p#tests/}
		p=${p#unit/}
		[ $p = fuzz/driver.c ] || programs+=("$BUILD/tests/${p%.c}")
	done
fi
name_of() {
	local name=${1#"$BUILD"/tests/}
	name=${name//\//-}
	echo "$name"
}
one() {
	local name=$(name_of "$1")
	timeout 1800 $valgrind "$1" >"$dir/log/$name" 2>&1 </dev/null || mv "$dir/log/$name" "$dir/log/$name.failed"
}
export -f one name_of
export dir valgrind BUILD
printf '%s\n' "${programs[@]}" | xargs -P "$(nproc)" -n 1 bash -c 'one "$0"'
for p in "${programs[@]}"; do
	name=$(name_of "$p")
	check "$name" [ -e "$dir/log/$name" ] || show "$name"
done

# The scenarios find valgrind under the names of our programs.
for p in lanyardd lanyardctl lanyard-device; do
	printf '#!/bin/sh\nexec %s --log-file=%s/log/%s-%%p %s/bin/%s "$@"\n' \
		"$valgrind" "$dir" "$p" "$BUILD" "$p" >"$dir/bin/$p"
	chmod +x "$dir/bin/$p"
done
if [ $# = 0 ]; then
	for s in operations contract; do
		BUILD=$dir tests/scenario/$s.sh >"$dir/log/$s" 2>&1
		check "$s.sh under valgrind" [ $? = 0 ] || show $s
	done
	for log in "$dir"/log/lanyard*; do
		check "no error in ${log##*/}" [ ! -s "$log" ] || show "${log##*/}"
	done
fi
finish
