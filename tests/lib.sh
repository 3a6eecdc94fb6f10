# SPDX-License-Identifier: Apache-2.0
# What the shell tests share. Sourced in the project's folder.
passed=0 failed=0

# What to show of a check that failed; a test may have its own.
show() { [ ! -e "${dir:-}/out" ] || sed 's/^/    /' "$dir/out"; }

# check WHAT COMMAND...: it succeeds.
check() {
	local what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "FAILED: $what"
	show "$@"
	return 1
}
# The same; what the command prints goes to $dir/out.
check_quietly() {
	check "$1" quietly "${@:2}"
}
quietly() { "$@" >"$dir/out" 2>&1; }

is() { [ "$1" = "$2" ]; }

# The last words of a test.
finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
