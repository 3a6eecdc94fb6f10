/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/models.h"

#include "lwm2m/link.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD                                                                                       \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LWM2M>\n<Object "                            \
	"ObjectType=\"MODefinition\">\n"
#define OBJECT(id, version)                                                                        \
	"<Name>Thing</Name><Description1>a &lt;thing&gt;</Description1><ObjectID>" id              \
	"</ObjectID><ObjectVersion>" version                                                       \
	"</ObjectVersion><MultipleInstances>Multiple</MultipleInstances>"                          \
	"<Mandatory>Optional</Mandatory>\n"
#define ITEM(id, ops, type, range)                                                                 \
	"<Item ID=\"" id "\"><Name>R" id "</Name><Operations>" ops                                 \
	"</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory"           \
	"</Mandatory><Type>" type "</Type><RangeEnumeration>" range                                \
	"</RangeEnumeration><Units></Units><Description><![CDATA[x]]></Description></Item>\n"
#define TAIL                        "</Resources><Description2></Description2></Object>\n</LWM2M>\n"
#define FILE_OF(id, version, items) HEAD OBJECT(id, version) "<Resources>\n" items TAIL
#define X10                         "xxxxxxxxxx"
#define X50                         X10 X10 X10 X10 X10

static struct told {
	char text[512];
	unsigned n;
} told;

static void tell(void *arg, const char *file, uint32_t line, const char *what)
{
	(void)arg;
	snprintf(told.text, sizeof(told.text), "%s:%u: %s", file, line, what);
	told.n++;
}

static enum err add(struct lwm_models *m, const char *file, const char *text)
{
	told = (struct told){.n = 0};
	return lwm_models_add(m, file, span_str(text), tell, NULL);
}

/* ---- what is refused, and where */

static const struct {
	const char *text;
	enum err err;
	const char *told;
} faults[] = {
	{"", ERR_SYNTAX, "f.xml:1: no element found"},
	{"<LWM2M/>", ERR_SYNTAX, "f.xml:1: there is no Object in it"},
	{"<Common/>", ERR_SYNTAX, "f.xml:1: the outermost element is not LWM2M"},
	{"<LWM2M>\n<Objekt/></LWM2M>", ERR_SYNTAX,
		"f.xml:2: LWM2M holds something else than Object"},
	{"<LWM2M>\n\n<Object>", ERR_SYNTAX, "f.xml:3: no element found"},
	{"<LWM2M>\n</Object>", ERR_SYNTAX, "f.xml:2: mismatched tag"},
	{FILE_OF("9001", "1.0", "") "<x/>", ERR_SYNTAX, "f.xml:8: junk after document element"},
	{"<!DOCTYPE LWM2M [\n<!ENTITY a \"b\">]>\n<LWM2M>&a;</LWM2M>", ERR_SYNTAX,
		"f.xml:1: a document type is not taken"},
	{"<!DOCTYPE LWM2M SYSTEM \"file:///etc/passwd\"><LWM2M/>", ERR_SYNTAX,
		"f.xml:1: a document type is not taken"},
	{HEAD OBJECT("9001", "1.0") "&a;", ERR_SYNTAX, "f.xml:5: undefined entity"},
	{FILE_OF("65535", "1.0", ""), ERR_SYNTAX, "f.xml:4: ObjectID is no number from 0 to 65534"},
	{FILE_OF("-1", "1.0", ""), ERR_SYNTAX, "f.xml:4: ObjectID is no number from 0 to 65534"},
	{FILE_OF("9001", "1", ""), ERR_SYNTAX, "f.xml:4: ObjectVersion is no version like 1.0"},
	{FILE_OF("9001", "1.10", ""), ERR_SYNTAX, "f.xml:4: ObjectVersion is no version like 1.0"},
	{FILE_OF("9001", "1.0", ITEM("1", "R", "Strin", "")), ERR_SYNTAX,
		"f.xml:6: Type is none of those of LwM2M"},
	{FILE_OF("9001", "1.0", ITEM("1", "R", "", "")), ERR_SYNTAX,
		"f.xml:6: Item 1 has no Type, and is not executable"},
	{FILE_OF("9001", "1.0", ITEM("1", "RX", "Integer", "")), ERR_SYNTAX,
		"f.xml:6: Operations has other letters than R, W and E"},
	{FILE_OF("9001", "1.0", ITEM("65535", "R", "Integer", "")), ERR_SYNTAX,
		"f.xml:6: Item has no ID from 0 to 65534"},
	{FILE_OF("9001", "1.0", "<Item><Name>x</Name></Item>"), ERR_SYNTAX,
		"f.xml:6: Item has no ID from 0 to 65534"},
	{FILE_OF("9001", "1.0", "<Item ID=\"7\"></Item>"), ERR_SYNTAX,
		"f.xml:6: Item 7 has no Name"},
	{FILE_OF("9001", "1.0", "<Item ID=\"7\"><Name> </Name></Item>"), ERR_SYNTAX,
		"f.xml:6: Name is not 1 to 255 bytes"},
	{FILE_OF("9001", "1.0", "<Item ID=\"7\"><Name>" X50 X50 X50 X50 X50 "xxxxxx</Name></Item>"),
		ERR_SYNTAX, "f.xml:6: Name is not 1 to 255 bytes"},
	{FILE_OF("9001", "1.0", "<Item ID=\"7\"><Name>a</Name><Name>b</Name></Item>"), ERR_SYNTAX,
		"f.xml:6: Name is there twice"},
	{FILE_OF("9001", "1.0",
		 ITEM("2", "R", "Time", "") ITEM("1", "R", "Time", "") ITEM("2", "R", "Time", "")),
		ERR_SYNTAX, "f.xml:8: Item 2 is there twice"},
	{FILE_OF("9001", "1.0",
		 "<Item ID=\"7\"><Name>a</Name><MultipleInstances>Many</MultipleInstances></Item>"),
		ERR_SYNTAX, "f.xml:6: MultipleInstances is neither Multiple nor Single"},
	{HEAD "<Name>a</Name><ObjectID>9001</ObjectID></Object></LWM2M>", ERR_SYNTAX,
		"f.xml:4: Object has no MultipleInstances"},
	{HEAD "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", ERR_LIMIT,
		"f.xml:4: elements nest more than 16 deep"},
};

static void test_faults(void)
{
	struct lwm_models *m;
	size_t before, after;

	REQUIRE(lwm_models_new(&m) == ERR_OK, "new");
	lwm_models_use(m);
	(void)lwm_object_table(&before);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		enum err err = add(m, "f.xml", faults[i].text);

		CHECK(err == faults[i].err, faults[i].told);
		CHECK(strcmp(told.text, faults[i].told) == 0, told.text);
		CHECK(told.n == 1, "told once");
	}
	lwm_models_use(m);
	(void)lwm_object_table(&after);
	CHECK(before == after && !lwm_object(9001), "nothing came of them");
	lwm_models_use(NULL);
	lwm_models_free(m);
}

/* Cut anywhere, a file is refused. */
static void test_truncations(void)
{
	static const char text[] = FILE_OF("9001", "1.2", ITEM("1", "RW", "Integer", "1..9"));
	struct lwm_models *m;

	REQUIRE(lwm_models_new(&m) == ERR_OK, "new");
	for (size_t n = 0; n < sizeof(text) - sizeof("\n"); n++)
		CHECK(lwm_models_add(m, "f.xml", span_make(text, n), tell, NULL) == ERR_SYNTAX,
			"cut");
	CHECK(lwm_models_add(m, "f.xml", span_str(text), tell, NULL) == ERR_OK, "whole");
	lwm_models_free(m);
}

static void test_large(void)
{
	size_t n = LWM_MODEL_FILE_MAX + 1;
	char *text = malloc(n);
	struct lwm_models *m;

	REQUIRE(text && lwm_models_new(&m) == ERR_OK, "new");
	memset(text, ' ', n);
	CHECK(lwm_models_add(m, "f.xml", span_make(text, n), tell, NULL) == ERR_LIMIT, "too large");
	memcpy(text, FILE_OF("9001", "1.0", ""), sizeof(FILE_OF("9001", "1.0", "")) - 1);
	CHECK(lwm_models_add(m, "f.xml", span_make(text, n - 1), tell, NULL) == ERR_OK, "largest");
	lwm_models_free(m);
	free(text);
}

/* ---- what is taken */

static const struct {
	const char *range;
	bool ranged;
	double min, max;
} ranges[] = {
	{"0..100", true, 0, 100},
	{" -40 .. 85.5 ", true, -40, 85.5},
	{"5..5", true, 5, 5},
	{"", false, 0, 0},
	{"5..4", false, 0, 0},
	{"0-255", false, 0, 0},
	{"0..", false, 0, 0},
	{"..9", false, 0, 0},
	{"1..2 bytes", false, 0, 0},
	{"0,1", false, 0, 0},
};

static void test_ranges(void)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		char text[2048];
		struct lwm_models *m;
		const struct lwm_resource *r;

		REQUIRE(lwm_models_new(&m) == ERR_OK, "new");
		snprintf(text, sizeof(text), FILE_OF("9001", "1.0", ITEM("1", "RW", "Float", "%s")),
			ranges[i].range);
		CHECK(add(m, "f.xml", text) == ERR_OK, ranges[i].range);
		lwm_models_use(m);
		r = lwm_resource(9001, 1);
		REQUIRE(r, ranges[i].range);
		CHECK(r->ranged == ranges[i].ranged, ranges[i].range);
		if (ranges[i].ranged)
			CHECK(r->min <= ranges[i].min && r->min >= ranges[i].min &&
					r->max <= ranges[i].max && r->max >= ranges[i].max,
				ranges[i].range);
		lwm_models_use(NULL);
		lwm_models_free(m);
	}
}

static const struct {
	struct lwm_value value;
	double min, max;
	bool in;
	const char *text;
} values[] = {
	{{.type = LWM_INTEGER, .i = 0}, 0, 9, true, "0 to 9"},
	{{.type = LWM_INTEGER, .i = 9}, 0, 9, true, "0 to 9"},
	{{.type = LWM_INTEGER, .i = 10}, 0, 9, false, "0 to 9"},
	{{.type = LWM_INTEGER, .i = -1}, 0, 9, false, "0 to 9"},
	{{.type = LWM_UNSIGNED, .u = UINT64_MAX}, 0, 65535, false, "0 to 65535"},
	{{.type = LWM_FLOAT, .f = 0.5}, 0, 0.25, false, "0 to 0.25"},
	{{.type = LWM_STRING, .bytes = SPAN_LIT("abc")}, 1, 3, true, "1 to 3 bytes"},
	{{.type = LWM_STRING, .bytes = SPAN_LIT("abcd")}, 1, 3, false, "1 to 3 bytes"},
	{{.type = LWM_OPAQUE}, 1, 3, false, "1 to 3 bytes"},
	{{.type = LWM_TIME, .i = 99}, 1, 3, true, "1 to 3"},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct lwm_resource r = {.type = values[i].value.type,
			.ranged = true,
			.min = values[i].min,
			.max = values[i].max};
		struct lwm_value other = {.type = LWM_BOOLEAN, .b = true};
		uint8_t text[64];
		struct writer w = wr_make(text, sizeof(text));

		wr_range(&w, &r);
		CHECK(lwm_in_range(&r, &values[i].value) == values[i].in, values[i].text);
		CHECK(span_eq_str(wr_span(&w), values[i].text), values[i].text);
		CHECK(lwm_in_range(&r, &other), "a value of another type");
		r.ranged = false;
		CHECK(lwm_in_range(&r, &values[i].value), "no range");
	}
}

/* ---- versions side by side */

static uint8_t has(void *arg, struct span prefix, uint16_t oid)
{
	(void)prefix, (void)oid;
	return *(const uint8_t *)arg;
}

/* Of a device with version `has`: of which version the Object, and the type of Resources 1 and 2.
 */
static const struct {
	uint8_t has, object;
	enum lwm_type one, two;
	const char *what;
} picks[] = {
	{0, 20, LWM_FLOAT, LWM_TIME, "not known: the newest, or the newest that has it"},
	{10, 10, LWM_STRING, LWM_TIME, "the version itself; a newer minor one adds"},
	{11, 12, LWM_STRING, LWM_TIME, "the next minor version"},
	{12, 12, LWM_STRING, LWM_TIME, "the version itself"},
	{13, 12, LWM_STRING, LWM_TIME, "the last minor version"},
	{20, 20, LWM_FLOAT, LWM_TIME, "another major version, as a hint"},
	{25, 20, LWM_FLOAT, LWM_TIME, "the last of that major version"},
	{30, 20, LWM_FLOAT, LWM_TIME, "none of that major version"},
};

static void test_versions(void)
{
	const struct lwm_path one = {3, {9001, 0, 1}}, two = {4, {9001, 0, 2, 5}},
			      three = {3, {9001, 0, 3}}, above = {2, {9001, 0}};
	struct lwm_models *m;

	REQUIRE(lwm_models_new(&m) == ERR_OK, "new");
	CHECK(add(m, "2.0", FILE_OF("9001", "2.0", ITEM("1", "R", "Float", ""))) == ERR_OK, "2.0");
	CHECK(add(m, "1.0", FILE_OF("9001", "1.0", ITEM("1", "R", "String", ""))) == ERR_OK, "1.0");
	CHECK(add(m, "1.2",
		      FILE_OF("9001", "1.2",
			      ITEM("2", "R", "Time", "") ITEM("1", "R", "String", ""))) == ERR_OK,
		"1.2");
	lwm_models_use(m);
	for (size_t i = 0; i < sizeof(picks) / sizeof(picks[0]); i++) {
		uint8_t version = picks[i].has;
		struct lwm_versions v = {has, &version, SPAN_EMPTY};

		CHECK(lwm_object_of(&v, 9001)->version == picks[i].object, picks[i].what);
		CHECK(lwm_resource_of(&v, &one)->type == picks[i].one, picks[i].what);
		CHECK(lwm_resource_of(&v, &two)->type == picks[i].two, picks[i].what);
		CHECK(!lwm_resource_of(&v, &three) && !lwm_resource_of(&v, &above), "unknown");
	}
	CHECK(lwm_object(9001)->version == 20 && lwm_type_at(&two) == LWM_TIME, "no versions");
	CHECK(strcmp(lwm_object(9001)->source, "2.0") == 0, "source");
	CHECK(add(m, "again", FILE_OF("9001", "1.2", "")) == ERR_CONFLICT, "there already");
	CHECK(strcmp(told.text, "again:6: Object 9001 of version 1.2 is in 1.2 already") == 0,
		told.text);
	lwm_models_use(NULL);
	CHECK(!lwm_object(9001), "gone");
	lwm_models_free(m);
}

/* Built-in ones stand beside what files bring; what bootstrap relies on stays. */
static void test_built_in(void)
{
	struct lwm_models *m;
	size_t n, more;

	(void)lwm_object_table(&n);
	REQUIRE(lwm_models_new(&m) == ERR_OK, "new");
	CHECK(add(m, "3", FILE_OF("3", "1.2", ITEM("9", "R", "Float", ""))) == ERR_OK, "Device");
	CHECK(add(m, "3b", FILE_OF("3", "1.3", ITEM("99", "R", "Float", ""))) == ERR_OK, "newer");
	CHECK(add(m, "0", FILE_OF("0", "1.2", ITEM("5", "R", "Float", ""))) == ERR_OK, "Security");
	CHECK(add(m, "21", FILE_OF("21", "3.0", ITEM("0", "R", "Float", ""))) == ERR_OK, "OSCORE");
	lwm_models_use(m);
	(void)lwm_object_table(&more);
	CHECK(more == n + 1, "one is new, one took a place");
	CHECK(lwm_resource(3, 9)->type == LWM_FLOAT, "the file's");
	CHECK(lwm_resource(3, 99) && !lwm_resource(3, 0), "the file's alone");
	CHECK(lwm_resource(0, 5)->type == LWM_OPAQUE, "Object 0 stays");
	CHECK(lwm_object(21)->version == 20, "Object 21 stays");
	lwm_models_use(NULL);
	CHECK(lwm_resource(3, 9)->type == LWM_INTEGER, "as before");
	lwm_models_free(m);
}

static void test_list_version(void)
{
	struct lwm_object_list l;

	REQUIRE(lwm_object_list_parse(SPAN_LIT("</3>;ver=1.0,</3/0>,</4/0>,</9001/0>"), &l) ==
			ERR_OK,
		"list");
	CHECK(lwm_object_list_version(&l, 3, 12) == 10, "as it says");
	CHECK(lwm_object_list_version(&l, 4, 11) == 12, "of LwM2M 1.1");
	CHECK(lwm_object_list_version(&l, 4, 12) == 13, "of LwM2M 1.2");
	CHECK(lwm_object_list_version(&l, 9001, 12) == 10, "of others");
	lwm_object_list_fini(&l);
}

/* ---- a directory */

static void put(const char *dir, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	REQUIRE(f, "fopen");
	fputs(text, f);
	fclose(f);
}

static void test_dir(void)
{
	static const char *const names[] = {"a.xml", "b.xml", "c.xml", "d.txt", ".e.xml"};
	char dir[] = "/tmp/models-XXXXXX", path[160];
	struct lwm_models *m;
	size_t skipped;

	REQUIRE(mkdtemp(dir) && lwm_models_new(&m) == ERR_OK, "new");
	put(dir, "a.xml", FILE_OF("9001", "1.0", ""));
	put(dir, "b.xml", "<LWM2M>\n");
	put(dir, "c.xml", FILE_OF("9002", "1.0", ""));
	put(dir, "d.txt", "nothing of ours");
	put(dir, ".e.xml", "hidden");
	snprintf(path, sizeof(path), "%s/z.xml", dir);
	CHECK(mkfifo(path, 0600) == 0, "mkfifo");
	told = (struct told){.n = 0};
	CHECK(lwm_models_add_dir(m, dir, tell, NULL, &skipped) == ERR_OK, "read");
	CHECK(skipped == 2 && told.n == 2, "a cut file and a pipe");
	CHECK(strcmp(told.text, "z.xml:0: is no regular file") == 0, told.text);
	lwm_models_use(m);
	CHECK(lwm_object(9001) && lwm_object(9002), "the good ones");
	lwm_models_use(NULL);
	lwm_models_free(m);
	unlink(path);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	REQUIRE(lwm_models_new(&m) == ERR_OK, "new");
	told = (struct told){.n = 0};
	CHECK(lwm_models_add_dir(m, dir, tell, NULL, &skipped) == ERR_IO, "no directory");
	CHECK(told.n == 1 && strstr(told.text, ":0: No such file or directory"), told.text);
	lwm_models_free(m);
}

int main(void)
{
	test_faults();
	test_truncations();
	test_large();
	test_ranges();
	test_values();
	test_versions();
	test_built_in();
	test_list_version();
	test_dir();
	return test_done();
}
