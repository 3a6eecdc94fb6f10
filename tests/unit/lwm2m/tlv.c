/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lwm2m/fail_malloc.h"

#include "tests/unit/lwm2m/dump.h"

#include <math.h>

#define Z16  "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define Z256 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16 Z16

enum { BOTH = 1, READ = 0 };

/* `want` is the dump of the records and names the types of objects the model does not have; NULL:
 * the payload is refused. BOTH: writing the records gives the same bytes. */
static const struct {
	const char *what, *base, *hex;
	int dir;
	const char *want;
} rows[] = {
	/* worked examples */
	{"Core TS 7.5.5.2 B: two instances", "/2",
		"08000ec10001c101008302417f07c1037f080212c10003c101008702417f0761013601c1037f",
		BOTH,
		"/2/0/0 integer 1\n/2/0/1 integer 0\n/2/0/2/127 integer 7\n/2/0/3 integer 127\n"
		"/2/2/0 integer 3\n/2/2/1 integer 0\n/2/2/2/127 integer 7\n/2/2/2/310 integer 1\n"
		"/2/2/3 integer 127"},
	{"Core TS 7.5.5.3 example 1: links", "/65/0",
		"88000c440000420000440100420001c8010d38363133383030373535353030c40212345678", BOTH,
		"/65/0/0/0 objlnk 66:0\n/65/0/0/1 objlnk 66:1\n/65/0/1 string 8613800755500\n"
		"/65/0/2 integer 305419896"},
	{"Core TS 7.5.5.1 as printed, lengths wrong", "/3/0",
		"c800144f70656e204d6f62696c6520416c6c69616e6365c801164c696768747765696774204d324d"
		"20436c69656e74c80209333435303030313233c303312e30860641000141010588070842000ed842"
		"011388870841007d42010384c10964c10a0f830b410000c40d5182428fc60e2b30323a3030c11055",
		READ, NULL},
	{"Core TS 7.5.5.2 C as printed, lengths wrong", "/1",
		"08000dc10001c40100015180c10601c10755", READ, NULL},
	{"the same with the lengths put right", "/1", "08000fc10001c40100015180c10601c10155", READ,
		NULL},
	{"the same with lengths and ids put right", "/1", "08000fc10001c40100015180c10601c10755",
		BOTH, "/1/0/0 integer 1\n/1/0/1 integer 86400\n/1/0/6 boolean 1\n/1/0/7 string U"},
	{"Core TS 7.5.5.3 example 2 as printed, lengths wrong", "/66",
		"080023c8000b6d79536572766963652031c8010f496e7465726e65742e31352e323334c402004300"
		"00080123c8000b6d79536572766963652032c8010f496e7465726e65742e31352e323335c402ffff"
		"ffff",
		READ, NULL},
	{"ETS 215: server write", "/1/0", "c10265c20303f2c20507d0c10601c10755", BOTH,
		"/1/0/2 integer 101\n/1/0/3 integer 1010\n/1/0/5 integer 2000\n/1/0/6 boolean 1\n"
		"/1/0/7 string U"},
	{"ETS 651: device write", "/3/0",
		"c40d5182428fc60e2b30323a3030c80f0c4575726f70652f5061726973", BOTH,
		"/3/0/13 time 1367491215\n/3/0/14 string +02:00\n/3/0/15 string Europe/Paris"},

	/* forms, FMT-10 and FMT-14 */
	{"8-bit length where 3 bits would do (FMT-10, FMT-14)", "/3/0/9", "c8090164", READ,
		"/3/0/9 integer 100"},
	{"16-bit length", "/3/0/9", "d009000164", READ, "/3/0/9 integer 100"},
	{"24-bit length", "/3/0/9", "d80900000164", READ, "/3/0/9 integer 100"},
	{"16-bit id where 8 bits would do", "/3/0/9", "e1000964", READ, "/3/0/9 integer 100"},
	{"low bits beside a length field", "/3/0/9", "cf090164", READ, "/3/0/9 integer 100"},
	{"16-bit id", "/0/0/500", "e101f464", BOTH, "/0/0/500 integer 100"},
	{"id 255", "/0/0/255", "c1ff64", BOTH, "/0/0/255 integer 100"},
	{"id 256", "/0/0/256", "e1010064", BOTH, "/0/0/256 integer 100"},
	{"id 65534", "/0/0/65534", "e1fffe64", BOTH, "/0/0/65534 integer 100"},
	{"id 65535 is reserved", "/0/0", "e1ffff64", READ, NULL},
	{"length 7", "/5/0/0",
		"c700"
		"5a5a5a5a5a5a5a",
		BOTH, "/5/0/0 opaque 5a5a5a5a5a5a5a"},
	{"length 8", "/5/0/0",
		"c80008"
		"5a5a5a5a5a5a5a5a",
		BOTH, "/5/0/0 opaque 5a5a5a5a5a5a5a5a"},
	{"length 256", "/5/0/0", "d0000100" Z256, BOTH, "/5/0/0 opaque " Z256},
	{"length beyond the end", "/3/0/9", "c40964", READ, NULL},

	/* values, FMT-13 */
	{"float of 4 bytes (CT-75)", "/6/0/0", "c40042280000", READ, "/6/0/0 float 42.0"},
	{"float of 8 bytes (FMT-13)", "/6/0/0", "c80008c05ec80000000000", BOTH,
		"/6/0/0 float -123.125"},
	{"float of 2 bytes", "/6/0/0", "c2000001", READ, "/6/0/0 bad float 0001"},
	{"empty string", "/3/0/14", "c00e", BOTH, "/3/0/14 string "},
	{"empty opaque", "/5/0/0", "c000", BOTH, "/5/0/0 opaque "},
	{"string that is not UTF-8", "/3/0/14", "c10eff", READ, "/3/0/14 bad string ff"},
	{"string with a NUL", "/3/0/14", "c20e5500", READ, "/3/0/14 bad string 5500"},
	{"integer of 3 bytes", "/3/0/9", "c309000064", READ, "/3/0/9 bad integer 000064"},
	{"integer of no byte", "/3/0/9", "c009", READ, "/3/0/9 bad integer "},
	{"integer of 16 bytes", "/3/0/9", "c80910" Z16, READ, "/3/0/9 bad integer " Z16},
	{"integer in more bytes than needed", "/3/0/9", "c80908ffffffffffffffff", READ,
		"/3/0/9 integer -1"},
	{"integer -128", "/3/0/9", "c10980", BOTH, "/3/0/9 integer -128"},
	{"integer 127", "/3/0/9", "c1097f", BOTH, "/3/0/9 integer 127"},
	{"integer 128", "/3/0/9", "c2090080", BOTH, "/3/0/9 integer 128"},
	{"integer -129", "/3/0/9", "c209ff7f", BOTH, "/3/0/9 integer -129"},
	{"integer 32768", "/3/0/9", "c40900008000", BOTH, "/3/0/9 integer 32768"},
	{"integer -32769", "/3/0/9", "c409ffff7fff", BOTH, "/3/0/9 integer -32769"},
	{"integer 2147483648", "/3/0/9", "c809080000000080000000", BOTH,
		"/3/0/9 integer 2147483648"},
	{"smallest integer (FMT-03)", "/3/0/9", "c809088000000000000000", BOTH,
		"/3/0/9 integer -9223372036854775808"},
	{"unsigned 255", "/1/0/17", "c111ff", BOTH, "/1/0/17 unsigned 255"},
	{"unsigned 256", "/1/0/17", "c2110100", BOTH, "/1/0/17 unsigned 256"},
	{"unsigned 65536", "/1/0/17", "c41100010000", BOTH, "/1/0/17 unsigned 65536"},
	{"largest unsigned", "/1/0/17", "c81108ffffffffffffffff", BOTH,
		"/1/0/17 unsigned 18446744073709551615"},
	{"time before 1970", "/3/0/13", "c10dff", BOTH, "/3/0/13 time -1"},
	{"boolean 2", "/1/0/6", "c10602", READ, "/1/0/6 bad boolean 02"},
	{"boolean of 2 bytes", "/1/0/6", "c2060001", READ, "/1/0/6 bad boolean 0001"},
	{"boolean of no byte", "/1/0/6", "c006", READ, "/1/0/6 bad boolean "},
	{"null link", "/0/0/17", "c411ffffffff", BOTH, "/0/0/17 objlnk 65535:65535"},
	{"link of 3 bytes", "/0/0/17", "c311000000", READ, "/0/0/17 bad objlnk 000000"},
	{"link of 5 bytes", "/0/0/17", "c5110000000000", READ, "/0/0/17 bad objlnk 0000000000"},
	{"corelnk", "/25/0/3",
		"c603"
		"3c2f332f303e",
		BOTH, "/25/0/3 corelnk </3/0>"},
	{"unknown resource (GEN-02)", "/3/0/999", "e203e70102", BOTH, "/3/0/999 opaque 0102"},
	{"unknown object", "/10234/0/1", "c10105", BOTH, "/10234/0/1 opaque 05"},
	{"one bad value among good ones, DM-20", "/3/0", "c10964c30a000001c10f55", READ,
		"/3/0/9 integer 100\n/3/0/10 bad integer 000001\n/3/0/15 string U"},

	/* nesting, FMT-11 and FMT-12 */
	{"object without instances", "/2", "", BOTH, ""},
	{"object with an empty instance", "/2", "0007", BOTH, "/2/7 instance"},
	{"16-bit instance id", "/2", "2301f4c10001", BOTH, "/2/500/0 integer 1"},
	{"empty instance", "/3/0", "", BOTH, "/3/0 instance"},
	{"empty instance in its own item", "/3/0", "0000", READ, "/3/0 instance"},
	{"instance in its own item", "/3/0", "0300c10964", READ, "/3/0/9 integer 100"},
	{"another instance than asked for", "/3/0", "0301c10964", READ, NULL},
	{"more instances than asked for", "/2/0", "0300c100010301c10001", READ, NULL},
	{"single-instance object without the instance item", "/3", "c10964", READ,
		"/3/0/9 integer 100"},
	{"unknown object without the instance item", "/10234", "c10105", READ,
		"/10234/0/1 opaque 05"},
	{"instances and resources mixed", "/3", "0300c10964c10964", READ, NULL},
	{"resources and instances mixed", "/3/0", "c109640001", READ, NULL},
	{"a resource in its instance's item", "/3/0/9", "0300c10964", READ, "/3/0/9 integer 100"},
	{"another resource than asked for", "/3/0/9", "c10a64", READ, NULL},
	{"more resources than asked for", "/3/0/9", "c10964c10a64", READ, NULL},
	{"nothing for a resource", "/3/0/9", "", READ, NULL},
	{"multiple resource", "/3/0/6", "8606410001410105", BOTH,
		"/3/0/6/0 integer 1\n/3/0/6/1 integer 5"},
	{"multiple resource of one entry (FMT-12)", "/3/0/11", "830b410000", BOTH,
		"/3/0/11/0 integer 0"},
	{"multiple resource without entry", "/3/0/6", "8006", BOTH, "/3/0/6 multiple"},
	{"multiple resource without entry, in an instance", "/3/0", "8006c10964", BOTH,
		"/3/0/6 multiple\n/3/0/9 integer 100"},
	{"bare entries, CT-83", "/3/0/6", "410001410105", READ,
		"/3/0/6/0 integer 1\n/3/0/6/1 integer 5"},
	{"no bare entry at all", "/3/0/6", "", READ, "/3/0/6 multiple"},
	{"multiple resource the model calls single", "/3/0/9", "8309410064", BOTH,
		"/3/0/9/0 integer 100"},
	{"single item for a multiple resource", "/3/0/6", "c10601", READ, "/3/0/6 integer 1"},
	{"resource instance", "/3/0/6/1", "410105", BOTH, "/3/0/6/1 integer 5"},
	{"resource instance in its resource", "/3/0/6/1", "8306410105", READ, "/3/0/6/1 integer 5"},
	{"another resource instance", "/3/0/6/1", "410005", READ, NULL},
	{"nothing for a resource instance", "/3/0/6/1", "", READ, NULL},
	{"a resource for a resource instance", "/3/0/6/1", "c10605", READ, NULL},
	{"bare entries of an instance", "/3/0", "410001", READ, NULL},
	{"bare entries of an object", "/3", "410001", READ, NULL},
	{"entries among resources (FMT-11)", "/3/0", "c10964410001", READ, NULL},
	{"instance within an instance", "/3", "02000000", READ, NULL},
	{"resource within a multiple resource", "/3/0", "8306c10001", READ, NULL},
	{"multiple within a multiple resource", "/3/0",
		"820681"
		"00",
		READ, NULL},
	{"a body longer than its items", "/3/0",
		"8406410001"
		"41",
		READ, NULL},
	{"the root", "/", "c10964", READ, NULL},
	{"the root, empty", "/", "", READ, NULL},

	/* repeats */
	{"resource twice (FMT-11)", "/3/0", "c10964c10964", READ, NULL},
	{"resource twice, in two kinds", "/3/0", "c106018006", READ, NULL},
	{"resource twice, ids of both sizes", "/3/0", "c10964e1000964", READ, NULL},
	{"instance twice", "/2", "00010001", READ, NULL},
	{"entry twice", "/3/0/22", "88160c440000640001440000650002", READ, NULL},

	/* Create without an instance id, DM-13 */
	{"resources of a new instance", "/1", "c10001c10102", BOTH,
		"/1/65535/0 integer 1\n/1/65535/1 integer 2"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct lwm_format *tlv;

static enum err decode_row(size_t i, struct span payload, struct lwm_records *r)
{
	const struct lwm_codec_opts opts = {
		.type = type_from_dump, .arg = (void *)(uintptr_t)rows[i].want};
	struct lwm_path base = path_of(rows[i].base);

	return tlv->decode(payload, &base, rows[i].want ? &opts : NULL, r);
}

static void test_rows(void)
{
	static char text[4096], out[4096];
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < ROWS; i++) {
		struct lwm_path base = path_of(rows[i].base);
		struct span payload = test_hex(rows[i].hex);
		struct writer w = wr_make(out, sizeof(out));
		struct lwm_records r;
		enum err e;

		lwm_records_init(&r, &a);
		e = decode_row(i, payload, &r);
		CHECK(e == (rows[i].want ? ERR_OK : ERR_SYNTAX), rows[i].what);
		CHECK_BYTES(
			dump_records(&r, text, sizeof(text)), span_str(rows[i].want), rows[i].what);
		if (e || rows[i].dir != BOTH)
			continue;
		CHECK(tlv->encode(r.v, r.n, &base, NULL, &w) == ERR_OK, rows[i].what);
		CHECK_BYTES(wr_span(&w), payload, rows[i].what);
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* A copy that ends where its block ends, so that a sanitizer sees a read beyond. */
static void try_exactly(size_t i, struct span s, enum err *e, struct lwm_records *r)
{
	uint8_t *copy = malloc(s.n ? s.n : 1);

	REQUIRE(copy, "memory");
	if (s.n)
		memcpy(copy, s.p, s.n);
	*e = decode_row(i, (struct span){copy, s.n}, r);
	free(copy);
}

/* Where a cut still decodes it was between two items: the records are the first ones. One byte more
 * never is an item. */
static void test_cuts(void)
{
	struct arena a;
	enum err e;

	arena_init(&a, 0);
	for (size_t i = 0; i < ROWS; i++) {
		static uint8_t longer[2048];
		struct span payload = test_hex(rows[i].hex);
		struct lwm_records whole, r;

		lwm_records_init(&whole, &a);
		if (decode_row(i, payload, &whole))
			continue;
		for (size_t n = 1; n < payload.n; n++) {
			lwm_records_init(&r, &a);
			try_exactly(i, span_sub(payload, 0, n), &e, &r);
			CHECK(e ? e == ERR_SYNTAX && r.n == 0 : r.n && r.n < whole.n, rows[i].what);
		}
		REQUIRE(payload.n < sizeof(longer), rows[i].what);
		memcpy(longer, payload.p, payload.n);
		longer[payload.n] = 0xc1;
		lwm_records_init(&r, &a);
		try_exactly(i, (struct span){longer, payload.n + 1}, &e, &r);
		CHECK(e == ERR_SYNTAX, "a trailing byte");
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* What stood in the list before stays when a payload is refused. */
static void test_append(void)
{
	struct lwm_path base = path_of("/3/0");
	struct lwm_records r;
	struct arena a;
	char text[256];

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(test_hex("c10964"), &base, NULL, &r) == ERR_OK, "the first");
	CHECK(tlv->decode(test_hex("c10a64c1"), &base, NULL, &r) == ERR_SYNTAX, "a refused one");
	CHECK(tlv->decode(test_hex("c10a0f"), &base, NULL, &r) == ERR_OK, "the second");
	CHECK_BYTES(dump_records(&r, text, sizeof(text)),
		SPAN_LIT("/3/0/9 integer 100\n/3/0/10 integer 15"), "two payloads in one list");
	arena_fini(&a);
}

/* An override changes the type of one path; LWM_NONE leaves the model's (Object 21 version 1). */
static enum lwm_type salt_is_text(void *arg, const struct lwm_path *p)
{
	(void)arg;
	return p->id[0] == 21 && p->id[2] == 5 ? LWM_STRING : LWM_NONE;
}

static void test_override(void)
{
	const struct lwm_codec_opts opts = {.type = salt_is_text};
	struct lwm_path base = path_of("/21/0");
	struct lwm_records r;
	struct arena a;
	char text[256];

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(test_hex("c10061c1030ac10561"), &base, &opts, &r) == ERR_OK, "decode");
	CHECK_BYTES(dump_records(&r, text, sizeof(text)),
		SPAN_LIT("/21/0/0 opaque 61\n/21/0/3 integer 10\n/21/0/5 string a"),
		"the override rules, else the model");
	arena_fini(&a);
}

static void test_float_specials(void)
{
	struct lwm_path base = path_of("/6/0/0");
	struct lwm_records r;
	struct arena a;

	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(test_hex("c4007fc00000"), &base, NULL, &r) == ERR_OK, "decode");
	CHECK(r.n == 1 && isnan(r.v[0].value.f), "not a number has a TLV form");
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(test_hex("c80008fff0000000000000"), &base, NULL, &r) == ERR_OK, "decode");
	CHECK(r.n == 1 && isinf(r.v[0].value.f) && r.v[0].value.f < 0, "so has infinity");
	arena_fini(&a);
}

static void test_memory(void)
{
	struct lwm_path base = path_of("/3/0");
	struct span payload = test_hex("c10964860641000141010580070002");
	struct arena a;

	payload.n = 13; /* four records */
	for (size_t limit = 1; limit <= 4096; limit *= 2) {
		struct lwm_records r;
		enum err e;

		arena_init(&a, limit);
		lwm_records_init(&r, &a);
		e = tlv->decode(payload, &base, NULL, &r);
		CHECK(e ? e == ERR_NOMEM && r.n == 0 && limit < 4096 : r.n == 4 && limit > 256,
			"an arena at its limit");
		arena_fini(&a);
	}
}

/* 65537 resources of no bytes in 21846 instances. */
static void test_limit(void)
{
	enum { INSTANCES = 21846 };
	static uint8_t bytes[INSTANCES * 10];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct lwm_path base = path_of("/10234");
	struct lwm_records r;
	struct arena a;

	for (uint16_t i = 0; i < INSTANCES; i++) {
		wr_u8(&w, 0x26);
		wr_u16(&w, i);
		wr_bytes(&w, test_hex("c000c001c002"));
	}
	REQUIRE(!w.err, "the payload");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(wr_span(&w), &base, NULL, &r) == ERR_LIMIT, "too many records");
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(span_sub(wr_span(&w), 0, w.n - 9), &base, NULL, &r) == ERR_OK &&
			r.n == LWM_RECORDS_MAX - 1,
		"as many as there may be");
	arena_fini(&a);
}

static struct lwm_record integer(const char *path, int64_t i)
{
	return (struct lwm_record){.path = path_of(path), .value = {.type = LWM_INTEGER, .i = i}};
}

static void test_encode_order(void)
{
	struct lwm_path base = path_of("/3");
	struct lwm_record v[] = {integer("/3/0/11/1", 2), integer("/3/0/10", 3),
		integer("/3/0/11/0", 1), integer("/3/0/9", 4)};
	char out[64];
	struct writer w = wr_make(out, sizeof(out));

	CHECK(tlv->encode(v, 4, &base, NULL, &w) == ERR_OK, "any order");
	CHECK_BYTES(wr_span(&w), test_hex("08000ec10904c10a03860b410001410102"),
		"records are grouped and sorted");
	w = wr_make(out, sizeof(out));
	base = path_of("/3/0/6");
	v[0] = integer("/3/0/6", 1);
	CHECK(tlv->encode(v, 1, &base, NULL, &w) == ERR_OK, "a bare value");
	CHECK_BYTES(wr_span(&w), test_hex("8306410001"), "is entry 0 of a multiple resource");
}

static void test_encode_refusals(void)
{
	static const struct {
		const char *what, *base, *first, *second;
	} refused[] = {
		{"a path twice", "/3", "/3/0/9", "/3/0/9"},
		{"a value of a resource and of its instance", "/3", "/3/0/6/1", "/3/0/6"},
		{"records outside the base", "/3/0", "/3/0/9", "/3/1/9"},
		{"two resources at one", "/3/0/9", "/3/0/9", "/3/0/10"},
		{"a chosen and a given instance", "/1", "/1/0/1", "/1/65535/1"},
		{"the root", "/", "/1/0/1", "/3/0/9"},
		{"a value at an instance", "/3", "/3/0", "/3/0/9"},
	};
	char out[64];
	struct writer w = wr_make(out, sizeof(out));

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct lwm_path base = path_of(refused[i].base);
		struct lwm_record v[2] = {{.path = {3, {1, 65535, 1}}}};

		v[0] = integer(refused[i].first, 1);
		v[1] = integer("/1/0/1", 1);
		if (strcmp(refused[i].second, "/1/65535/1") == 0)
			v[1].path.id[1] = LWM_ID_NONE;
		else
			v[1].path = path_of(refused[i].second);
		CHECK(tlv->encode(v, 2, &base, NULL, &w) == ERR_UNSUPPORTED && w.n == 0,
			refused[i].what);
	}
}

static void test_encode_kinds(void)
{
	struct lwm_path base = path_of("/3/0");
	struct lwm_record v = integer("/3/0/9", 1);
	char out[2];
	struct writer w = wr_make(out, sizeof(out));

	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_SPACE, "no space");
	w = wr_make(out, sizeof(out));
	v.has_time = true;
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "a time");
	v.has_time = false;
	v.kind = LWM_RECORD_BAD;
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "a bad value");
	v.kind = LWM_RECORD_MULTIPLE;
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_OK, "an empty multiple resource");
	v.kind = LWM_RECORD_INSTANCE;
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "an instance at a resource");
	v = integer("/3/0/9", 1);
	v.value.type = LWM_NONE;
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "no type");
	CHECK(tlv->encode(&v, 0, &base, NULL, &w) == ERR_OK, "nothing is an empty instance");
	base = path_of("/3/0/9");
	CHECK(tlv->encode(&v, 0, &base, NULL, &w) == ERR_UNSUPPORTED, "nothing is no resource");
}

/* The largest body is 2^24 - 1 bytes, its items included. */
static void test_encode_large(void)
{
	static uint8_t body[1 << 24], out[1 << 25];
	struct lwm_path base = path_of("/5/0/0");
	struct lwm_record v = {.path = base};
	struct writer w = wr_make(out, sizeof(out));

	v.value = (struct lwm_value){.type = LWM_OPAQUE, .bytes = {body, (1 << 24) - 1 - 5}};
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_OK && w.n == (1 << 24) - 1, "the largest");
	v.value.bytes.n++;
	CHECK(tlv->encode(&v, 1, &base, NULL, &w) == ERR_UNSUPPORTED, "one byte more");
}

static void test_encode_many(void)
{
	struct lwm_path base = path_of("/2");
	static struct lwm_record v[100];
	uint8_t out[2048];
	struct writer w = wr_make(out, sizeof(out));
	struct lwm_records r;
	struct arena a;

	for (int i = 0; i < 100; i++) {
		v[i] = integer("/2/0/0", i);
		v[i].path.id[1] = (uint16_t)(99 - i);
	}
	CHECK(tlv->encode(v, 100, &base, NULL, &w) == ERR_OK, "many records");
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	CHECK(tlv->decode(wr_span(&w), &base, NULL, &r) == ERR_OK && r.n == 100, "come back");
	for (uint16_t i = 0; i < r.n; i++)
		CHECK(r.v[i].path.id[1] == i && r.v[i].value.i == 99 - i, "in order");
	arena_fini(&a);
	if (!FAIL_MALLOC)
		return;
	fail_malloc_after = 0;
	CHECK(tlv->encode(v, 100, &base, NULL, &w) == ERR_NOMEM, "no memory to sort in");
}

int main(void)
{
	tlv = lwm_format(LWM_CF_TLV);
	REQUIRE(tlv, "the format");
	test_rows();
	test_cuts();
	test_append();
	test_override();
	test_float_specials();
	test_memory();
	test_limit();
	test_encode_order();
	test_encode_refusals();
	test_encode_kinds();
	test_encode_large();
	test_encode_many();
	return test_done();
}
