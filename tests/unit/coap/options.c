/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/opt.h"
#include "tests/unit/coap/dump.h"

static struct span bytes(size_t n)
{
	static const uint8_t zero[70000];

	return (struct span){zero, n};
}

static void test_add_order(void)
{
	struct msg m;

	msg_init(&m, MSG_CON, MSG_GET);
	bool ok = msg_add(&m, OPT_URI_QUERY, SPAN_LIT("q")) == ERR_OK &&
		  msg_add(&m, OPT_URI_PATH, SPAN_LIT("a")) == ERR_OK &&
		  msg_add(&m, OPT_URI_PATH, SPAN_LIT("b")) == ERR_OK &&
		  msg_add(&m, OPT_OBSERVE, SPAN_EMPTY) == ERR_OK &&
		  msg_add(&m, 2048, SPAN_LIT("x")) == ERR_OK;
	CHECK(ok && strcmp(dump(&m), "CON 0.01 0000 t= 6= 11=61 11=62 15=71 2048=78 p=") == 0,
		"options stand in order of number, then of addition");
}

struct length_row {
	const char *what;
	uint16_t num;
	size_t n;
	enum err err;
};

static const struct length_row length_rows[] = {
	{"If-Match of 8", OPT_IF_MATCH, 8, ERR_OK},
	{"If-Match of 9", OPT_IF_MATCH, 9, ERR_RANGE},
	{"empty Uri-Host", OPT_URI_HOST, 0, ERR_RANGE},
	{"Uri-Host of 255", OPT_URI_HOST, 255, ERR_OK},
	{"Uri-Host of 256", OPT_URI_HOST, 256, ERR_RANGE},
	{"empty ETag", OPT_ETAG, 0, ERR_RANGE},
	{"If-None-Match with a value", OPT_IF_NONE_MATCH, 1, ERR_RANGE},
	{"Observe of 4", OPT_OBSERVE, 4, ERR_RANGE},
	{"OSCORE of 255", OPT_OSCORE, 255, ERR_OK},
	{"empty Uri-Path", OPT_URI_PATH, 0, ERR_OK},
	{"Content-Format of 3", OPT_CONTENT_FORMAT, 3, ERR_RANGE},
	{"empty Hop-Limit", OPT_HOP_LIMIT, 0, ERR_RANGE},
	{"Block1 of 3", OPT_BLOCK1, 3, ERR_OK},
	{"Block1 of 4", OPT_BLOCK1, 4, ERR_RANGE},
	{"Proxy-Uri of 1034", OPT_PROXY_URI, 1034, ERR_OK},
	{"Proxy-Uri of 1035", OPT_PROXY_URI, 1035, ERR_RANGE},
	{"empty Echo", OPT_ECHO, 0, ERR_RANGE},
	{"Echo of 40", OPT_ECHO, 40, ERR_OK},
	{"Echo of 41", OPT_ECHO, 41, ERR_RANGE},
	{"Request-Tag of 9", OPT_REQUEST_TAG, 9, ERR_RANGE},
	{"an unknown option of 65535", 2048, 65535, ERR_OK},
	{"an unknown option of 65536", 2048, 65536, ERR_RANGE},
};

static void test_add_lengths(void)
{
	for (size_t i = 0; i < sizeof(length_rows) / sizeof(length_rows[0]); i++) {
		const struct length_row *row = &length_rows[i];
		struct msg m;
		msg_init(&m, MSG_CON, MSG_GET);
		enum err err = msg_add(&m, row->num, bytes(row->n));
		CHECK(err == row->err && m.opt_n == (err == ERR_OK), row->what);
	}
}

static void test_add_full(void)
{
	struct msg m;
	bool ok = true;

	msg_init(&m, MSG_CON, MSG_GET);
	for (size_t i = 0; i < MSG_OPTS_MAX; i++)
		ok = ok && msg_add(&m, OPT_URI_PATH, SPAN_LIT("a")) == ERR_OK;
	CHECK(ok && msg_add(&m, OPT_URI_PATH, SPAN_LIT("a")) == ERR_LIMIT &&
			m.opt_n == MSG_OPTS_MAX,
		"a full message takes no option");
	CHECK(msg_add_uint(&m, OPT_SIZE1, 1) == ERR_LIMIT && m.small_n == 0,
		"a full message takes no number and keeps its room");
	CHECK(msg_add_path(&m, OPT_URI_PATH, "a") == ERR_LIMIT, "a full message takes no path");
}

static void test_uint(void)
{
	static const struct {
		uint32_t v;
		const char *hex;
	} rows[] = {
		{0, ""},
		{1, "01"},
		{255, "ff"},
		{256, "0100"},
		{65535, "ffff"},
		{65536, "010000"},
		{0xffffff, "ffffff"},
		{0x1000000, "01000000"},
		{UINT32_MAX, "ffffffff"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct msg m;
		uint32_t v = 12345;
		msg_init(&m, MSG_CON, MSG_GET);
		REQUIRE(msg_add_uint(&m, OPT_SIZE1, rows[i].v) == ERR_OK, "a number");
		CHECK_BYTES(m.opt[0].val, test_hex(rows[i].hex), "shortest form, section 3.2");
		CHECK(msg_get_uint(&m, OPT_SIZE1, &v) && v == rows[i].v, "and back");
	}
}

static void test_uint_limits(void)
{
	struct msg m;
	uint32_t v = 7;
	size_t n = 0;

	msg_init(&m, MSG_CON, MSG_GET);
	CHECK(!msg_get_uint(&m, OPT_SIZE1, &v) && v == 7, "an absent number leaves the output");
	m.opt[m.opt_n++] = (struct opt){OPT_SIZE1, bytes(5)};
	CHECK(!msg_get_uint(&m, OPT_SIZE1, &v) && v == 7, "5 bytes count as absent");
	m.opt[0].val = test_hex("00000007");
	CHECK(msg_get_uint(&m, OPT_SIZE1, &v) && v == 7, "leading zeros are read, section 3.2");
	CHECK(msg_add_uint(&m, OPT_MAX_AGE, UINT32_MAX) == ERR_OK &&
			msg_add_uint(&m, OPT_CONTENT_FORMAT, 65536) == ERR_RANGE && m.small_n == 4,
		"a number too large for its option uses no room");
	for (; msg_add_uint(&m, 2048, UINT32_MAX) == ERR_OK; n++)
		;
	CHECK(n == MSG_SMALL_BYTES / 4 - 1 && m.small_n == MSG_SMALL_BYTES,
		"ERR_LIMIT when the room for numbers is used up");
	CHECK(msg_add_uint(&m, 2048, 0) == ERR_OK, "zero needs no room");
}

struct path_row {
	const char *what, *path;
	enum err err;
	const char *dump;
};

static const struct path_row path_rows[] = {
	{"one segment", "rd", ERR_OK, "CON 0.01 0000 t= 11=7264 p="},
	{"three segments", "3/0/9", ERR_OK, "CON 0.01 0000 t= 11=33 11=30 11=39 p="},
	{"the root", "", ERR_OK, "CON 0.01 0000 t= p="},
	{"leading slash", "/rd", ERR_SYNTAX, "CON 0.01 0000 t= p="},
	{"trailing slash", "rd/", ERR_SYNTAX, "CON 0.01 0000 t= p="},
	{"double slash", "3//9", ERR_SYNTAX, "CON 0.01 0000 t= p="},
	{"slash alone", "/", ERR_SYNTAX, "CON 0.01 0000 t= p="},
	{"more segments than options",
		"0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0",
		ERR_LIMIT, "CON 0.01 0000 t= p="},
};

static void test_path(void)
{
	char long_path[300];
	struct msg m;

	for (size_t i = 0; i < sizeof(path_rows) / sizeof(path_rows[0]); i++) {
		const struct path_row *row = &path_rows[i];
		msg_init(&m, MSG_CON, MSG_GET);
		enum err err = msg_add_path(&m, OPT_URI_PATH, row->path);
		CHECK(err == row->err && strcmp(dump(&m), row->dump) == 0, row->what);
	}
	memset(long_path, 'a', sizeof(long_path));
	memcpy(long_path, "a/", 2);
	msg_init(&m, MSG_CON, MSG_GET);
	long_path[2 + 256] = '\0';
	CHECK(msg_add_path(&m, OPT_URI_PATH, long_path) == ERR_RANGE && m.opt_n == 0,
		"a segment of 256 bytes adds nothing");
	long_path[2 + 255] = '\0';
	CHECK(msg_add_path(&m, OPT_URI_PATH, long_path) == ERR_OK && m.opt_n == 2,
		"a segment of 255 bytes");
}

static void test_find(void)
{
	struct msg m;

	REQUIRE(msg_parse_inner(test_hex("0161c1"
					 "5161"
					 "0162"
					 "0163"
					 "4178"),
			&m) == ERR_OK,
		"observe, three of 11, one of 15");
	const struct opt *o = msg_find(&m, OPT_URI_PATH);
	CHECK(o == &m.opt[1], "the first of its number");
	o = msg_next(&m, o);
	CHECK(o == &m.opt[2], "the second");
	o = msg_next(&m, o);
	CHECK(o == &m.opt[3] && !msg_next(&m, o), "the third and last");
	CHECK(!msg_next(&m, &m.opt[4]), "the last of all");
	CHECK(!msg_find(&m, OPT_CONTENT_FORMAT) && !msg_find(&m, 1) && !msg_find(&m, 16),
		"absent numbers between, before and behind");
	msg_remove(&m, OPT_URI_PATH);
	CHECK(strcmp(dump(&m), "NON 0.01 0000 t= 6=c1 15=78 p=") == 0, "all of a number go");
	msg_remove(&m, OPT_URI_PATH);
	CHECK(m.opt_n == 2, "removing what is not there");
}

static void test_copy(void)
{
	static const uint8_t payload[] = {1, 2, 3};
	struct msg *from = malloc(sizeof(*from)), to;

	REQUIRE(from != NULL, "memory");
	msg_init(from, MSG_CON, MSG_POST);
	from->mid = 0x1234;
	from->token_n = 1;
	from->token[0] = 0xaa;
	from->payload = SPAN_OF(payload);
	REQUIRE(msg_add_path(from, OPT_URI_PATH, "rd") == ERR_OK &&
			msg_add_uint(from, OPT_CONTENT_FORMAT, 40) == ERR_OK &&
			msg_add_uint(from, OPT_SIZE1, 70000) == ERR_OK &&
			msg_add_uint(from, OPT_OBSERVE, 0) == ERR_OK,
		"a message with numbers");
	msg_copy(&to, from);
	memset(from, 0xff, sizeof(*from));
	free(from);
	CHECK(strcmp(dump(&to), "CON 0.02 1234 t=aa 6= 11=7264 12=28 60=011170 p=010203") == 0,
		"a copy outlives the original, numbers included");
	CHECK(msg_add_uint(&to, OPT_MAX_AGE, 1) == ERR_OK &&
			strcmp(dump(&to),
				"CON 0.02 1234 t=aa 6= 11=7264 12=28 14=01 60=011170 p=010203") ==
				0,
		"and takes further numbers");
	msg_copy(&to, &to);
	CHECK(to.opt_n == 5, "a copy onto itself");
}

struct check_row {
	const char *what, *hex; /* code and options */
	enum msg_verdict verdict;
	const char *dump; /* of what is left */
};

static const struct check_row check_rows[] = {
	{"registration", "02b272641128396c776d326d3d312e31", MSG_OPTIONS_GOOD,
		"NON 0.02 0000 t= 11=7264 12=28 15=6c776d326d3d312e31 p="},
	{"no options", "45", MSG_OPTIONS_GOOD, "NON 2.05 0000 t= p="},
	{"unknown critical", "01d10c00", MSG_OPTIONS_BAD, NULL},
	{"unknown elective goes", "01b161d10000", MSG_OPTIONS_GOOD, "NON 0.01 0000 t= 11=61 p="},
	{"unknown elective before known ones", "01209161", MSG_OPTIONS_GOOD,
		"NON 0.01 0000 t= 11=61 p="},
	{"repeatable repeated", "01b1610162016341780179", MSG_OPTIONS_GOOD,
		"NON 0.01 0000 t= 11=61 11=62 11=63 15=78 15=79 p="},
	{"single critical repeated: Accept, section 5.4.5", "01d1043c013c", MSG_OPTIONS_BAD, NULL},
	{"single elective repeated: the first stays", "02c128013c", MSG_OPTIONS_GOOD,
		"NON 0.02 0000 t= 12=28 p="},
	{"three Observe", "016001010102", MSG_OPTIONS_GOOD, "NON 0.01 0000 t= 6= p="},
	{"ill-sized critical: Block1 of 4", "02d40e00000000", MSG_OPTIONS_BAD, NULL},
	{"ill-sized critical: If-None-Match of 1", "025100", MSG_OPTIONS_BAD, NULL},
	{"ill-sized elective: Content-Format of 3", "02c3000028", MSG_OPTIONS_GOOD,
		"NON 0.02 0000 t= p="},
	{"ill-sized elective: empty ETag", "4540c1ff", MSG_OPTIONS_GOOD,
		"NON 2.05 0000 t= 16=ff p="},
	{"ill-sized before well-sized: the second counts as repeated", "02c30000280128",
		MSG_OPTIONS_GOOD, "NON 0.02 0000 t= p="},
	{"Uri-Host and Uri-Port in a request", "013161421633", MSG_OPTIONS_GOOD, NULL},
	{"Uri-Host in a response", "453161", MSG_OPTIONS_BAD, NULL},
	{"Uri-Port in a response", "457116", MSG_OPTIONS_BAD, NULL},
	{"Proxy-Uri", "01d11661", MSG_OPTIONS_BAD, NULL},
	{"Proxy-Scheme", "01d11a61", MSG_OPTIONS_BAD, NULL},
	{"Q-Block1, RFC 9177 section 4.1", "02d10608", MSG_OPTIONS_BAD, NULL},
	{"Q-Block2", "01d11208", MSG_OPTIONS_BAD, NULL},
	{"EDHOC", "02d008", MSG_OPTIONS_BAD, NULL},
	{"OSCORE passes", "029109", MSG_OPTIONS_GOOD, "NON 0.02 0000 t= 9=09 p="},
	{"two OSCORE options", "0291090109", MSG_OPTIONS_BAD, NULL},
	{"Echo, No-Response and Request-Tag", "02d2efabcd611ad11502", MSG_OPTIONS_GOOD,
		"NON 0.02 0000 t= 252=abcd 258=1a 292=02 p="},
};

static void test_check(void)
{
	for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
		const struct check_row *row = &check_rows[i];
		struct msg m;
		bool ok = msg_parse_inner(test_hex(row->hex), &m) == ERR_OK &&
			  msg_check_options(&m) == row->verdict;
		if (ok && row->dump && strcmp(dump(&m), row->dump) != 0) {
			printf("  got  %s\n  want %s\n", dump(&m), row->dump);
			ok = false;
		}
		CHECK(ok, row->what);
	}
}

struct class_row {
	uint16_t num;
	enum opt_class oscore;
};

/* RFC 8613 figure 5, RFC 9175 section 3, RFC 9177 section 4.1, RFC 9668 section 3.1. */
static const struct class_row class_rows[] = {
	{OPT_IF_MATCH, OPT_CLASS_E},
	{OPT_ETAG, OPT_CLASS_E},
	{OPT_IF_NONE_MATCH, OPT_CLASS_E},
	{OPT_LOCATION_PATH, OPT_CLASS_E},
	{OPT_URI_PATH, OPT_CLASS_E},
	{OPT_CONTENT_FORMAT, OPT_CLASS_E},
	{OPT_URI_QUERY, OPT_CLASS_E},
	{OPT_HOP_LIMIT, OPT_CLASS_E},
	{OPT_ACCEPT, OPT_CLASS_E},
	{OPT_LOCATION_QUERY, OPT_CLASS_E},
	{OPT_URI_HOST, OPT_CLASS_U},
	{OPT_URI_PORT, OPT_CLASS_U},
	{OPT_OSCORE, OPT_CLASS_U},
	{OPT_PROXY_URI, OPT_CLASS_U},
	{OPT_PROXY_SCHEME, OPT_CLASS_U},
	{OPT_EDHOC, OPT_CLASS_U},
	{OPT_OBSERVE, OPT_CLASS_BOTH},
	{OPT_MAX_AGE, OPT_CLASS_BOTH},
	{OPT_BLOCK2, OPT_CLASS_BOTH},
	{OPT_BLOCK1, OPT_CLASS_BOTH},
	{OPT_SIZE2, OPT_CLASS_BOTH},
	{OPT_SIZE1, OPT_CLASS_BOTH},
	{OPT_NO_RESPONSE, OPT_CLASS_BOTH},
	{OPT_ECHO, OPT_CLASS_BOTH},
	{OPT_REQUEST_TAG, OPT_CLASS_BOTH},
	{OPT_Q_BLOCK1, OPT_CLASS_BOTH},
	{OPT_Q_BLOCK2, OPT_CLASS_BOTH},
};

static void test_registry(void)
{
	size_t count, rows = sizeof(class_rows) / sizeof(class_rows[0]), found = 0;
	const struct opt_info *table = opt_table(&count);
	bool sorted = true;

	for (size_t i = 1; i < count; i++)
		sorted = sorted && table[i - 1].num < table[i].num;
	CHECK(sorted, "the registry ascends");
	CHECK(count == rows, "the registry has these rows and no others");
	for (size_t i = 0; i < rows; i++) {
		const struct opt_info *info = opt_info(class_rows[i].num);
		CHECK(info && info->num == class_rows[i].num &&
				info->oscore == class_rows[i].oscore && info->min <= info->max,
			info ? info->name : "a row that is missing");
	}
	for (uint32_t num = 0; num <= UINT16_MAX; num++)
		found += opt_info((uint16_t)num) != NULL;
	CHECK(found == count, "no other number is found");
}

int main(void)
{
	test_add_order();
	test_add_lengths();
	test_add_full();
	test_uint();
	test_uint_limits();
	test_path();
	test_find();
	test_copy();
	test_check();
	test_registry();
	return test_done();
}
