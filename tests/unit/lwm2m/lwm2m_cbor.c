/* SPDX-License-Identifier: Apache-2.0 */
/* LwM2M CBOR: layouts, what is refused, and what is written. */
#include "tests/unit/lwm2m/codec_rows.h"

#define FLOAT(hex)                                                                                 \
	"/10234/0/1", "a18319"                                                                     \
		      "27fa0001" hex

static const struct {
	const char *what, *base, *hex, *want, *writes;
	unsigned flags;
} rows[] = {
	{"the ids as one key", "/3/0/9", "a1830300091864", "/3/0/9 integer 100", "a1830300091864",
		0},
	{"a map each", "/3/0/9", "a103a100a1091864", "/3/0/9 integer 100", "a1830300091864", 0},
	{"arrays of one", "/3/0/9", "a18103a18100a181091864", "/3/0/9 integer 100",
		"a1830300091864", 0},
	{"an id, then two", "/3/0/9", "a103a18200091864", "/3/0/9 integer 100", "a1830300091864",
		0},
	{"without lengths (FMT-30)", "/3/0", "bf9f0300ffbf091864ffff", "/3/0/9 integer 100",
		"a1830300091864", 0},
	{"a longer head of a key", "/3/0/9", "a183030018091864", "/3/0/9 integer 100",
		"a1830300091864", 0},
	{"one instance of two", "/3/0", "a1820300a2006161091864",
		"/3/0/0 string a\n/3/0/9 integer 100", "a1820300a2006161091864", 0},
	{"instances", "/1", "a101a200a1011a0001518001a10119012c",
		"/1/0/1 integer 86400\n/1/1/1 integer 300",
		"a2830100011a00015180830101"
		"0119012c",
		0},
	{"an instance in two entries", "/3/0", "a2820300a10918648303000a0f",
		"/3/0/9 integer 100\n/3/0/10 integer 15", "a1820300a20918640a0f", 0},
	{"a multiple Resource", "/3/0/6", "a183030006a200010105",
		"/3/0/6/0 integer 1\n/3/0/6/1 integer 5", "a183030006a200010105", 0},
	{"one of its instances", "/3/0/6", "a1840300060105", "/3/0/6/1 integer 5", "a1840300060105",
		0},
	{"flat and nested (FMT-30, FMT-32)", "/3/0", "a284030006000183030006a10105",
		"/3/0/6/0 integer 1\n/3/0/6/1 integer 5", "a183030006a200010105", 0},
	{"several objects (FMT-31)", "/", "a2830100011a00015180830300091864",
		"/1/0/1 integer 86400\n/3/0/9 integer 100", "a2830100011a00015180830300091864", 0},
	{"an instance to be chosen (FMT-32)", "/1", "a1820119ffffa10118c8",
		"/1/65535/1 integer 200", "a1830119ffff0118c8", 0},

	{"nothing of an object", "/3", "a0", "", "a0", 0},
	{"nothing at all (FMT-34)", "/", "bfff", "", "a0", 0},
	{"an empty object", "/", "a103a0", "", "a0", 0},
	{"an instance with nothing", "/3/0", "a1820300a0", "/3/0 instance", "a1820300a0", 0},
	{"the same, of an empty map", "/3/0", "a0", "/3/0 instance", "a1820300a0", 0},
	{"a multiple Resource with nothing", "/3/0/6", "a183030006bfff", "/3/0/6 multiple",
		"a183030006a0", 0},
	{"the same, of an empty map", "/3/0/6", "a0", "/3/0/6 multiple", "a183030006a0", 0},
	{"a single one with nothing", "/3/0/9", "a0", NULL, NULL, 0},

	{"no value", "/3/0/4", "a183030004f6", "/3/0/4 none ", "a183030004f6", 0},
	{"undefined", "/3/0/9", "a183030009f7", "/3/0/9 bad integer f7", NULL, 0},
	{"half", "/6/0/0", "a183060000f94200", "/6/0/0 float 3.0", "a183060000f94200", 0},
	{"double, as half", "/6/0/0", "a183060000fb3ff8000000000000", "/6/0/0 float 1.5",
		"a183060000f93e00", 0},
	{"minus infinity", "/6/0/0", "a183060000f9fc00", "/6/0/0 float -inf", "a183060000f9fc00",
		0},
	{"infinity of four bytes", "/6/0/0", "a183060000fa7f800000", "/6/0/0 float inf",
		"a183060000f97c00", 0},
	{"an infinite integer", "/3/0/9", "a183030009f97c00", "/3/0/9 bad integer f97c00", NULL, 0},
	{"time (FMT-33)", "/3/0/13", "a18303000dc11a5182428f", "/3/0/13 time 1367491215",
		"a18303000d1a5182428f", 0},
	{"a link", "/0/0/17", "a1830000116432313a30", "/0/0/17 objlnk 21:0", "a1830000116432313a30",
		0},
	{"an array for a value", "/3/0/9", "a1830300098105", "/3/0/9 bad integer 8105", NULL, 0},
	{"no UTF-8", "/3/0/0", "a18303000062c328", "/3/0/0 bad string 62c328", NULL, 0},

	{"behind a gateway", "/", "a283030009183284636430310300091864",
		"/3/0/9 integer 50\n/d01/3/0/9 integer 100", "a283030009183284636430310300091864",
		PREFIXED},
	{"in maps (GW-06)", "/", "a163643031a103a100a1091864", "/d01/3/0/9 integer 100",
		"a184636430310300091864", PREFIXED},
	{"two devices (GW-05)", "/",
		"a263643031a18303000901"
		"63643032a18303000902",
		"/d01/3/0/9 integer 1\n/d02/3/0/9 integer 2",
		"a28463643031030009018463643032"
		"03000902",
		PREFIXED},
	{"not asked for", "/", "a163643031a103a100a1091864", NULL, NULL, 0},
	{"an empty prefix", "/", "a160a103a100a1091864", NULL, NULL, PREFIXED},
	{"a prefix that is no UTF-8", "/", "a161ffa103a100a1091864", NULL, NULL, PREFIXED},
	{"two prefixes", "/",
		"a163643031a163643031a183030009"
		"01",
		NULL, NULL, PREFIXED},
	{"behind an id", "/", "a103a16130a10901", NULL, NULL, PREFIXED},
	{"inside an array", "/",
		"a183036130"
		"0901",
		NULL, NULL, PREFIXED},
	{"a prefix with a value", "/", "a16364303105", NULL, NULL, PREFIXED},

	{"an array on top", "/", "8100", NULL, NULL, 0},
	{"a number on top", "/", "05", NULL, NULL, 0},
	{"no bytes", "/", "", NULL, NULL, 0},
	{"a key that is a float", "/", "a1f93c0005", NULL, NULL, 0},
	{"minus", "/", "a12005", NULL, NULL, 0},
	{"bytes", "/", "a1410305", NULL, NULL, 0},
	{"an array in an array", "/", "a181810305", NULL, NULL, 0},
	{"an empty array", "/", "a19fff05", NULL, NULL, 0},
	{"id 65536", "/", "a18303001a0001000005", NULL, NULL, 0},
	{"object 65535", "/", "a18319ffff000005", NULL, NULL, 0},
	{"resource 65535", "/", "a183030019ffff05", NULL, NULL, 0},
	{"five ids", "/", "a185030006000005", NULL, NULL, 0},
	{"a map below a Resource Instance", "/", "a18403000600a10005", NULL, NULL, 0},
	{"an empty one", "/", "a18403000600a0", NULL, NULL, 0},
	{"a value of an instance", "/3/0", "a182030005", NULL, NULL, 0},
	{"a value of an object", "/3", "a10305", NULL, NULL, 0},
	{"twice (FMT-34)", "/",
		"a2830300090583030009"
		"06",
		NULL, NULL, 0},
	{"twice, in another layout", "/", "a2830300090503a100a10906", NULL, NULL, 0},
	{"an empty instance that has something", "/", "a2820300a08303000905", NULL, NULL, 0},
	{"a Resource that has instances", "/",
		"a283030006"
		"01"
		"8403000600"
		"01",
		NULL, NULL, 0},
	{"outside", "/3/0/9", "a18303000a05", NULL, NULL, 0},
	{"a break for a key", "/", "a1ff", NULL, NULL, 0},
	{"a break for a value", "/", "bf83030009ff", NULL, NULL, 0},
};

static struct codec_row row_at(size_t i)
{
	return (struct codec_row){rows[i].what, rows[i].base, test_hex(rows[i].hex), rows[i].want,
		rows[i].writes, rows[i].flags};
}

static void check_unwritable(void)
{
	static const struct {
		const char *what;
		struct lwm_record r;
	} bad[] = {
		{"a value at an instance", {.path = {2, {3, 0}}, .value = {.type = LWM_INTEGER}}},
		{"with a time",
			{.path = {3, {3, 0, 9}}, .value = {.type = LWM_INTEGER}, .has_time = true}},
		{"outside", {.path = {3, {4, 0, 9}}, .value = {.type = LWM_INTEGER}}},
		{"a name", {.kind = LWM_RECORD_NAME, .path = {3, {3, 0, 9}}}},
		{"a removal", {.kind = LWM_RECORD_DELETE, .path = {4, {3, 0, 7, 1}}}},
		{"a bad value", {.kind = LWM_RECORD_BAD, .path = {3, {3, 0, 9}}}},
		{"a multiple Resource Instance",
			{.kind = LWM_RECORD_MULTIPLE, .path = {4, {3, 0, 7, 1}}}},
		{"resource 65535", {.path = {3, {3, 0, 65535}}, .value = {.type = LWM_INTEGER}}},
	};
	struct lwm_path base = {1, {3}};
	uint8_t out[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct writer w = wr_make(out, sizeof(out));

		CHECK(lwm_format(LWM_CF_LWM2M_CBOR)->encode(&bad[i].r, 1, &base, NULL, &w) ==
				ERR_UNSUPPORTED,
			bad[i].what);
	}
}

/* Many of them, in the wrong order: sorted for the check, and written in order. */
static void check_many(void)
{
	static uint8_t bytes[4096], text[16384];
	struct writer w = wr_make(bytes, sizeof(bytes));
	struct lwm_path root = {0};
	struct lwm_records r;
	struct arena a;

	wr_str(&w, "\xbf");
	for (int i = 99; i >= 0; i--) {
		wr_str(&w, "\x83\x03");
		wr_u8(&w, 0x00);
		wr_u8(&w, 0x18);
		wr_u8(&w, (uint8_t)(100 + i));
		wr_u8(&w, 0x01);
	}
	wr_u8(&w, 0xff);
	arena_init(&a, 0);
	lwm_records_init(&r, &a);
	const struct lwm_format *f = lwm_format(LWM_CF_LWM2M_CBOR);
	CHECK(f->decode(wr_span(&w), &root, NULL, &r) == ERR_OK && r.n == 100, "a hundred");
	struct writer out = wr_make(text, sizeof(text));
	CHECK(f->encode(r.v, r.n, &root, NULL, &out) == ERR_OK, "written");
	CHECK_BYTES(span_sub(wr_span(&out), 0, 8), test_hex("a1820300b8641864"), "in order");
	w.n--;
	wr_str(&w, "\x83\x03");
	wr_u8(&w, 0x00);
	wr_str(&w, "\x18\x78\x02\xff");
	CHECK(f->decode(wr_span(&w), &root, NULL, &r) == ERR_SYNTAX && r.n == 100, "one twice");
	arena_fini(&a);
}

int main(void)
{
	const struct lwm_format *f = lwm_format(LWM_CF_LWM2M_CBOR);
	struct codec_row memory;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct codec_row row = row_at(i);

		check_row(f, &row);
	}
	memory = (struct codec_row){"memory", "/3/0",
		test_hex("a1820300a2007f6161ff06a2182801182901"),
		"/3/0/0 string a\n/3/0/6/40 integer 1\n/3/0/6/41 integer 1", NULL, 0};
	check_memory(f, &memory);
	check_unwritable();
	check_many();
	return test_done();
}
