/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lwm2m/codec_rows.h"

#include <math.h>

#define J(text) SPAN_LIT(text)
/* A value of /3/0/9, an integer; of /6/0/0, a float; and of a Resource the model does not have. */
#define INTEGER(v) "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":" v "}]")
#define FLOAT(v)   "/6/0/0", J("[{\"n\":\"/6/0/0\",\"v\":" v "}]")
#define ANY(kv)    "/10234/0/1", J("[{\"n\":\"/10234/0/1\"," kv "}]")
#define TEXT(s)    "/3/0/0", J("[{\"n\":\"/3/0/0\",\"vs\":\"" s "\"}]")

static const struct codec_row rows[] = {
	/* names, FMT-21 and CT-84 */
	{"a name in n", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":100}]"), "/3/0/9 integer 100",
		"[{\"n\":\"/3/0/9\",\"v\":100}]", 0},
	{"in bn", "/3/0/9", J("[{\"bn\":\"/3/0/9\",\"v\":100}]"), "/3/0/9 integer 100", NULL, 0},
	{"split", "/3/0/9", J("[{\"bn\":\"/3/0/\",\"n\":\"9\",\"v\":100}]"), "/3/0/9 integer 100",
		NULL, 0},
	{"split at the slash", "/3/0/9", J("[{\"bn\":\"/3/0\",\"n\":\"/9\",\"v\":100}]"),
		"/3/0/9 integer 100", NULL, 0},
	{"split inside an id (FMT-21, CT-84)", "/3/0",
		J("[{\"bn\":\"/3/0/1\",\"n\":\"0\",\"v\":100}]"), "/3/0/10 integer 100", NULL, 0},
	{"without the slash in front", "/3/0/9", J("[{\"n\":\"3/0/9\",\"v\":100}]"),
		"/3/0/9 integer 100", NULL, 0},
	{"bn stays until it is replaced", "/",
		J("[{\"bn\":\"/3/0/\",\"n\":\"9\",\"v\":1},{\"n\":\"10\",\"v\":2},{\"n\":\"0\","
		  "\"bn\":\"/1/1/\",\"v\":3},{\"bn\":\"\",\"n\":\"/3/0/11/0\",\"v\":4}]"),
		"/3/0/9 integer 1\n/3/0/10 integer 2\n/1/1/0 integer 3\n/3/0/11/0 integer 4", NULL,
		0},
	{"the base name of an instance", "/3/0",
		J("[{\"n\":\"/3/0/9\",\"v\":1},{\"n\":\"/3/0/11/0\",\"v\":2},{\"n\":\"/3/0/16\","
		  "\"vs\":\"U\"}]"),
		"/3/0/9 integer 1\n/3/0/11/0 integer 2\n/3/0/16 string U",
		"[{\"bn\":\"/3/0/\",\"n\":\"9\",\"v\":1},{\"n\":\"11/0\",\"v\":2},{\"n\":\"16\","
		"\"vs\":\"U\"}]",
		0},
	{"of a multiple Resource", "/3/0/6",
		J("[{\"bn\":\"/3/0/6/\",\"n\":\"0\",\"v\":1},{\"n\":\"1\",\"v\":2},{\"n\":\"2\","
		  "\"v\":3}]"),
		"/3/0/6/0 integer 1\n/3/0/6/1 integer 2\n/3/0/6/2 integer 3",
		"[{\"bn\":\"/3/0/6/\",\"n\":\"0\",\"v\":1},{\"n\":\"1\",\"v\":2},{\"n\":\"2\","
		"\"v\":3}]",
		0},
	{"none where it would be longer", "/",
		J("[{\"n\":\"/3/0/9\",\"v\":1},{\"n\":\"/1/0/1\",\"v\":2}]"),
		"/3/0/9 integer 1\n/1/0/1 integer 2",
		"[{\"n\":\"/3/0/9\",\"v\":1},{\"n\":\"/1/0/1\",\"v\":2}]", 0},
	{"no name", "/3/0/9", J("[{\"v\":100}]"), NULL, NULL, 0},
	{"a slash at the end", "/3/0/9", J("[{\"n\":\"/3/0/9/\",\"v\":100}]"), NULL, NULL, 0},
	{"two slashes", "/3/0/9", J("[{\"bn\":\"/3/0/\",\"n\":\"/9\",\"v\":100}]"), NULL, NULL, 0},
	{"five ids", "/3/0", J("[{\"n\":\"/3/0/6/0/0\",\"v\":100}]"), NULL, NULL, 0},
	{"five ids in two parts", "/3/0", J("[{\"bn\":\"/3/0/6/\",\"n\":\"0/0\",\"v\":1}]"), NULL,
		NULL, 0},
	{"two ids", "/3/0", J("[{\"n\":\"/3/0\",\"v\":100}]"), NULL, NULL, 0},
	{"the root", "/", J("[{\"n\":\"/\",\"v\":100}]"), NULL, NULL, 0},
	{"the reserved id", "/3/0", J("[{\"n\":\"/3/0/65535\",\"v\":100}]"), NULL, NULL, 0},
	{"a leading zero", "/3/0", J("[{\"n\":\"/3/0/09\",\"v\":100}]"), NULL, NULL, 0},
	{"a name of another device", "/", J("[{\"n\":\"urn:dev:x/3/0/9\",\"v\":1}]"), NULL, NULL,
		0},
	{"a name that is no string", "/3/0/9", J("[{\"n\":9,\"v\":100}]"), NULL, NULL, 0},
	{"not what was asked for", "/3/0/9", J("[{\"n\":\"/3/0/8\",\"v\":100}]"), NULL, NULL, 0},
	{"escapes in a name", "/3/0/9", J("[{\"\\u006e\":\"\\/3\\/0/\\u0039\",\"v\":100}]"),
		"/3/0/9 integer 100", NULL, 0},

	/* alternate path, GEN-06 */
	{"with the alternate path", "/3/0/9", J("[{\"n\":\"/lwm2m/3/0/9\",\"v\":1}]"),
		"/3/0/9 integer 1", "[{\"n\":\"/lwm2m/3/0/9\",\"v\":1}]", ALT},
	{"in bn", "/3/0",
		J("[{\"bn\":\"/lwm2m/3/0/\",\"n\":\"9\",\"v\":1},{\"n\":\"10\",\"v\":2}]"),
		"/3/0/9 integer 1\n/3/0/10 integer 2",
		"[{\"bn\":\"/lwm2m/3/0/\",\"n\":\"9\",\"v\":1},{\"n\":\"10\",\"v\":2}]", ALT},
	{"alone in bn", "/3/0", J("[{\"bn\":\"/lwm2m\",\"n\":\"/3/0/9\",\"v\":1}]"),
		"/3/0/9 integer 1", NULL, ALT},
	{"split inside", "/3/0", J("[{\"bn\":\"/lw\",\"n\":\"m2m/3/0/9\",\"v\":1}]"),
		"/3/0/9 integer 1", NULL, ALT},
	{"bn a slash, the rest in n", "/3/0", J("[{\"bn\":\"/\",\"n\":\"lwm2m/3/0/9\",\"v\":1}]"),
		"/3/0/9 integer 1", NULL, ALT},
	{"without it", "/3/0/9", J("[{\"bn\":\"/3/0/\",\"n\":\"9\",\"v\":1}]"), "/3/0/9 integer 1",
		NULL, ALT},
	{"another one", "/3/0/9", J("[{\"n\":\"/lwm2n/3/0/9\",\"v\":1}]"), NULL, NULL, ALT},
	{"a longer word", "/3/0/9", J("[{\"n\":\"/lwm2m3/0/9\",\"v\":1}]"), NULL, NULL, ALT},
	{"twice", "/3/0/9", J("[{\"n\":\"/lwm2m/lwm2m/3/0/9\",\"v\":1}]"), NULL, NULL, ALT},
	{"one that the device does not have", "/3/0/9", J("[{\"n\":\"/lwm2m/3/0/9\",\"v\":1}]"),
		NULL, NULL, 0},

	/* numbers, FMT-24 */
	{"zero", INTEGER("0"), "/3/0/9 integer 0", "[{\"n\":\"/3/0/9\",\"v\":0}]", 0},
	{"minus zero", INTEGER("-0"), "/3/0/9 integer 0", NULL, 0},
	{"a fraction of zeros", INTEGER("20.0"), "/3/0/9 integer 20", NULL, 0},
	{"an exponent", INTEGER("1.6e9"), "/3/0/9 integer 1600000000", NULL, 0},
	{"with a plus", INTEGER("12.5E+1"), "/3/0/9 integer 125", NULL, 0},
	{"a negative exponent", INTEGER("500e-2"), "/3/0/9 integer 5", NULL, 0},
	{"more digits than 64 bits, whole (FMT-24)", INTEGER("120000000000000000000000e-22"),
		"/3/0/9 integer 12", NULL, 0},
	{"zeros only", INTEGER("0.000e99999999999999999999"), "/3/0/9 integer 0", NULL, 0},
	{"the largest", INTEGER("9223372036854775807"), "/3/0/9 integer 9223372036854775807", NULL,
		0},
	{"the least", INTEGER("-9223372036854775808"), "/3/0/9 integer -9223372036854775808", NULL,
		0},
	{"the largest with an exponent", INTEGER("9.223372036854775807e18"),
		"/3/0/9 integer 9223372036854775807", NULL, 0},
	{"one above the largest", INTEGER("9223372036854775808"),
		"/3/0/9 bad integer 39323233333732303336383534373735383038", NULL, 0},
	{"one below the least", INTEGER("-9223372036854775809"),
		"/3/0/9 bad integer 2d39323233333732303336383534373735383039", NULL, 0},
	{"a fraction", INTEGER("1.5"), "/3/0/9 bad integer 312e35", NULL, 0},
	{"a small fraction", INTEGER("15e-1"), "/3/0/9 bad integer 3135652d31", NULL, 0},
	{"a huge exponent", INTEGER("1e999999999"), "/3/0/9 bad integer 3165393939393939393939",
		NULL, 0},
	{"unsigned", "/0/0/16/0", J("[{\"n\":\"/0/0/16/0\",\"v\":18446744073709551615}]"),
		"/0/0/16/0 unsigned 18446744073709551615",
		"[{\"n\":\"/0/0/16/0\",\"v\":18446744073709551615}]", 0},
	{"unsigned, minus", "/0/0/13", J("[{\"n\":\"/0/0/13\",\"v\":-1}]"),
		"/0/0/13 bad unsigned 2d31", NULL, 0},
	{"float", FLOAT("43.918998"), "/6/0/0 float 43.918998",
		"[{\"n\":\"/6/0/0\",\"v\":43.918998}]", 0},
	{"a whole float", FLOAT("3"), "/6/0/0 float 3.0", "[{\"n\":\"/6/0/0\",\"v\":3.0}]", 0},
	{"minus zero is a float of its own", FLOAT("-0"), "/6/0/0 float -0.0",
		"[{\"n\":\"/6/0/0\",\"v\":-0.0}]", 0},
	{"small", FLOAT("-1.25e-3"), "/6/0/0 float -0.00125", NULL, 0},
	{"large", FLOAT("1e22"), "/6/0/0 float 10000000000000000000000.0",
		"[{\"n\":\"/6/0/0\",\"v\":1e+22}]", 0},
	{"too large", FLOAT("1e400"), "/6/0/0 bad float 3165343030", NULL, 0},
	{"too small is zero", FLOAT("1e-400"), "/6/0/0 float 0.0", NULL, 0},
	{"17 digits", FLOAT("0.30000000000000004"), "/6/0/0 float 0.30000000000000004",
		"[{\"n\":\"/6/0/0\",\"v\":0.30000000000000004}]", 0},
	{"time", "/3/0/13", J("[{\"n\":\"/3/0/13\",\"v\":-1}]"), "/3/0/13 time -1", NULL, 0},
	{"leading zero", INTEGER("01"), NULL, NULL, 0},
	{"a plus", INTEGER("+1"), NULL, NULL, 0},
	{"no digits", INTEGER("-"), NULL, NULL, 0},
	{"nothing before the point", INTEGER(".5"), NULL, NULL, 0},
	{"nothing behind the point", INTEGER("5."), NULL, NULL, 0},
	{"nothing behind the e", INTEGER("5e"), NULL, NULL, 0},
	{"hexadecimal", INTEGER("0x10"), NULL, NULL, 0},
	{"NaN", FLOAT("NaN"), NULL, NULL, 0},
	{"infinity", FLOAT("-Infinity"), NULL, NULL, 0},

	/* values, FMT-22, FMT-23, CT-79 */
	{"string", TEXT("abc"), "/3/0/0 string abc", NULL, 0},
	{"empty string", TEXT(""), "/3/0/0 string ", NULL, 0},
	{"boolean", "/1/0/6", J("[{\"n\":\"/1/0/6\",\"vb\":false}]"), "/1/0/6 boolean 0",
		"[{\"n\":\"/1/0/6\",\"vb\":false}]", 0},
	{"opaque", "/5/0/0", J("[{\"n\":\"/5/0/0\",\"vd\":\"-_8\"}]"), "/5/0/0 opaque fbff",
		"[{\"n\":\"/5/0/0\",\"vd\":\"-_8\"}]", 0},
	{"in the other alphabet, padded (FMT-23)", "/5/0/0",
		J("[{\"n\":\"/5/0/0\",\"vd\":\"+/8=\"}]"), "/5/0/0 opaque fbff", NULL, 0},
	{"no bytes", "/5/0/0", J("[{\"n\":\"/5/0/0\",\"vd\":\"\"}]"), "/5/0/0 opaque ", NULL, 0},
	{"no base64", "/5/0/0", J("[{\"n\":\"/5/0/0\",\"vd\":\"a b\"}]"),
		"/5/0/0 bad opaque 2261206222", NULL, 0},
	{"no string", "/5/0/0", J("[{\"n\":\"/5/0/0\",\"vd\":[1]}]"), "/5/0/0 bad opaque 5b315d",
		NULL, 0},
	{"link", "/10234/0/1", J("[{\"n\":\"/10234/0/1\",\"vlo\":\"66:0\"}]"),
		"/10234/0/1 objlnk 66:0", "[{\"n\":\"/10234/0/1\",\"vlo\":\"66:0\"}]", 0},
	{"null link", "/10234/0/1", J("[{\"n\":\"/10234/0/1\",\"vlo\":\"65535:65535\"}]"),
		"/10234/0/1 objlnk 65535:65535", NULL, 0},
	{"null link as an example prints it", "/10234/0/1",
		J("[{\"n\":\"/10234/0/1\",\"vlo\":\"FFFF:FFFF\"}]"),
		"/10234/0/1 objlnk 65535:65535", "[{\"n\":\"/10234/0/1\",\"vlo\":\"65535:65535\"}]",
		0},
	{"link under v", "/0/0/17", J("[{\"n\":\"/0/0/17\",\"v\":\"21:0\"}]"),
		"/0/0/17 objlnk 21:0", "[{\"n\":\"/0/0/17\",\"vlo\":\"21:0\"}]", 0},
	{"link under vs (CT-79)", "/0/0/17", J("[{\"n\":\"/0/0/17\",\"vs\":\"21:0\"}]"),
		"/0/0/17 objlnk 21:0", NULL, 0},
	{"no link", "/0/0/17", J("[{\"n\":\"/0/0/17\",\"vlo\":\"21\"}]"),
		"/0/0/17 bad objlnk 22323122", NULL, 0},
	{"a link for an integer", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"vlo\":\"1:2\"}]"),
		"/3/0/9 bad integer 22313a3222", NULL, 0},
	{"text under v", "/3/0/0", J("[{\"n\":\"/3/0/0\",\"v\":\"abc\"}]"),
		"/3/0/0 bad string 2261626322", NULL, 0},
	{"a number for a string", "/3/0/0", J("[{\"n\":\"/3/0/0\",\"v\":1}]"),
		"/3/0/0 bad string 31", NULL, 0},
	{"true under v", "/1/0/6", J("[{\"n\":\"/1/0/6\",\"v\":true}]"),
		"/1/0/6 bad boolean 74727565", NULL, 0},
	{"null", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":null}]"), "/3/0/9 bad integer 6e756c6c",
		NULL, 0},
	{"a bad one, and the rest (DM-20)", "/3/0",
		J("[{\"bn\":\"/3/0/\",\"n\":\"9\",\"vs\":\"x\"},{\"n\":\"10\",\"v\":2}]"),
		"/3/0/9 bad integer 227822\n/3/0/10 integer 2", NULL, 0},
	{"two values (FMT-22)", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":1,\"vs\":\"1\"}]"), NULL,
		NULL, 0},
	{"no value", "/3/0/9", J("[{\"n\":\"/3/0/9\"}]"), NULL, NULL, 0},
	{"a sum is no value", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"s\":1}]"), NULL, NULL, 0},

	/* values the model does not know: by what arrives */
	{"an integer", ANY("\"v\":-5"), "/10234/0/1 integer -5", NULL, 0},
	{"above int64", ANY("\"v\":9223372036854775808"), "/10234/0/1 unsigned 9223372036854775808",
		NULL, 0},
	{"above uint64", ANY("\"v\":18446744073709551616"),
		"/10234/0/1 float 18446744073709552000.0", NULL, 0},
	{"with a point", ANY("\"v\":20.0"), "/10234/0/1 float 20.0", NULL, 0},
	{"with an exponent", ANY("\"v\":2e1"), "/10234/0/1 float 20.0", NULL, 0},
	{"true", ANY("\"vb\":true"), "/10234/0/1 boolean 1", NULL, 0},
	{"text", ANY("\"vs\":\"1:2\""), "/10234/0/1 string 1:2", NULL, 0},
	{"bytes", ANY("\"vd\":\"AQ\""), "/10234/0/1 opaque 01", NULL, 0},
	{"a link", ANY("\"vlo\":\"1:2\""), "/10234/0/1 objlnk 1:2", NULL, 0},
	{"nothing of these", ANY("\"v\":{}"), "/10234/0/1 bad none 7b7d", NULL, 0},

	/* base value */
	{"is added", "/3/0",
		J("[{\"bn\":\"/3/0/\",\"bv\":20,\"n\":\"9\",\"v\":1},{\"n\":\"10\",\"v\":-25}]"),
		"/3/0/9 integer 21\n/3/0/10 integer -5", NULL, 0},
	{"is the value", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"bv\":20}]"), "/3/0/9 integer 20", NULL,
		0},
	{"stays", "/3/0", J("[{\"bn\":\"/3/0/\",\"n\":\"9\",\"bv\":20},{\"n\":\"10\"}]"),
		"/3/0/9 integer 20\n/3/0/10 integer 20", NULL, 0},
	{"is not added to text", "/3/0", J("[{\"n\":\"/3/0/0\",\"bv\":20,\"vs\":\"a\"}]"),
		"/3/0/0 string a", NULL, 0},
	{"a float and an integer", "/6/0/0", J("[{\"n\":\"/6/0/0\",\"bv\":0.5,\"v\":1}]"),
		"/6/0/0 float 1.5", NULL, 0},
	{"two halves", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"bv\":0.5,\"v\":0.5}]"), "/3/0/9 integer 1",
		NULL, 0},
	{"exact in 64 bits", "/0/0/13",
		J("[{\"n\":\"/0/0/13\",\"bv\":-1,\"v\":18446744073709551615}]"),
		"/0/0/13 unsigned 18446744073709551614", NULL, 0},
	{"beyond them", "/0/0/13", J("[{\"n\":\"/0/0/13\",\"bv\":1,\"v\":18446744073709551615}]"),
		"/0/0/13 bad unsigned 3138343436373434303733373039353531363135", NULL, 0},
	{"no number", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"bv\":\"1\",\"v\":1}]"), NULL, NULL, 0},

	/* time, FMT-25, FMT-26 and CT-71 */
	{"none", INTEGER("1"), "/3/0/9 integer 1", NULL, 0},
	{"base time and time (FMT-25)", "/3/0/9",
		J("[{\"n\":\"/3/0/9\",\"bt\":1699999000,\"t\":0.5,\"v\":1}]"),
		"/3/0/9 integer 1 @1699999000.5", "[{\"n\":\"/3/0/9\",\"t\":1699999000.5,\"v\":1}]",
		0},
	{"the base time stays", "/3/0",
		J("[{\"bn\":\"/3/0/"
		  "\",\"bt\":1699999000,\"n\":\"9\",\"v\":1},{\"n\":\"10\",\"v\":2}]"),
		"/3/0/9 integer 1 @1699999000\n/3/0/10 integer 2 @1699999000",
		"[{\"n\":\"/3/0/9\",\"bt\":1699999000,\"v\":1},{\"n\":\"/3/0/10\",\"v\":2}]", 0},
	{"relative to now", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":-10,\"v\":1}]"),
		"/3/0/9 integer 1 @1699999990", NULL, 0},
	{"now", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":0,\"v\":1}]"), "/3/0/9 integer 1 @1700000000",
		NULL, 0},
	{"the last relative one", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":268435455,\"v\":1}]"),
		"/3/0/9 integer 1 @1968435455", NULL, 0},
	{"the first that is not", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":268435456,\"v\":1}]"),
		"/3/0/9 integer 1 @268435456", NULL, 0},
	{"before that", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":-1600000000,\"v\":1}]"),
		"/3/0/9 integer 1 @100000000", NULL, 0},
	{"a history (IR-07, FMT-26)", "/3/0/9",
		J("[{\"bn\":\"/3/0/"
		  "9\",\"bt\":1.7e9,\"v\":1},{\"v\":2,\"t\":-1},{\"v\":3,\"t\":-2}]"),
		"/3/0/9 integer 1 @1700000000\n/3/0/9 integer 2 @1699999999\n"
		"/3/0/9 integer 3 @1699999998",
		"[{\"bn\":\"/3/0/9\",\"t\":1700000000,\"v\":1},{\"t\":1699999999,\"v\":2},"
		"{\"t\":1699999998,\"v\":3}]",
		0},
	{"a clock that cannot be right (CT-71)", "/3/0/9",
		J("[{\"n\":\"/3/0/9\",\"t\":9e15,\"v\":1}]"), "/3/0/9 integer 1 @9000000000000000",
		NULL, 0},
	{"a name twice", "/3/0", J("[{\"bn\":\"/3/0/9\",\"v\":1},{\"v\":2}]"), NULL, NULL, 0},
	{"a name twice, others between", "/3/0",
		J("[{\"bn\":\"/3/0/"
		  "\",\"n\":\"9\",\"v\":1},{\"n\":\"10\",\"v\":1},{\"n\":\"9\",\"v\":1}]"),
		NULL, NULL, 0},
	{"a name twice, the same time", "/3/0",
		J("[{\"bn\":\"/3/0/9\",\"bt\":1.7e9,\"v\":1},{\"v\":2,\"t\":0}]"), NULL, NULL, 0},
	{"no time is now (CT-71)", "/3/0", J("[{\"bn\":\"/3/0/9\",\"v\":1},{\"v\":2,\"t\":0}]"),
		NULL, NULL, 0},
	{"a time that is no number", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":\"1\",\"v\":1}]"), NULL,
		NULL, 0},
	{"an endless time", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"bt\":1e308,\"t\":1e308,\"v\":1}]"),
		NULL, NULL, 0},
	{"a time beyond doubles", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"t\":1e999,\"v\":1}]"), NULL,
		NULL, 0},

	/* version and keys, FMT-20 */
	{"version 10", "/3/0/9", J("[{\"bver\":10,\"n\":\"/3/0/9\",\"v\":1}]"), "/3/0/9 integer 1",
		NULL, 0},
	{"version 11", "/3/0/9", J("[{\"bver\":11,\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL, 0},
	{"version 9.5", "/3/0/9", J("[{\"bver\":9.5,\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL, 0},
	{"version -1", "/3/0/9", J("[{\"bver\":-1,\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL, 0},
	{"version in text", "/3/0/9", J("[{\"bver\":\"5\",\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL,
		0},
	{"keys of no meaning here", "/3/0/9",
		J("[{\"bu\":\"V\",\"bs\":1,\"n\":\"/3/0/"
		  "9\",\"u\":\"A\",\"v\":1,\"s\":2,\"ut\":3}]"),
		"/3/0/9 integer 1", NULL, 0},
	{"unknown keys (FMT-20)", "/3/0/9",
		J("[{\"x\":{\"a\":[1,-2.5e3,\"\\u00e9\",true,false,null,{}]},\"n\":\"/3/0/"
		  "9\",\"v\":1,"
		  "\"_a\":[]}]"),
		"/3/0/9 integer 1", NULL, 0},
	{"one that must be understood", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":1,\"x_\":2}]"), NULL,
		NULL, 0},
	{"broken inside an unknown one", "/3/0/9",
		J("[{\"x\":{\"a\":[1,]},\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL, 0},
	{"a name key twice", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"n\":\"/3/0/9\",\"v\":1}]"), NULL,
		NULL, 0},
	{"a value key twice", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":1,\"v\":1}]"), NULL, NULL, 0},
	{"a base key twice", "/3/0/9",
		J("[{\"bn\":\"/3/0/\",\"bn\":\"/3/0/\",\"n\":\"9\",\"v\":1}]"), NULL, NULL, 0},
	{"an unknown key twice", "/3/0/9", J("[{\"x\":1,\"x\":2,\"n\":\"/3/0/9\",\"v\":1}]"),
		"/3/0/9 integer 1", NULL, 0},
	{"another case is another key", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"V\":2,\"v\":1}]"),
		"/3/0/9 integer 1", NULL, 0},

	/* strings */
	{"escapes", TEXT("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac"),
		"/3/0/0 string \"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac", NULL, 0},
	{"a pair", TEXT("\\ud83d\\uDC68"), "/3/0/0 string \xf0\x9f\x91\xa8", NULL, 0},
	{"the last plane", TEXT("\\udbff\\udfff"), "/3/0/0 string \xf4\x8f\xbf\xbf", NULL, 0},
	{"as UTF-8", TEXT("\xf0\x9f\x91\xa8"), "/3/0/0 string \xf0\x9f\x91\xa8", NULL, 0},
	{"NUL is no text", TEXT("a\\u0000"), "/3/0/0 bad string 22615c753030303022", NULL, 0},
	{"no UTF-8", TEXT("\xff"), "/3/0/0 bad string 22ff22", NULL, 0},
	{"a surrogate as UTF-8", TEXT("\xed\xa0\xbd"), "/3/0/0 bad string 22eda0bd22", NULL, 0},
	{"a first half alone", TEXT("\\ud83d"), NULL, NULL, 0},
	{"and a letter", TEXT("\\ud83dx"), NULL, NULL, 0},
	{"and no second half", TEXT("\\ud83d\\u0041"), NULL, NULL, 0},
	{"a second half alone", TEXT("\\udc68"), NULL, NULL, 0},
	{"three digits", TEXT("\\u12"), NULL, NULL, 0},
	{"no digits", TEXT("\\uzzzz"), NULL, NULL, 0},
	{"an unknown escape", TEXT("\\x"), NULL, NULL, 0},
	{"a line break", TEXT("a\nb"), NULL, NULL, 0},
	{"a NUL byte", TEXT("a\0b"), NULL, NULL, 0},

	/* structure, FMT-29 */
	{"an empty array for an instance (FMT-29)", "/3/0", J("[]"), "/3/0 instance", "[]", 0},
	{"for a multiple Resource", "/3/0/6", J("[]"), "/3/0/6 multiple", "[]", 0},
	{"for one we do not know", "/10234/0/1", J("[]"), "/10234/0/1 multiple", "[]", 0},
	{"for an object", "/3", J("[]"), "", "[]", 0},
	{"for all", "/", J("[]"), "", "[]", 0},
	{"for a single Resource", "/3/0/9", J("[]"), NULL, NULL, 0},
	{"for a Resource Instance", "/3/0/6/0", J("[]"), NULL, NULL, 0},
	{"no bytes for an instance", "/3/0", J(""), "/3/0 instance", NULL, 0},
	{"for a multiple Resource", "/3/0/6", J(""), "/3/0/6 multiple", NULL, 0},
	{"for a single Resource", "/3/0/9", J(""), NULL, NULL, 0},
	{"for one we do not know", "/10234/0/1", J(""), NULL, NULL, 0},
	{"an object at the top", "/3/0/9", J("{\"n\":\"/3/0/9\",\"v\":1}"), NULL, NULL, 0},
	{"an array inside", "/3/0/9", J("[[]]"), NULL, NULL, 0},
	{"a number inside", "/3/0/9", J("[1]"), NULL, NULL, 0},
	{"an empty record", "/3/0/9", J("[{}]"), NULL, NULL, 0},
	{"a comma at the end", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":1},]"), NULL, NULL, 0},
	{"a comma in front", "/3/0/9", J("[,{\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL, 0},
	{"a comma in the record", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":1,}]"), NULL, NULL, 0},
	{"no comma", "/3/0", J("[{\"n\":\"/3/0/9\",\"v\":1}{\"n\":\"/3/0/10\",\"v\":1}]"), NULL,
		NULL, 0},
	{"no colon", "/3/0/9", J("[{\"n\" \"/3/0/9\",\"v\":1}]"), NULL, NULL, 0},
	{"single quotes", "/3/0/9", J("[{'n':'/3/0/9','v':1}]"), NULL, NULL, 0},
	{"a comment", "/3/0/9", J("[{\"n\":\"/3/0/9\",/**/\"v\":1}]"), NULL, NULL, 0},
	{"a byte order mark", "/3/0/9", J("\xef\xbb\xbf[{\"n\":\"/3/0/9\",\"v\":1}]"), NULL, NULL,
		0},
	{"two arrays", "/3/0/9", J("[{\"n\":\"/3/0/9\",\"v\":1}][]"), NULL, NULL, 0},
	{"half a word", "/1/0/6", J("[{\"n\":\"/1/0/6\",\"vb\":tru}]"), NULL, NULL, 0},
	{"text", "/3/0/9", J("100"), NULL, NULL, 0},

	/* records that are linked (Core TS 7.5.6.3) */
	{"a linked instance", "/65/0",
		J("[{\"bn\":\"/\",\"n\":\"65/0/0/0\",\"vlo\":\"66:0\"},{\"n\":\"66/0/"
		  "0\",\"vs\":\"a\"}]"),
		"/65/0/0/0 objlnk 66:0\n/66/0/0 string a", NULL, LINKED},
	{"through another, in any order", "/65/0",
		J("[{\"n\":\"/67/1/0\",\"v\":1},{\"n\":\"/66/0/0\",\"vlo\":\"67:1\"},{\"n\":\"/65/"
		  "0/0\","
		  "\"vlo\":\"66:0\"}]"),
		"/67/1/0 integer 1\n/66/0/0 objlnk 67:1\n/65/0/0 objlnk 66:0", NULL, LINKED},
	{"another instance", "/65/0",
		J("[{\"n\":\"/65/0/0\",\"vlo\":\"66:0\"},{\"n\":\"/66/1/0\",\"vs\":\"a\"}]"), NULL,
		NULL, LINKED},
	{"without leave", "/65/0",
		J("[{\"n\":\"/65/0/0\",\"vlo\":\"66:0\"},{\"n\":\"/66/0/0\",\"vs\":\"a\"}]"), NULL,
		NULL, 0},
};

static const struct lwm_format *format;

static void test_white_space(void)
{
	static const char text[] = " [\n{ \"v\" :\t100 , \"n\":\"9\",\r\"bn\" : \"/3/0/\" } ] \n";
	struct lwm_path base = path_of("/3/0/9");
	struct lwm_records r;
	struct arena a;

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(format->decode(SPAN_LIT(text), &base, NULL, &r) == ERR_OK && r.n == 1 &&
			r.v[0].value.i == 100,
		"white space, and keys in any order");
	CHECK(format->decode(SPAN_LIT("[]\n0"), &base, NULL, &r) == ERR_SYNTAX, "but no more");
	arena_fini(&a);
}

/* Values inside an unknown key; the value of the key is the first level. */
static enum err nested(size_t depth)
{
	static char text[256];
	struct lwm_path base = path_of("/3/0/9");
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_records r;
	struct arena a;
	enum err e;

	wr_str(&w, "[{\"n\":\"/3/0/9\",\"v\":1,\"x\":");
	for (size_t i = 0; i < depth; i++)
		wr_u8(&w, '[');
	for (size_t i = 0; i < depth; i++)
		wr_u8(&w, ']');
	wr_str(&w, "}]");
	REQUIRE(!w.err, "the payload");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	e = format->decode(wr_span(&w), &base, NULL, &r);
	arena_fini(&a);
	return e;
}

static void test_depth(void)
{
	static uint8_t deep[100000];
	struct lwm_path base = path_of("/3/0/9");
	struct lwm_records r;
	struct arena a;

	CHECK(nested(16) == ERR_OK, "as deep as it may be");
	CHECK(nested(17) == ERR_SYNTAX, "one level more");
	memcpy(deep, "[{\"x\":", 6);
	memset(deep + 6, '[', sizeof(deep) - 6);
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(format->decode(SPAN_OF(deep), &base, NULL, &r) == ERR_SYNTAX, "brackets only");
	arena_fini(&a);
}

static void test_long_number(void)
{
	static char text[2048];
	struct lwm_path base = path_of("/3/0/9");
	struct writer w = wr_make(text, sizeof(text));
	struct lwm_records r;
	struct arena a;

	wr_str(&w, "[{\"n\":\"/3/0/9\",\"v\":1");
	for (int i = 0; i < 600; i++)
		wr_u8(&w, '0');
	wr_str(&w, "}]");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(format->decode(wr_span(&w), &base, NULL, &r) == ERR_OK && r.n == 1 &&
			r.v[0].kind == LWM_RECORD_BAD && r.v[0].value.bytes.n == 601,
		"a number of 601 digits is no value");
	arena_fini(&a);
}

/* Records with rising or falling names. */
static struct span many(struct writer *w, size_t n, bool falling)
{
	w->n = 0;
	wr_str(w, "[{\"bn\":\"/10234/\"");
	for (size_t i = 0; i < n; i++) {
		size_t k = falling ? n - 1 - i : i;

		wr_fmt(w, "%s\"n\":\"%zu/%zu\",\"v\":1}", i ? "{" : ",", k / 256, k % 256);
		wr_str(w, i + 1 < n ? "," : "]");
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
	CHECK(format->decode(many(&w, LWM_RECORDS_MAX, false), &base, NULL, &r) == ERR_OK &&
			r.n == LWM_RECORDS_MAX,
		"as many as there may be");
	lwm_records_init(&r, &a);
	CHECK(format->decode(many(&w, LWM_RECORDS_MAX, true), &base, NULL, &r) == ERR_OK,
		"in the worst order");
	lwm_records_init(&r, &a);
	CHECK(format->decode(many(&w, 100000, false), &base, NULL, &r) == ERR_LIMIT && r.n == 0,
		"more");
	arena_fini(&a);
	free(w.p);
}

static void test_memory(void)
{
	static const struct codec_row row = {"out of memory", "/10234",
		J("[{\"bn\":\"/10234/0/"
		  "\",\"n\":\"20\",\"vs\":\"\\n\"},{\"n\":\"19\",\"vd\":\"AAAA\"},"
		  "{\"n\":\"18\",\"v\":1},{\"n\":\"17\",\"v\":1},{\"n\":\"16\",\"v\":1},"
		  "{\"n\":\"15\",\"v\":1},{\"n\":\"14\",\"v\":1},{\"n\":\"13\",\"v\":1},"
		  "{\"n\":\"12\",\"v\":1},{\"n\":\"11\",\"v\":1},{\"n\":\"10\",\"v\":1},"
		  "{\"n\":\"9\",\"v\":1},{\"n\":\"8\",\"v\":1},{\"n\":\"7\",\"v\":1},"
		  "{\"n\":\"6\",\"v\":1},{\"n\":\"5\",\"v\":1},{\"n\":\"4\",\"vlo\":\"10235:0\"},"
		  "{\"n\":\"3\",\"v\":1}]"),
		NULL, NULL, LINKED};
	static const struct codec_row linked = {"out of memory, linked", "/10234",
		J("[{\"n\":\"/10234/0/1\",\"vlo\":\"10235:0\"},{\"n\":\"/10235/0/1\",\"v\":1},"
		  "{\"n\":\"/10234/0/0\",\"v\":1}]"),
		NULL, NULL, LINKED};

	check_memory(format, &row);
	check_memory(format, &linked);
}

/* Behind what is there already; a refusal leaves that. */
static void test_appends(void)
{
	static const struct span first = J("[{\"n\":\"/3/0/9\",\"v\":1}]");
	static const struct span second =
		J("[{\"n\":\"/3/0/9\",\"v\":2},{\"n\":\"/4/0/0\",\"v\":3}]");
	struct lwm_path base = path_of("/3/0/9");
	struct lwm_records r;
	struct arena a;

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(format->decode(first, &base, NULL, &r) == ERR_OK && r.n == 1, "one");
	CHECK(format->decode(second, &base, NULL, &r) == ERR_SYNTAX && r.n == 1, "a refused one");
	CHECK(format->decode(first, &base, NULL, &r) == ERR_OK && r.n == 2, "another");
	arena_fini(&a);
}

static struct lwm_record integer(const char *path)
{
	return (struct lwm_record){.path = path_of(path), .value = {.type = LWM_INTEGER, .i = 1}};
}

static enum err encode(const struct lwm_record *v, size_t n, const char *base)
{
	struct lwm_path p = path_of(base);
	uint8_t out[1024];
	struct writer w = wr_make(out, sizeof(out));
	enum err e = format->encode(v, n, &p, NULL, &w);

	CHECK(!e || w.n == 0, "nothing is written by a refusal");
	return e;
}

static void test_encode_refusals(void)
{
	struct lwm_record v[2] = {integer("/3/0/9"), integer("/3/0/10")};

	CHECK(encode(v, 2, "/3/0") == ERR_OK, "two values");
	CHECK(encode(v, 2, "/3/0/9") == ERR_UNSUPPORTED, "one of them not below the path");
	v[1].path = v[0].path;
	CHECK(encode(v, 2, "/3/0") == ERR_UNSUPPORTED, "a path twice");
	v[1].has_time = true;
	v[1].time_s = 1e9;
	CHECK(encode(v, 2, "/3/0") == ERR_OK, "at different times");
	v[1].time_s = INFINITY;
	CHECK(encode(v, 2, "/3/0") == ERR_RANGE, "an endless time");
	v[1] = integer("/3/0/10");
	v[1].path.id[1] = LWM_ID_NONE;
	CHECK(encode(v, 2, "/3") == ERR_UNSUPPORTED, "an instance that the device is to choose");
	v[1] = (struct lwm_record){.kind = LWM_RECORD_MULTIPLE, .path = path_of("/3/0/6")};
	CHECK(encode(v, 2, "/3/0") == ERR_UNSUPPORTED, "an empty Resource beside others");
	CHECK(encode(&v[1], 1, "/3/0/6") == ERR_OK, "alone");
	CHECK(encode(&v[1], 1, "/3/0") == ERR_UNSUPPORTED, "alone, but not all that was asked for");
	CHECK(encode(v, 0, "/3/0/6") == ERR_OK, "nothing");
	v[1].kind = LWM_RECORD_BAD;
	CHECK(encode(v, 2, "/3/0") == ERR_UNSUPPORTED, "a bad value");
	v[1] = integer("/3/0/10");
	v[1].path.n = 2;
	CHECK(encode(v, 2, "/3/0") == ERR_UNSUPPORTED, "a value of an instance");
	v[1] = integer("/3/0/10");
	v[1].value = (struct lwm_value){.type = LWM_FLOAT, .f = NAN};
	CHECK(encode(v, 2, "/3/0") == ERR_RANGE, "not a number");
	v[1].value.f = -INFINITY;
	CHECK(encode(v, 2, "/3/0") == ERR_RANGE, "minus infinity");
	v[1].value = (struct lwm_value){.type = LWM_NONE};
	CHECK(encode(v, 2, "/3/0") == ERR_UNSUPPORTED, "no type");
	v[1].value = (struct lwm_value){.type = LWM_STRING, .bytes = SPAN_LIT("\xff")};
	CHECK(encode(v, 2, "/3/0") == ERR_UNSUPPORTED, "no UTF-8");
}

static void test_encode_memory(void)
{
	enum { MANY = 40 };
	struct lwm_record v[MANY];
	struct lwm_path base = {2, {10234, 0}};
	uint8_t out[2048];
	struct writer w = wr_make(out, sizeof(out));

	for (uint16_t i = 0; i < MANY; i++) {
		v[i] = integer("/10234/0/0");
		v[i].path.id[2] = MANY - i;
	}
	CHECK(format->encode(v, MANY, &base, NULL, &w) == ERR_OK, "many, unordered");
	if (!FAIL_MALLOC)
		return;
	fail_malloc_after = 0;
	CHECK(format->encode(v, MANY, &base, NULL, &w) == ERR_NOMEM, "no memory to compare them");
	fail_malloc_after = -1;
}

int main(void)
{
	format = lwm_format(LWM_CF_SENML_JSON);
	REQUIRE(format && lwm_format_by_name(SPAN_LIT("senml-json")) == format, "the format");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(format, &rows[i]);
	test_white_space();
	test_depth();
	test_long_number();
	test_limit();
	test_memory();
	test_appends();
	test_encode_refusals();
	test_encode_memory();
	return test_done();
}
