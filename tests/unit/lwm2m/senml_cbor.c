/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lwm2m/codec_rows.h"

#include <math.h>

/* n and bn of some paths, as key and value. */
#define N_309   "00662f332f302f39"
#define N_300   "00662f332f302f30"
#define N_3013  "00672f332f302f3133"
#define N_600   "00662f362f302f30"
#define N_500   "00662f352f302f30"
#define N_106   "00662f312f302f36"
#define N_ANY   "006a2f31303233342f302f31"
#define N_LINK  "00672f302f302f3137"
#define BN_30   "21652f332f302f"
#define INTEGER "/3/0/9", "81a2" N_309 "02"
#define FLOAT   "/6/0/0", "81a2" N_600 "02"
#define TIME    "/3/0/13", "81a2" N_3013 "02"
#define TEXT    "/3/0/0", "81a2" N_300 "03"
#define OPAQUE  "/5/0/0", "81a2" N_500 "08"
#define LINK    "/0/0/17", "81a2" N_LINK "63766c6f"
#define ANY     "/10234/0/1", "81a2" N_ANY
#define AT      "/3/0/9", "81a3" N_309 "0201"

static const struct {
	const char *what, *base, *hex, *want, *writes;
	unsigned flags;
} rows[] = {
	/* names */
	{"a name in n", INTEGER "1864", "/3/0/9 integer 100", "81a2" N_309 "021864", 0},
	{"in bn", "/3/0/9", "81a221662f332f302f39021864", "/3/0/9 integer 100", NULL, 0},
	{"split, in any order (CT-80)", "/3/0/9",
		"81a30218640061"
		"39" BN_30,
		"/3/0/9 integer 100", NULL, 0},
	{"the base name of an instance", "/3/0", "82a3" BN_30 "0061390201a2006231300202",
		"/3/0/9 integer 1\n/3/0/10 integer 2", NULL, 0},
	{"of three", "/3/0", "83a2" N_309 "0201a200672f332f302f31300202a2" N_3013 "0203",
		"/3/0/9 integer 1\n/3/0/10 integer 2\n/3/0/13 time 3",
		"83a3" BN_30 "0061390201a2006231300202a2006231330203", 0},
	{"in chunks", "/3/0/9", "81a2007f632f332f62302f6139ff021864", "/3/0/9 integer 100",
		"81a2" N_309 "021864", 0},
	{"bytes for a name", "/3/0/9", "81a200462f332f302f39021864", NULL, NULL, 0},
	{"an array for a name", "/3/0/9",
		"81a20081010218"
		"64",
		NULL, NULL, 0},
	{"no name", "/3/0/9", "81a1021864", NULL, NULL, 0},
	{"the reserved id", "/3/0",
		"81a2006a2f332f302f363535333502"
		"01",
		NULL, NULL, 0},
	{"not what was asked for", "/3/0/8", "81a2" N_309 "021864", NULL, NULL, 0},
	{"with the alternate path", "/3/0/9", "81a2006c2f6c776d326d2f332f302f390201",
		"/3/0/9 integer 1", "81a2006c2f6c776d326d2f332f302f390201", ALT},
	{"one that the device does not have", "/3/0/9", "81a2006c2f6c776d326d2f332f302f390201",
		NULL, NULL, 0},

	/* numbers, FMT-24 and FMT-25 */
	{"zero", INTEGER "00", "/3/0/9 integer 0", "81a2" N_309 "0200", 0},
	{"23", INTEGER "17", "/3/0/9 integer 23", "81a2" N_309 "0217", 0},
	{"not the shortest form", INTEGER "1b0000000000000017", "/3/0/9 integer 23",
		"81a2" N_309 "0217", 0},
	{"-24", INTEGER "37", "/3/0/9 integer -24", "81a2" N_309 "0237", 0},
	{"-25", INTEGER "3818", "/3/0/9 integer -25", "81a2" N_309 "023818", 0},
	{"256", INTEGER "190100", "/3/0/9 integer 256", "81a2" N_309 "02190100", 0},
	{"65536", INTEGER "1a00010000", "/3/0/9 integer 65536", "81a2" N_309 "021a00010000", 0},
	{"2^32", INTEGER "1b0000000100000000", "/3/0/9 integer 4294967296",
		"81a2" N_309 "021b0000000100000000", 0},
	{"the largest", INTEGER "1b7fffffffffffffff", "/3/0/9 integer 9223372036854775807", NULL,
		0},
	{"the least", INTEGER "3b7fffffffffffffff", "/3/0/9 integer -9223372036854775808",
		"81a2" N_309 "023b7fffffffffffffff", 0},
	{"one above", INTEGER "1b8000000000000000", "/3/0/9 bad integer 1b8000000000000000", NULL,
		0},
	{"one below", INTEGER "3b8000000000000000", "/3/0/9 bad integer 3b8000000000000000", NULL,
		0},
	{"-2^64", INTEGER "3bffffffffffffffff", "/3/0/9 bad integer 3bffffffffffffffff", NULL, 0},
	{"a whole half", INTEGER "f94d00", "/3/0/9 integer 20", NULL, 0},
	{"a whole double", INTEGER "fb41d7d78400000000", "/3/0/9 integer 1600000000", NULL, 0},
	{"2^63 as double", INTEGER "fb43e0000000000000", "/3/0/9 bad integer fb43e0000000000000",
		NULL, 0},
	{"-2^63 as double", INTEGER "fbc3e0000000000000", "/3/0/9 integer -9223372036854775808",
		NULL, 0},
	{"a fraction", INTEGER "f93e00", "/3/0/9 bad integer f93e00", NULL, 0},
	{"NaN for an integer", INTEGER "f97e00", "/3/0/9 bad integer f97e00", NULL, 0},
	{"decimal: 2 * 10^1", INTEGER "c4820102", "/3/0/9 integer 20", NULL, 0},
	{"decimal: 200 * 10^-1", INTEGER "c4822018c8", "/3/0/9 integer 20", NULL, 0},
	{"decimal: 201 * 10^-1", INTEGER "c4822018c9", "/3/0/9 bad integer c4822018c9", NULL, 0},
	{"decimal: -7 * 10^0", INTEGER "c4820026", "/3/0/9 integer -7", NULL, 0},
	{"decimal: 0 * 10^(2^63-1)", INTEGER "c4821b7fffffffffffffff00", "/3/0/9 integer 0", NULL,
		0},
	{"decimal: 1 * 10^(2^63-1)", INTEGER "c4821b7fffffffffffffff01",
		"/3/0/9 bad integer c4821b7fffffffffffffff01", NULL, 0},
	{"decimal, indefinite", INTEGER "c49f0102ff", "/3/0/9 integer 20", NULL, 0},
	{"decimal of three", INTEGER "c483010203", "/3/0/9 bad integer c483010203", NULL, 0},
	{"decimal of three, indefinite", INTEGER "c49f010203ff", "/3/0/9 bad integer c49f010203ff",
		NULL, 0},
	{"decimal of one, indefinite", INTEGER "c49f01ff", "/3/0/9 bad integer c49f01ff", NULL, 0},
	{"decimal of floats", INTEGER "c482f93c0001", "/3/0/9 bad integer c482f93c0001", NULL, 0},
	{"decimal with a bignum", INTEGER "c48201c24102", "/3/0/9 bad integer c48201c24102", NULL,
		0},
	{"decimal without", INTEGER "c401", "/3/0/9 bad integer c401", NULL, 0},
	{"decimal float", FLOAT "c482221a00012edf", "/6/0/0 float 77.535", NULL, 0},
	{"a bignum", INTEGER "c24101", "/3/0/9 bad integer c24101", NULL, 0},
	{"half", FLOAT "f93e00", "/6/0/0 float 1.5", "81a2" N_600 "02f93e00", 0},
	{"minus zero", FLOAT "f98000", "/6/0/0 float -0.0", "81a2" N_600 "02f98000", 0},
	{"the least half", FLOAT "f90001", "/6/0/0 float 0.000000059604644775390625",
		"81a2" N_600 "02f90001", 0},
	{"the largest half", FLOAT "f97bff", "/6/0/0 float 65504.0", "81a2" N_600 "02f97bff", 0},
	{"one more bit", FLOAT "fa477fe100", "/6/0/0 float 65505.0", "81a2" N_600 "02fa477fe100",
		0},
	{"half as double", FLOAT "fb3ff8000000000000", "/6/0/0 float 1.5", "81a2" N_600 "02f93e00",
		0},
	{"the least single", FLOAT "fa00000001",
		"/6/0/0 float 0.000000000000000000000000000000000000000000001401298464324817",
		"81a2" N_600 "02fa00000001", 0},
	{"the largest single", FLOAT "fa7f7fffff",
		"/6/0/0 float 340282346638528860000000000000000000000.0",
		"81a2" N_600 "02fa7f7fffff", 0},
	{"double", FLOAT "fb3fb999999999999a", "/6/0/0 float 0.1",
		"81a2" N_600 "02fb3fb999999999999a", 0},
	{"an integer for a float", FLOAT "03", "/6/0/0 float 3.0", "81a2" N_600 "02f94200", 0},
	{"-2^64 for a float", FLOAT "3bffffffffffffffff", "/6/0/0 float -18446744073709552000.0",
		NULL, 0},
	{"NaN", FLOAT "f97e00", "/6/0/0 bad float f97e00", NULL, 0},
	{"infinity", FLOAT "fa7f800000", "/6/0/0 bad float fa7f800000", NULL, 0},
	{"minus infinity", FLOAT "fbfff0000000000000", "/6/0/0 bad float fbfff0000000000000", NULL,
		0},
	{"unsigned", "/0/0/13", "81a200672f302f302f3133021bffffffffffffffff",
		"/0/0/13 unsigned 18446744073709551615",
		"81a200672f302f302f3133021bffffffffffffffff", 0},
	{"unsigned, minus", "/0/0/13", "81a200672f302f302f31330220", "/0/0/13 bad unsigned 20",
		NULL, 0},
	{"time", TIME "1a5182428f", "/3/0/13 time 1367491215", "81a2" N_3013 "021a5182428f", 0},
	{"time by tag 1", TIME "c11a5182428f", "/3/0/13 time 1367491215",
		"81a2" N_3013 "021a5182428f", 0},

	/* values */
	{"string", TEXT "63616263", "/3/0/0 string abc", "81a2" N_300 "0363616263", 0},
	{"in chunks", TEXT "7f6161606162ff", "/3/0/0 string ab", "81a2" N_300 "03626162", 0},
	{"a character over two chunks", TEXT "7f61c361a9ff", "/3/0/0 string \xc3\xa9", NULL, 0},
	{"no chunks", TEXT "7fff", "/3/0/0 string ", NULL, 0},
	{"chunks of bytes", TEXT "7f4161ff", NULL, NULL, 0},
	{"chunks in chunks", TEXT "7f7f6161ffff", NULL, NULL, 0},
	{"no UTF-8", TEXT "61ff", "/3/0/0 bad string 61ff", NULL, 0},
	{"a NUL", TEXT "626100", "/3/0/0 bad string 626100", NULL, 0},
	{"bytes for a string", TEXT "4161", "/3/0/0 bad string 4161", NULL, 0},
	{"boolean", "/1/0/6", "81a2" N_106 "04f5", "/1/0/6 boolean 1", "81a2" N_106 "04f5", 0},
	{"a number for a boolean", "/1/0/6", "81a2" N_106 "0401", "/1/0/6 bad boolean 01", NULL, 0},
	{"opaque", OPAQUE "4201ff", "/5/0/0 opaque 01ff", "81a2" N_500 "084201ff", 0},
	{"in chunks", OPAQUE "5f410141ffff", "/5/0/0 opaque 01ff", "81a2" N_500 "084201ff", 0},
	{"text for bytes", OPAQUE "6161", "/5/0/0 bad opaque 6161", NULL, 0},
	{"link", LINK "6432313a30", "/0/0/17 objlnk 21:0", "81a2" N_LINK "63766c6f6432313a30", 0},
	{"link with a NUL (CT-78)", LINK "6532313a3000", "/0/0/17 objlnk 21:0",
		"81a2" N_LINK "63766c6f6432313a30", 0},
	{"with two", LINK "6632313a300000", "/0/0/17 bad objlnk 6632313a300000", NULL, 0},
	{"link under v (CT-79)", "/0/0/17", "81a2" N_LINK "026432313a30", "/0/0/17 objlnk 21:0",
		NULL, 0},
	{"under vs", "/0/0/17", "81a2" N_LINK "036432313a30", "/0/0/17 objlnk 21:0", NULL, 0},
	{"the key in chunks", "/0/0/17",
		"81a2" N_LINK "7f61766"
		"26c6fff6432313a30",
		"/0/0/17 objlnk 21:0", NULL, 0},
	{"null", INTEGER "f6", "/3/0/9 bad integer f6", NULL, 0},
	{"undefined", INTEGER "f7", "/3/0/9 bad integer f7", NULL, 0},
	{"a map", INTEGER "a10102", "/3/0/9 bad integer a10102", NULL, 0},
	{"an unknown tag", INTEGER "d9d9f701", "/3/0/9 bad integer d9d9f701", NULL, 0},
	{"a simple value", INTEGER "e0", NULL, NULL, 0},
	{"a reserved length", INTEGER "1c", NULL, NULL, 0},
	{"a bad one, and the rest (DM-20)", "/3/0",
		"82a3" BN_30 "0061390341"
		"78a2006231300202",
		"/3/0/9 bad integer 4178\n/3/0/10 integer 2", NULL, 0},
	{"two values", "/3/0/9", "81a3" N_309 "0201036131", NULL, NULL, 0},
	{"no value", "/3/0/9", "81a1" N_309, NULL, NULL, 0},

	/* values the model does not know */
	{"an integer", ANY "0224", "/10234/0/1 integer -5", NULL, 0},
	{"above int64", ANY "021b8000000000000000", "/10234/0/1 unsigned 9223372036854775808",
		"81a2" N_ANY "021b8000000000000000", 0},
	{"below int64", ANY "023bffffffffffffffff", "/10234/0/1 float -18446744073709552000.0",
		"81a2" N_ANY "02fadf800000", 0},
	{"a float", ANY "02f94d00", "/10234/0/1 float 20.0", "81a2" N_ANY "02f94d00", 0},
	{"a decimal", ANY "02c4820102", "/10234/0/1 float 20.0", NULL, 0},
	{"a time", ANY "02c101", "/10234/0/1 time 1", NULL, 0},
	{"a boolean", ANY "04f4", "/10234/0/1 boolean 0", NULL, 0},
	{"text", ANY "0363313a32", "/10234/0/1 string 1:2", NULL, 0},
	{"bytes", ANY "084101", "/10234/0/1 opaque 01", NULL, 0},
	{"a link", ANY "63766c6f63313a32", "/10234/0/1 objlnk 1:2", NULL, 0},
	{"none", ANY "02f6", "/10234/0/1 bad none f6", NULL, 0},

	/* base value and time */
	{"the base value", "/3/0",
		"82a4" BN_30 "24140061390201a1006231"
		"30",
		"/3/0/9 integer 21\n/3/0/10 integer 20", NULL, 0},
	{"base value as decimal", "/6/0/0",
		"81a3" N_600 "24c482200"
		"50201",
		"/6/0/0 float 1.5", NULL, 0},
	{"a base value that is none", "/3/0/9", "81a3" N_309 "2461310201", NULL, NULL, 0},
	{"a time", AT "061a65540dc0", "/3/0/9 integer 1 @1700007360",
		"81a3061a65540dc0" N_309 "0201", 0},
	{"relative", AT "0629", "/3/0/9 integer 1 @1699999990", NULL, 0},
	{"base time as decimal", "/3/0/9", "81a3" N_309 "020122c482011a0a21fe80",
		"/3/0/9 integer 1 @1700000000", NULL, 0},
	{"time as float (FMT-25)", "/3/0/9",
		"81a4" N_309 "020122fb41d954fc400000000"
		"6f93c00",
		"/3/0/9 integer 1 @1700000001", NULL, 0},
	{"a history", "/3/0/9",
		"83a4221a68fa2f04" N_309 "060002"
		"0aa3" N_309 "06183c020ba3" N_309 "061878020c",
		"/3/0/9 integer 10 @1761226500\n/3/0/9 integer 11 @1761226560\n"
		"/3/0/9 integer 12 @1761226620",
		"83a321662f332f302f39061a68fa2f04020aa2061a68fa2f40020ba2061a68fa2f7c020c", 0},
	{"one time for all", "/3/0",
		"83a4" BN_30 "221a6553f10000613902"
		"01a2006231300202a2006231330203",
		"/3/0/9 integer 1 @1700000000\n/3/0/10 integer 2 @1700000000\n"
		"/3/0/13 time 3 @1700000000",
		"83a4" BN_30 "221a6553f1000061390201a2006231300202a2006231330203", 0},
	{"a name twice", "/3/0/9", "82a2" N_309 "0201a2" N_309 "0202", NULL, NULL, 0},
	{"twice, the same time", "/3/0/9", "82a3" N_309 "02010600a2" N_309 "0202", NULL, NULL, 0},
	{"an endless time", AT "06f97c00", NULL, NULL, 0},
	{"no time", AT "06f97e00", NULL, NULL, 0},
	{"a time by tag", AT "06c101", NULL, NULL, 0},

	/* version and keys */
	{"version 10", "/3/0/9", "81a3" N_309 "0201200a", "/3/0/9 integer 1", NULL, 0},
	{"version 11", "/3/0/9", "81a3" N_309 "0201200b", NULL, NULL, 0},
	{"keys of no meaning here", "/3/0/9", "81a7" N_309 "0201236156250101614105020700",
		"/3/0/9 integer 1", NULL, 0},
	{"unknown numbers", "/3/0/9", "81a7" N_309 "020109010a8101260118ff013903e701",
		"/3/0/9 integer 1", NULL, 0},
	{"unknown words", "/3/0/9",
		"81a4" N_309 "02016178bf5f4101ff9fd81820ffff"
		"6076"
		"a1"
		"",
		NULL, NULL, 0},
	{"all kinds below an unknown key", "/3/0/9",
		"81a3" N_309 "02016178bf5f4101ff9fd82020fb00000000000000007f6161fff6ff01f7ff",
		"/3/0/9 integer 1", NULL, 0},
	{"one that must be understood", "/3/0/9", "81a3" N_309 "020162785f01", NULL, NULL, 0},
	{"n as text is unknown", "/3/0/9", "81a3616e01" N_309 "0201", "/3/0/9 integer 1", NULL, 0},
	{"bytes as key", "/3/0/9", "81a3" N_309 "0201417801", NULL, NULL, 0},
	{"a float as key", "/3/0/9", "81a3" N_309 "0201f93c0001", NULL, NULL, 0},
	{"an array as key", "/3/0/9", "81a3" N_309 "0201810101", NULL, NULL, 0},
	{"a tag as key", "/3/0/9", "81a3" N_309 "0201c10101", NULL, NULL, 0},
	{"a name key twice", "/3/0/9", "81a3" N_309 N_309 "0201", NULL, NULL, 0},
	{"a value key twice", "/3/0/9", "81a3" N_309 "02010201", NULL, NULL, 0},
	{"an unknown key twice", "/3/0/9", "81a4" N_309 "020109010901", "/3/0/9 integer 1", NULL,
		0},

	/* structure */
	{"indefinite", "/3/0/9", "9fbf" N_309 "021864ffff", "/3/0/9 integer 100", NULL, 0},
	{"an empty array for an instance", "/3/0", "80", "/3/0 instance", "80", 0},
	{"indefinite", "/3/0/6", "9fff", "/3/0/6 multiple", "80", 0},
	{"for an object", "/3", "80", "", "80", 0},
	{"for a single Resource", "/3/0/9", "80", NULL, NULL, 0},
	{"no bytes for a multiple Resource", "/3/0/6", "", "/3/0/6 multiple", NULL, 0},
	{"no bytes for a single one", "/3/0/9", "", NULL, NULL, 0},
	{"an array of 56 bits of length", "/3/0/9", "9b0000000000000001a2" N_309 "021864",
		"/3/0/9 integer 100", NULL, 0},
	{"an empty record", "/3/0/9", "81a0", NULL, NULL, 0},
	{"a map at the top", "/3/0/9", "a2" N_309 "021864", NULL, NULL, 0},
	{"a tag at the top", "/3/0/9", "d9d9f781a2" N_309 "021864", NULL, NULL, 0},
	{"a number inside", "/3/0/9", "8101", NULL, NULL, 0},
	{"2^64-1 records", "/3/0/9", "9bffffffffffffffff", NULL, NULL, 0},
	{"2^63 records and one", "/3/0/9", "9b8000000000000000a2" N_309 "021864", NULL, NULL, 0},
	{"2^32-1 records and one", "/3/0/9", "9affffffffa2" N_309 "021864", NULL, NULL, 0},
	{"2^64-1 fields", "/3/0/9", "81bbffffffffffffffff" N_309 "021864", NULL, NULL, 0},
	{"text of 2^63 bytes", TEXT "7b800000000000000061", NULL, NULL, 0},
	{"text of 2^32 bytes", TEXT "7b000000010000000061", NULL, NULL, 0},
	{"bytes of 2^64-1", OPAQUE "5bffffffffffffffff00", NULL, NULL, 0},
	{"chunks without an end (FMT-29)", TEXT "7f6161", NULL, NULL, 0},
	{"a break at the top", "/3/0/9", "ff", NULL, NULL, 0},
	{"a break in a definite array", "/3/0/9", "81ff", NULL, NULL, 0},
	{"a break for a key", "/3/0/9", "81a2" N_309 "ff", NULL, NULL, 0},
	{"a break for a value", "/3/0/9", "81bf" N_309 "02ff", NULL, NULL, 0},
	{"a break below an unknown key", "/3/0/9", "81a3" N_309 "02010981ff", NULL, NULL, 0},
	{"a break behind a tag", INTEGER "c1ff", NULL, NULL, 0},

	/* linked */
	{"a linked instance", "/65/0",
		"82a200672f36352f302f3063766c6f6436363a30a200672f36362f302f300201",
		"/65/0/0 objlnk 66:0\n/66/0/0 integer 1", NULL, LINKED},
	{"without leave", "/65/0",
		"82a200672f36352f302f3063766c6f6436363a30a200672f36362f302f300201", NULL, NULL, 0},
};

static const struct lwm_format *format;

/* Arrays, tags or open arrays inside an unknown key; its value is the first level. */
static enum err nested(const char *head, size_t depth)
{
	static uint8_t bytes[65536];
	struct lwm_path base = path_of("/3/0/9");
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct lwm_records r;
	struct arena a;
	enum err e;

	wr_bytes(&w, test_hex("81a3" N_309 "020109"));
	for (size_t i = 1; i < depth; i++)
		wr_bytes(&w, test_hex(head));
	wr_u8(&w, 0x80);
	for (size_t i = 1; i < depth && strcmp(head, "9f") == 0; i++)
		wr_u8(&w, 0xff);
	REQUIRE(!w.err, "the payload");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	e = format->decode(wr_span(&w), &base, NULL, &r);
	arena_fini(&a);
	return e;
}

static void test_depth(void)
{
	static const char *const heads[] = {"81", "9f", "c1"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		CHECK(nested(heads[i], 16) == ERR_OK, heads[i]);
		CHECK(nested(heads[i], 17) == ERR_SYNTAX, heads[i]);
		CHECK(nested(heads[i], 30000) == ERR_SYNTAX, heads[i]);
	}
}

static struct span many(struct writer *w, size_t n)
{
	w->n = 0;
	wr_u8(w, 0x9a);
	wr_u32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		char name[32];
		int len = snprintf(name, sizeof(name), "/10234/%zu/%zu", i / 256, i % 256);

		wr_bytes(w, test_hex("a2020100"));
		wr_u8(w, (uint8_t)(0x60 | len));
		wr_str(w, name);
	}
	REQUIRE(!w->err, "the payload");
	return wr_span(w);
}

static void test_limit(void)
{
	enum { CAP = 4 << 20 };
	struct writer w = wr_make(malloc(CAP), CAP);
	struct lwm_path base = path_of("/10234");
	struct lwm_records r;
	struct arena a;

	REQUIRE(w.p, "memory");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(format->decode(many(&w, LWM_RECORDS_MAX), &base, NULL, &r) == ERR_OK &&
			r.n == LWM_RECORDS_MAX,
		"as many as there may be");
	lwm_records_init(&r, &a);
	CHECK(format->decode(many(&w, 100000), &base, NULL, &r) == ERR_LIMIT && r.n == 0, "more");
	arena_fini(&a);
	free(w.p);
}

static void test_memory(void)
{
	/* chunks to join, and an order to sort */
	struct codec_row row = {.what = "out of memory",
		.base = "/3/0",
		.payload = test_hex("83a2" N_300 "037f6161"
				    "6162ffa2" N_3013 "0201a2" N_309 "0202")};

	check_memory(format, &row);
}

/* What is written is not finite: the reason is told. */
static void test_encode_range(void)
{
	struct lwm_path base = path_of("/6/0/0");
	struct lwm_record v = {.path = base, .value = {.type = LWM_FLOAT, .f = NAN}};
	uint8_t out[64];
	struct writer w = wr_make(out, sizeof(out));

	CHECK(format->encode(&v, 1, &base, NULL, &w) == ERR_RANGE && w.n == 0, "not a number");
	v.value.f = INFINITY;
	CHECK(format->encode(&v, 1, &base, NULL, &w) == ERR_RANGE && w.n == 0, "infinity");
	v.value.f = 1e300;
	CHECK(format->encode(&v, 1, &base, NULL, &w) == ERR_OK, "beyond single precision");
}

int main(void)
{
	format = lwm_format(LWM_CF_SENML_CBOR);
	REQUIRE(format && lwm_format_by_name(SPAN_LIT("senml-cbor")) == format, "the format");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct codec_row row = {rows[i].what, rows[i].base, test_hex(rows[i].hex),
			rows[i].want, rows[i].writes, rows[i].flags};

		check_row(format, &row);
	}
	test_depth();
	test_limit();
	test_memory();
	test_encode_range();
	return test_done();
}
