/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct caught {
	int lines;
	enum log_level level;
	char line[2000];
};

static void catch_line(void *arg, enum log_level level, const char *line)
{
	struct caught *c = arg;

	c->lines++;
	c->level = level;
	snprintf(c->line, sizeof(c->line), "%s", line);
	errno = EBADF;
}

static void test_levels(void)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};

	for (int i = 0; i < 5; i++)
		CHECK(strcmp(log_level_name((enum log_level)i), names[i]) == 0, names[i]);
}

static void test_threshold(void)
{
	struct caught c = {0};

	log_set_sink(catch_line, &c);
	for (int set = LOG_LEVEL_ERROR; set <= LOG_LEVEL_DEBUG; set++) {
		log_set_level((enum log_level)set);
		for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
			c.lines = 0;
			log_line((enum log_level)level, "level=%d", level);
			CHECK(c.lines == (level <= set), "only levels up to the one that is set");
			CHECK(log_enabled((enum log_level)level) == (level <= set), "as told");
			CHECK(level > set || (int)c.level == level, "the sink is told the level");
		}
	}
}

static void check_line(struct caught *c, const char *in, const char *want, const char *what)
{
	log_error("%s", in);
	CHECK_BYTES(span_str(c->line), span_str(want), what);
}

static void test_lines(void)
{
	char in[1100], want[1025];
	struct caught c = {0};

	log_set_sink(catch_line, &c);
	errno = ENOENT;
	check_line(&c, "started version=1", "started version=1", "a line");
	CHECK(errno == ENOENT, "errno is kept");
	check_line(&c, "", "", "an empty line");
	check_line(&c, "a\nb\x1b[1m\x7f", "a b [1m ", "controls do not pass");

	memset(in, 'a', sizeof(in));
	memset(want, 'a', sizeof(want));
	in[1024] = want[1024] = '\0';
	check_line(&c, in, want, "1024 bytes");
	in[1024] = 'a';
	in[1025] = '\0';
	memcpy(want + 1021, "...", 4);
	check_line(&c, in, want, "1025 bytes");
	memcpy(in + 1019, "\xe2\x82\xac", 3);
	memcpy(want + 1019, "...", 4);
	check_line(&c, in, want, "not cut within a character");
	memset(in, 0x80, 1099);
	in[1099] = '\0';
	check_line(&c, in, "...", "nothing but continuation bytes");
}

/* One second and 5 ms after 2001-09-09T01:46:40Z. */
static int64_t some_time(void)
{
	return INT64_C(1000000001005);
}

#define HEAD "{\"time\":\"2001-09-09T01:46:41.005Z\",\"level\":\"info\",\"message\":"

static const struct {
	const char *message;
	struct log_field f[2];
	const char *text, *json;
} field_rows[] = {
	{"stopped", {{0}}, "stopped", HEAD "\"stopped\"}"},
	{"a", {{.key = "n", .kind = LOG_NUMBER, .number = -5}}, "a n=-5", HEAD "\"a\",\"n\":-5}"},
	{"a", {{.key = "w", .kind = LOG_WORD, .value = {(const uint8_t *)"/a=b", 4}}}, "a w=/a=b",
		HEAD "\"a\",\"w\":\"/a=b\"}"},
	{"a", {{.key = "w", .kind = LOG_WORD, .value = {(const uint8_t *)"a b", 3}}}, "a w=\"a b\"",
		HEAD "\"a\",\"w\":\"a b\"}"},
	{"a", {{.key = "w", .kind = LOG_WORD, .value = {(const uint8_t *)"\"", 1}}},
		"a w=\"\\x22\"", HEAD "\"a\",\"w\":\"\\\"\"}"},
	{"a", {{.key = "t", .kind = LOG_TEXT, .value = {(const uint8_t *)"x", 1}}}, "a t=\"x\"",
		HEAD "\"a\",\"t\":\"x\"}"},
	{"a", {{.key = "t", .kind = LOG_TEXT, .value = {(const uint8_t *)"\",\"u\":\"\\\n", 9}}},
		"a t=\"\\x22,\\x22u\\x22:\\x22\\x5c\\x0a\"",
		HEAD "\"a\",\"t\":\"\\\",\\\"u\\\":\\\"\\\\\\u000a\"}"},
	{"a", {{.key = "t", .kind = LOG_TEXT, .value = {(const uint8_t *)"\xff\0", 2}}},
		"a t=\"\\xff\\x00\"", HEAD "\"a\",\"t\":\"\\ufffd\\u0000\"}"},
	{"a",
		{{.key = "k", .kind = LOG_HEX, .value = {(const uint8_t *)"\x01\xff", 2}},
			{.key = "e", .kind = LOG_HEX}},
		"a k=01ff e=", HEAD "\"a\",\"k\":\"01ff\",\"e\":\"\"}"},
	{"a",
		{{.key = "d", .kind = LOG_RAW_JSON, .value = {(const uint8_t *)"{\"x\":1}", 7}},
			{.key = "j", .kind = LOG_NUMBER, .number = 1, .json_only = true}},
		"a d={\"x\":1}", HEAD "\"a\",\"d\":{\"x\":1},\"j\":1}"},
};

static void check_form(struct caught *c, log_clock_fn *clock, size_t row, const char *want)
{
	log_set_json(clock);
	log_entry(LOG_LEVEL_INFO, field_rows[row].message, field_rows[row].f, 2);
	CHECK_BYTES(span_str(c->line), span_str(want), want);
}

static void test_fields(void)
{
	struct caught c = {0};

	log_set_sink(catch_line, &c);
	log_set_level(LOG_LEVEL_INFO);
	for (size_t i = 0; i < sizeof(field_rows) / sizeof(field_rows[0]); i++) {
		check_form(&c, NULL, i, field_rows[i].text);
		check_form(&c, some_time, i, field_rows[i].json);
	}
	log_info("a %d\n", 1);
	CHECK_BYTES(span_str(c.line), SPAN_LIT(HEAD "\"a 1\\u000a\"}"), "a message without fields");
	log_set_json(NULL);
}

/* Keeps the last line of any length. */
static void catch_long(void *arg, enum log_level level, const char *line)
{
	(void)level;
	snprintf(arg, 20000, "%s", line);
}

/* A field that does not fit is left out whole: the line stays JSON. */
static void test_cut(void)
{
	static char line[20000], big[20000];
	const char *end = ",\"after\":1,\"cut\":true}";

	memset(big, 1, sizeof(big) - 1);
	log_set_sink(catch_long, line);
	log_set_json(some_time);
	log_fields(LOG_LEVEL_INFO, "a", log_text("big", span_str(big)), log_number("after", 1));
	CHECK_BYTES(span_str(line), SPAN_LIT(HEAD "\"a\",\"after\":1,\"cut\":true}"), "a field");
	log_fields(
		LOG_LEVEL_INFO, big, log_text("big", span_make(big, 1600)), log_number("after", 1));
	CHECK(strlen(line) > 15000 && strcmp(line + strlen(line) - strlen(end), end) == 0,
		"the longest message, and a field as long");
	CHECK(strstr(line, "\\u0001\",\"big\":\"\\u0001"), "both are there");
	log_set_json(NULL);
	log_fields(LOG_LEVEL_INFO, "a", log_text("big", span_str(big)));
	CHECK(strlen(line) == 1024 && strcmp(line + 1021, "...") == 0, "text is cut");
}

/* What standard error gets while `journal_stream` is in the environment. */
static void check_stderr(const char *what, log_clock_fn *json, const char *want)
{
	char got[200] = "";
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	REQUIRE(saved >= 0 && pipe(ends) == 0, "a pipe");
	dup2(ends[1], STDERR_FILENO);
	log_set_sink(NULL, NULL);
	log_set_json(json);
	log_warning("storage is slow ms=%d", 12);
	log_set_json(NULL);
	dup2(saved, STDERR_FILENO);
	n = read(ends[0], got, sizeof(got) - 1);
	CHECK_BYTES(span_make(got, n > 0 ? (size_t)n : 0), span_str(want), what);
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

/* The question is asked once a process, so each answer needs a process of its own. */
static void test_stderr(const char *program)
{
	char command[512];

	snprintf(command, sizeof(command), "JOURNAL_STREAM=1:1 '%s' plain", program);
	CHECK(system(command) == 0, "standard error is not the journal");
	snprintf(command, sizeof(command),
		"exec 2>/dev/null; JOURNAL_STREAM=$(stat -L -c %%d:%%i /dev/null) '%s' journal",
		program);
	CHECK(system(command) == 0, "standard error is the journal");
}

#define SLOW                                                                                       \
	"{\"time\":\"2001-09-09T01:46:41.005Z\",\"level\":\"warning\","                            \
	"\"message\":\"storage is slow ms=12\"}"

static int child(const char *mode)
{
	if (strcmp(mode, "plain") == 0) {
		check_stderr("plain", NULL, "warning: storage is slow ms=12\n");
		check_stderr("plain JSON", some_time, SLOW "\n");
	} else {
		log_set_level(LOG_LEVEL_WARNING);
		log_error("asks about /dev/null");
		check_stderr("journal", NULL, "<4>storage is slow ms=12\n");
		check_stderr("JSON in the journal", some_time, "<4>" SLOW "\n");
	}
	return test_failed || !test_passed;
}

static void test_rate(void)
{
	static const struct {
		uint64_t now_ms;
		bool pass;
		uint64_t dropped;
		const char *what;
	} rows[] = {
		{0, true, 0, "a new bucket is full"},
		{0, true, 0, "burst"},
		{0, true, 0, "burst"},
		{0, false, 1, "the burst is used up, also at time 0"},
		{99, false, 2, "not yet"},
		{100, true, 0, "one each interval; dropped starts anew"},
		{100, false, 1, "only one"},
		{250, true, 0, "one"},
		{299, false, 1, "the half interval before counts"},
		{300, true, 0, "one"},
		{50, false, 1, "time that goes back gives nothing"},
		{10000, true, 0, "refilled"},
		{10000, true, 0, "to the burst"},
		{10000, true, 0, "to the burst"},
		{10000, false, 1, "not above it"},
		{UINT64_MAX - 1, true, 0, "far in the future"},
	};
	struct log_rate r = {.interval_ms = 100, .burst = 3}, none = {0}, zero = {.interval_ms = 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(log_rate_pass(&r, rows[i].now_ms) == rows[i].pass, rows[i].what);
		CHECK(r.dropped == rows[i].dropped, rows[i].what);
	}
	for (int i = 0; i < 100; i++)
		CHECK(log_rate_pass(&none, 0), "no interval, no limit");
	CHECK(!log_rate_pass(&zero, 5) && !log_rate_pass(&zero, 500), "no burst, no line");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return child(argv[1]);
	test_levels();
	test_threshold();
	test_lines();
	test_fields();
	test_cut();
	test_rate();
	test_stderr(argv[0]);
	return test_done();
}
