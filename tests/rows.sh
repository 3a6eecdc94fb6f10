#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/rows.sh [ROOT]: the rules of LwM2M in tests/spec/*.tsv against the tests. A row is proved by
# a test that names its id in a description (a string), or in a comment that says "Proves: ID, ID".
# A row that no test proves stands in tests/not-covered.txt with the reason, and only such a row.
# Ids that no table has are faults, wherever they stand.
set -u
self=$(realpath "$0")
cd "${1:-$(dirname "$0")/..}" || exit 2
export LC_ALL=C.UTF-8

rows() {
	/usr/bin/python3 - <<'END'
import os, pathlib, re

faults, table, listed, proved = [], {}, {}, {}


def fault(where, line, what):
    faults.append(f"{where}:{line}: {what}")


def lines(path):
    return enumerate(path.read_text(errors="replace").split("\n"), 1)


for path in sorted(pathlib.Path("tests/spec").glob("*.tsv")):
    for n, line in lines(path):
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 4 or not all(cells):
            fault(path, n, "a row has an id, a rule, a level and a version")
        elif cells[0] in table:
            fault(path, n, f"{cells[0]} is there twice")
        table.setdefault(cells[0], (path, n))
if not table:
    fault("tests/spec", 1, "there are no rows")
    table["none"] = ("tests/spec", 1)

# An id, or what looks like one: a prefix of the table and a number.
prefixes = {re.sub(r"-\d+$", "", i) for i in table}
an_id = re.compile(
    r"(?<![\w-])(?:(?:%s)-\d+|%s)(?!\w)"
    % ("|".join(map(re.escape, sorted(prefixes))), "|".join(map(re.escape, sorted(table, key=len, reverse=True))))
)
of_c = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def claims(path, text):
    """The parts of a test that can prove something."""
    if path.suffix in (".c", ".h"):
        for m in of_c.finditer(text):
            part = m.group()
            if part[0] == '"':
                yield part
            elif part[0] == "/":
                yield from part.split("Proves:")[1:]
    else:
        for line in text.split("\n"):
            if not line.lstrip().startswith("#"):
                yield line
            else:
                yield from line.split("Proves:")[1:]


files = []
for folder, inner, names in os.walk("."):
    inner[:] = sorted(set(inner) - {"build", ".git", "seeds"})
    files += [pathlib.Path(folder, name) for name in sorted(names)]
for path in files:
    text = path.read_text(errors="replace") if path.is_file() and not path.is_symlink() else ""
    if str(path).startswith("tests/spec/") or str(path) == "tests/rows.sh" or not an_id.search(text):
        continue
    for n, line in lines(path):
        for i in an_id.findall(line):
            if i not in table:
                fault(path, n, f"there is no row {i}")
    if path.parts[0] == "tests" and path.parts[1] != "bench" and path.suffix in (".c", ".h", ".sh", ".py", ".json"):
        for part in claims(path, text):
            for i in an_id.findall(part):
                proved.setdefault(i, path)

reasons = pathlib.Path("tests/not-covered.txt")
for n, line in lines(reasons) if reasons.exists() else []:
    if not line or line.startswith("#"):
        continue
    i, _, reason = line.partition("\t")
    if not reason.strip():
        fault(reasons, n, f"{i} has no reason")
    if i in listed:
        fault(reasons, n, f"{i} is there twice")
    if i not in table and not an_id.fullmatch(i):
        fault(reasons, n, f"there is no row {i}")
    if i in proved:
        fault(reasons, n, f"{i} is proved in {proved[i]}")
    listed.setdefault(i, reason)

missing = [i for i in table if i not in proved and i not in listed]
for i in missing:
    fault(*table[i], f"{i} is neither proved nor listed in {reasons}")
for f in faults:
    print(f)
print(f"{sum(i in proved for i in table)} of {len(table)} rows proved")
print(f"{len(table) - len(missing)} passed, {len(faults)} failed")
END
}

# Each of these faults has to be found in a tree of their own, and nothing else.
check_myself() {
	local tree out n=0 what
	tree=$(mktemp -d)
	mkdir -p "$tree/tests/spec" "$tree/tests/unit" "$tree/server"
	printf '# a comment\nAA-01\tone\tMUST\t1.0\nAA-02\ttwo\tMUST\t1.0\nAA-03\tthree\tMUST\t1.0\nAA-04\tfour\tMUST\t1.0\n' >"$tree/tests/spec/x.tsv"
	printf 'AA-05\tfive\tMUST\t1.0\nAA-06\tsix\tMUST\t1.0\nAA-06\tsix\tMUST\t1.0\nAA-07\tseven\t1.0\nAA-UP\tup\tMAY\t1.0\n' >>"$tree/tests/spec/x.tsv"
	{
		printf '/* AA-02 in a comment is no proof. */\n/* Proves: AA-03,\n * AA-05 */\n'
		printf 'const char *a = "a row (AA-01)", *b = "AA-77: none";\nint c = '"'"'"'"'"'; /* " AA-02 */\n'
	} >"$tree/tests/unit/x.c"
	printf '# AA-04 is no proof\n# Proves: AA-06\ncheck "the seventh (AA-07)" true\n' >"$tree/tests/x.sh"
	printf '/* AA-78 */ const char *b = "AA-02";\n' >"$tree/server/x.c"
	printf '# why\nAA-01\tit is proved\nAA-04\t\nAA-79\tnone\nBB-01\tnone\n' >"$tree/tests/not-covered.txt"
	out=$("$self" "$tree" nested)
	rm -rf "$tree"
	while read -r what; do
		n=$((n + 1))
		if ! grep -qF "$what" <<<"$out"; then
			echo "tests/rows.sh:1: did not find: $what"
			failed=$((failed + 1))
			continue
		fi
		passed=$((passed + 1))
	done <<<"$faults"
	if ! grep -qx "5 of 8 rows proved" <<<"$out" || ! grep -q ", $n failed" <<<"$out"; then
		echo "tests/rows.sh:1: $n faults, but: $(tail -n 2 <<<"$out" | tr '\n' ' ')"
		failed=$((failed + 1))
	fi
}
faults='x.tsv:8: AA-06 is there twice
x.tsv:9: a row has an id
unit/x.c:4: there is no row AA-77
server/x.c:1: there is no row AA-78
not-covered.txt:2: AA-01 is proved in tests/unit/x.c
not-covered.txt:3: AA-04 has no reason
not-covered.txt:4: there is no row AA-79
not-covered.txt:5: there is no row BB-01
x.tsv:3: AA-02 is neither proved
x.tsv:10: AA-UP is neither proved'

out=$(rows)
last=${out##*$'\n'}
passed=${last%% *} failed=${last#*, }
failed=${failed%% *}
echo "${out%$'\n'*}"
[ "${2:-}" = nested ] || check_myself
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
