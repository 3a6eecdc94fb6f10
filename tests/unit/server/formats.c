/* SPDX-License-Identifier: Apache-2.0 */
/* Which content formats are tried, in which order, for each kind of client (section G of what is
 * known of them). Numbers of formats that a build does not have are skipped on both sides. */
#include "server/server_impl.h"

#include "lwm2m/models.h"
#include "tests/unit/test.h"

/* What such clients register with. */
#define Z10  10, ""
#define Z11  11, ""
#define W11  11, "</>;rt=\"oma.lwm2m\";ct=110,"
#define W11B 11, "</>;rt=\"oma.lwm2m\";ct=\"60 110 112\","
#define A11  11, ""
#define A12  12, ""
#define L12  12, ""
#define E11  11, "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542 11543\","

static const struct {
	const char *what;
	uint8_t lwm2m;
	const char *root;
	enum srv_use use;
	const char *path, *want;
} rows[] = {
	/* several values */
	{"Zephyr 1.0 has TLV alone", Z10, SRV_USE_READ, "/3/0", "11542 11543"},
	{"1.0 is never written JSON (CT-82, FMT-01)", Z10, SRV_USE_WRITE, "/3/0", "11542"},
	{"Zephyr 1.1 has TLV", Z11, SRV_USE_READ, "/3/0", "11542 112 110"},
	{"Wakaama has TLV and 110", W11, SRV_USE_READ, "/3/0", "11542 112 110"},
	{"a newer one lists 112", W11B, SRV_USE_READ, "/3/0", "112 11542 110"},
	{"and can be written it", W11B, SRV_USE_WRITE, "/3/0", "112 11542 110"},
	{"Anjay 1.1 has all", A11, SRV_USE_READ, "/3", "11542 112 110"},
	{"Anjay 1.2 too", A12, SRV_USE_READ, "/3", "112 11544 11542 110"},
	{"Anjay Lite answers no TLV", L12, SRV_USE_READ, "/3/0", "112 11544 11542 110"},
	{"Leshan lists TLV too: it is smallest", E11, SRV_USE_READ, "/3/0", "11542 112 110"},
	{"a multiple Resource", Z11, SRV_USE_READ, "/3/0/6", "11542 112 110"},
	{"its instance", Z11, SRV_USE_READ, "/3/0/6/0", "0 11542 112 110 60"},

	/* one value */
	{"text is read by all: Zephyr 1.0", Z10, SRV_USE_READ, "/3/0/9", "0 11542 11543"},
	{"written", Z10, SRV_USE_WRITE, "/1/0/1", "0 11542"},
	{"Zephyr 1.1", Z11, SRV_USE_READ, "/3/0/9", "0 11542 112 110 60"},
	{"Wakaama", W11, SRV_USE_WRITE, "/1/0/1", "0 11542 112 110 60"},
	{"Anjay 1.2", A12, SRV_USE_READ, "/3/0/9", "0 112 11544 11542 110 60"},
	{"Anjay Lite", L12, SRV_USE_WRITE, "/3/0/14", "0 112 11544 11542 110 60"},
	{"Leshan", E11, SRV_USE_READ, "/3/0/0", "0 11542 112 110 60"},

	/* opaque */
	{"opaque: Zephyr, Anjay and Lite have it and list nothing", Z11, SRV_USE_WRITE, "/5/0/0",
		"42 11542 112 110 60"},
	{"1.0", Z10, SRV_USE_READ, "/5/0/0", "42 11542 11543"},
	{"Wakaama takes unknown formats for text (CT-41)", W11, SRV_USE_WRITE, "/5/0/0",
		"11542 112 110 42"},
	{"Leshan has none either", E11, SRV_USE_READ, "/5/0/0", "11542 112 110 42"},
	{"listed is had", 11, "</>;rt=\"oma.lwm2m\";ct=\"42 112\",", SRV_USE_WRITE, "/5/0/0",
		"42 112 11542 110 60"},

	/* links */
	{"a link is not read as text (CT-77)", W11, SRV_USE_READ, "/1/0/10", "11542 112 110 0"},
	{"but written", W11, SRV_USE_WRITE, "/1/0/10", "0 11542 112 110 60"},

	/* what the model does not know */
	{"unknown: formats that say what is in them", Z11, SRV_USE_READ, "/4711/0/1",
		"11542 112 110 0"},
	{"1.2", A12, SRV_USE_READ, "/4711/0/1", "112 11544 11542 110 0"},
	{"a Resource Instance", Z10, SRV_USE_READ, "/4711/0/1/2", "11542 11543 0"},

	/* POST: never a format of one value (DM-07) */
	{"Create", Z11, SRV_USE_PARTIAL, "/3303", "11542 112 110"},
	{"partial Write of a multiple Resource", A11, SRV_USE_PARTIAL, "/3/0/11", "11542 112 110"},
	{"of an unknown one", A11, SRV_USE_PARTIAL, "/4711/0/1", "11542 112 110"},
	{"1.0", Z10, SRV_USE_PARTIAL, "/3/0", "11542"},
};

static void open_reg(struct srv_reg *g, uint8_t lwm2m, const char *root)
{
	char links[128];
	*g = (struct srv_reg){.lwm2m = lwm2m};
	snprintf(links, sizeof(links), "%s</3/0>", root);
	REQUIRE(lwm_object_list_parse(span_str(links), &g->list) == ERR_OK, "links");
}

/* The list, without what the build does not have. */
static struct span wanted(const char *list)
{
	static uint8_t buf[128];
	struct writer w = wr_make(buf, sizeof(buf));
	char copy[128], *rest = copy;
	snprintf(copy, sizeof(copy), "%s", list);
	for (char *one; (one = strsep(&rest, " "));)
		if (lwm_format((uint32_t)atoi(one)))
			wr_fmt(&w, "%s%s", w.n ? " " : "", one);
	return wr_span(&w);
}

static struct span chosen(const struct srv_reg *g, enum srv_use use, const char *path, int32_t cf)
{
	static uint8_t buf[128];
	struct writer w = wr_make(buf, sizeof(buf));
	uint16_t out[SRV_FORMATS_MAX];
	struct lwm_target p;
	REQUIRE(lwm_target_parse(span_str(path), &p) == ERR_OK, "path");
	size_t n = srv_formats(g, &p, use, cf, out);
	for (size_t i = 0; i < n; i++)
		wr_fmt(&w, "%s%u", i ? " " : "", out[i]);
	return wr_span(&w);
}

static void learns(void)
{
	struct srv_reg g;
	open_reg(&g, 11, "");
	uint8_t text = srv_format_bit(LWM_CF_TEXT), tlv = srv_format_bit(LWM_CF_TLV);
	CHECK(text && tlv && text != tlv && !srv_format_bit(LWM_CF_LINK) && !srv_format_bit(4711),
		"formats among which there is a choice");
	srv_formats_learn(&g, SRV_USE_WRITE, LWM_CF_TLV, text);
	CHECK_BYTES(chosen(&g, SRV_USE_WRITE, "/3/0/14", -1), wanted("11542 112 110 60 0"),
		"what was refused goes to the end");
	CHECK_BYTES(chosen(&g, SRV_USE_READ, "/3/0/14", -1), wanted("0 11542 112 110 60"),
		"for Writes alone");
	srv_formats_learn(&g, SRV_USE_PARTIAL, LWM_CF_OPAQUE, tlv);
	CHECK_BYTES(chosen(&g, SRV_USE_WRITE, "/3/0/14", -1), wanted("112 110 60 0 11542"),
		"in the same order");
	srv_formats_learn(&g, SRV_USE_WRITE, LWM_CF_TEXT, 0);
	CHECK_BYTES(chosen(&g, SRV_USE_WRITE, "/3/0/14", -1), wanted("0 112 110 60 11542"),
		"until it is taken");
	srv_formats_learn(&g, SRV_USE_READ, LWM_CF_TLV, text);
	CHECK_BYTES(chosen(&g, SRV_USE_READ, "/3/0/14", -1), wanted("11542 112 110 60 0"),
		"Reads learn too");
	CHECK_BYTES(chosen(&g, SRV_USE_READ, "/3/0/14", 0), SPAN_LIT("0"),
		"what somebody asks for is tried alone");
	lwm_object_list_fini(&g.list);
}

static void tell(void *arg, const char *file, uint32_t line, const char *what)
{
	(void)arg;
	printf("%s:%u: %s\n", file, line, what);
}

#define MODEL(version, type)                                                                       \
	"<LWM2M><Object><Name>a</Name><ObjectID>9001</ObjectID><ObjectVersion>" version            \
	"</ObjectVersion><MultipleInstances>Multiple</MultipleInstances><Resources><Item "         \
	"ID=\"1\">"                                                                                \
	"<Name>b</Name><Type>" type "</Type></Item></Resources></Object></LWM2M>"

/* The model's type is that of the version the device has. */
static void versions(void)
{
	struct lwm_models *m;
	struct srv_reg first, second;
	REQUIRE(lwm_models_new(&m) == ERR_OK, "models");
	REQUIRE(lwm_models_add(m, "1", SPAN_LIT(MODEL("1.0", "Opaque")), tell, NULL) == ERR_OK,
		"1.0");
	REQUIRE(lwm_models_add(m, "2", SPAN_LIT(MODEL("2.0", "Integer")), tell, NULL) == ERR_OK,
		"2.0");
	lwm_models_use(m);
	open_reg(&first, 10, "");
	open_reg(&second, 10, "</9001>;ver=2.0,");
	CHECK_BYTES(chosen(&first, SRV_USE_READ, "/9001/0/1", -1), wanted("42 11542 11543"),
		"opaque in version 1.0, which is meant without one");
	CHECK_BYTES(chosen(&second, SRV_USE_READ, "/9001/0/1", -1), wanted("0 11542 11543"),
		"a number in version 2.0");
	lwm_object_list_fini(&first.list);
	lwm_object_list_fini(&second.list);
	lwm_models_use(NULL);
	lwm_models_free(m);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct srv_reg g;
		open_reg(&g, rows[i].lwm2m, rows[i].root);
		/* A build that has none of the formats listed takes it for no list. */
		if (g.list.formats || !rows[i].root[0])
			CHECK_BYTES(chosen(&g, rows[i].use, rows[i].path, -1), wanted(rows[i].want),
				rows[i].what);
		lwm_object_list_fini(&g.list);
	}
	learns();
	versions();
	return test_done();
}
