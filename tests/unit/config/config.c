/* SPDX-License-Identifier: Apache-2.0 */
/* The public side: schema, files, printing, reloading. Runs from the root of the repository. */
#include "config/config.h"

#include "config/value.h"
#include "tests/unit/config/tell.h"
#include "tests/unit/test.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[64] = "/tmp/lanyard-config-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[2][128];
	static unsigned turn;
	char *out = path[turn++ % 2];

	snprintf(out, sizeof(path[0]), "%s/%s", dir, name);
	return out;
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	REQUIRE(f && fputs(text, f) >= 0 && fclose(f) == 0, name);
}

/* What cfg_load says of the main file, with the directory's name cut out. */
static enum err load(struct cfg *c, char **said)
{
	size_t n;
	FILE *f = open_memstream(said, &n);
	enum err err;
	char *at;

	REQUIRE(f, "memory");
	err = cfg_load(in_dir("main.conf"), c, tell_file, f);
	fclose(f);
	while ((at = strstr(*said, dir)))
		memmove(at, &at[strlen(dir) + 1], strlen(&at[strlen(dir)]));
	return err;
}

static char *printed(const struct cfg *c)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	REQUIRE(f, "memory");
	cfg_print(c, f);
	fclose(f);
	return text;
}

static bool same(const struct cfg *a, const struct cfg *b)
{
	char *x = printed(a), *y = printed(b);
	bool eq = strcmp(x, y) == 0;

	free(x);
	free(y);
	return eq && memcmp(a, b, sizeof(*a)) == 0;
}

static void check_schema(void)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);
	struct cfg c;
	char text[CFG_TEXT_MAX], why[CFG_WHY];

	cfg_defaults(&c);
	for (size_t i = 0; i < n; i++) {
		void *home = cfg_home(&o[i], &c, 0);
		CHECK(cfg_value_set(&o[i], home, o[i].preset, why) == ERR_OK, o[i].key);
		cfg_value_text(&o[i], home, text);
		CHECK_BYTES(span_str(text), span_str(o[i].preset), o[i].key);
		CHECK(o[i].help[0] && strlen(o[i].help) < 90 && !strchr(o[i].help, '\n'), o[i].key);
		CHECK(strlen(o[i].key) + 3 + o[i].max <= 197 || o[i].type != CFG_TEXT, o[i].key);
		CHECK((o[i].type == CFG_CHOICE) == (o[i].choices != NULL), o[i].key);
	}
}

static void check_defaults(void)
{
	struct cfg c;

	cfg_defaults(&c);
	CHECK(c.server && c.bootstrap, "both are on");
	CHECK(c.grace_s == 93 && c.awake_s == 93 && c.body_limit_bytes == 1048576, "[server]");
	CHECK(c.uri[0] == '\0' && c.ssid == 1 && c.lifetime_s == 86400, "[bootstrap]");
	CHECK(strcmp(c.binding, "U") == 0 && c.recipient_id_bytes == 5, "[bootstrap] binding, id");
	CHECK(strcmp(c.dir, "/var/lib/lanyard") == 0 && c.event_ring == 10000, "[storage]");
	CHECK(c.window == 32 && c.freshness == 0 && c.ssn_block == 64, "[oscore]");
	CHECK(c.socket_mode == 0660 && strcmp(c.socket_group, "lanyard") == 0, "[admin]");
	CHECK(c.log_level == LOG_LEVEL_INFO && c.log_format == 0, "[log]");
	CHECK(c.listen_n == 2, "two listeners");
	CHECK(c.listen[0].role == CFG_ROLE_SERVER && c.listen[0].port == 5683, "the server's");
	CHECK(c.listen[1].role == CFG_ROLE_BOOTSTRAP && c.listen[1].port == 5783,
		"bootstrap's (CT-99)");
	CHECK(strcmp(c.listen[0].address, "*") == 0 && !c.listen[0].nosec, "everywhere, secured");
}

static const char *const round_rows[] = {
	"",
	"[server]\ngrace = 1\nnosec_endpoints = a b* c?\n[log]\nlevel = error\nformat = json\n",
	"[bootstrap]\nenabled = no\n[listen x]\naddress = fe80::1%eth0\nport = 0\nnosec = yes\n",
	"[server]\nenabled = no\n[bootstrap]\nuri = coap://[2001:db8::1]:5683\nbinding = US\n",
	"[listen a]\nport = 1\n[listen b]\nport = 2\nrole = bootstrap\n[listen c]\nport = 3\n"
	"address = 192.0.2.1\n[admin]\nsocket_mode = 0\nsocket_group =\n",
	"[bootstrap]\nuri = coap+tcp://a\nbinding = T\n[listen a]\ntransport = tcp\n[listen b]\n"
	"transport = udp\n[listen c]\nrole = bootstrap\n[tcp]\nconnections = 1\nidle = 10\n"
	"handshakes = 2\nhandshakes_per_address = 1\n",
	"[listen a]\ntransport = dtls\nrequire = oscore+dtls\n[listen b]\ntransport = dtls\n"
	"role = bootstrap\n[dtls]\nsessions = 2\nhandshakes = 1\nidle = 10\n"
	"handshakes_per_address = 1\n",
	"[gateway a]\nmtu = 51\nretransmit = no\nrate = 0\n[gateway b]\nsocket = /x\nnosec = yes\n"
	"ack_timeout = 3600000\nbridges = 1\nsocket_user = root\n",
	"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\ncertificate_file = /a b.pem\n"
	"key_file = credential:key\nca_file = /ca\ncrl_file = /crl\ncertificates = mapped\n"
	"raw_public_keys = yes\n",
	"[oscore]\nwindow = 64\nfreshness = none\nssn_block = 4096\necho_max_age = 3600\n",
};

static void check_round_trip(const char *text)
{
	struct cfg a, b;
	char *said, *print;

	put_file("main.conf", text);
	CHECK(load(&a, &said) == ERR_OK, said);
	free(said);
	print = printed(&a);
	put_file("main.conf", print);
	CHECK(load(&b, &said) == ERR_OK, said);
	CHECK(same(&a, &b), print);
	free(said);
	free(print);
}

static void check_example(void)
{
	char *want, *said;
	static char got[65536];
	size_t n;
	FILE *f = open_memstream(&want, &n), *in = fopen("config/lanyard.conf.example", "re");
	struct cfg c, preset;

	REQUIRE(f && in, "config/lanyard.conf.example is there");
	cfg_print_example(f);
	fclose(f);
	got[fread(got, 1, sizeof(got) - 1, in)] = '\0';
	fclose(in);
	CHECK(strcmp(got, want) == 0, "config/lanyard.conf.example is what --print-example says");
	put_file("main.conf", want);
	cfg_defaults(&preset);
	CHECK(load(&c, &said) == ERR_OK && same(&c, &preset), "all of it is the default");
	free(said);
	/* With each option switched on it is still the default. */
	for (char *s = want; (s = strstr(s, "\n#")); s++)
		if (s[2] != ' ')
			memmove(&s[1], &s[2], strlen(&s[2]) + 1);
	strcat(strcpy(got, want), "\n[listen b]\nrole = bootstrap\n");
	put_file("main.conf", got);
	CHECK(load(&c, &said) == ERR_OK, said);
	c.listen[0] = preset.listen[0];
	c.listen[1] = preset.listen[1];
	CHECK(c.gateway_n == 1 && c.gateway[0].type == CFG_GATEWAY_SOCKET, "and a gateway");
	memset(c.gateway, 0, sizeof(c.gateway));
	c.gateway_n = 0;
	CHECK(same(&c, &preset), "the example's values are the defaults");
	free(said);
	free(want);
}

static const struct files_row {
	const char *main, *a, *b; /* conf.d/10-a.conf and 20-b.conf; NULL: none */
	enum err err;
	const char *said;
	uint32_t grace;
	const char *what;
} files_rows[] = {
	{"[server]\ngrace = 1\n", NULL, NULL, ERR_OK, "", 1, "no conf.d files"},
	{"[server]\ngrace = 1\n", "[server]\ngrace = 2\n", NULL, ERR_OK, "", 2, "one overrides"},
	{"[server]\ngrace = 1\n", "[server]\ngrace = 2\n", "[server]\ngrace = 3\n", ERR_OK, "", 3,
		"the last overrides"},
	{"", "[server]\ngrace = 2\n", "[log]\nlevel = info\n", ERR_OK, "", 2, "files add up"},
	{"[listen x]\nport = 1\n", "[listen x]\nrole = bootstrap\n", "[server]\nenabled = no\n",
		ERR_OK, "", 93, "a listener from two files"},
	{"", "[server]\ngrace = 2\ngrace = 2\n", NULL, ERR_SYNTAX,
		"conf.d/10-a.conf:3: \"grace\" is set already in line 2; remove one\n", 93,
		"twice in one file"},
	{"", "x\n", "y\n", ERR_SYNTAX,
		"conf.d/10-a.conf:1: neither a [section] nor \"key = value\"\n"
		"conf.d/20-b.conf:1: neither a [section] nor \"key = value\"\n",
		93, "errors of all files"},
	{"[storage]\ndir = /x\n", "[storage]\ndir = y\n", NULL, ERR_SYNTAX,
		"conf.d/10-a.conf:2: \"dir\" must be an absolute path; begin it with '/'\n", 93,
		"a contradiction is told where its value came from"},
};

static void put_or_remove(const char *name, const char *text)
{
	if (text)
		put_file(name, text);
	else
		unlink(in_dir(name));
}

static void check_files(const struct files_row *r)
{
	struct cfg c, preset;
	char *said;

	put_file("main.conf", r->main);
	put_or_remove("conf.d/10-a.conf", r->a);
	put_or_remove("conf.d/20-b.conf", r->b);
	CHECK(load(&c, &said) == r->err, r->what);
	CHECK_BYTES(span_str(said), span_str(r->said), r->what);
	CHECK(c.grace_s == r->grace, r->what);
	cfg_defaults(&preset);
	CHECK(!r->err || same(&c, &preset), "the defaults after an error");
	free(said);
}

static void check_odd_files(void)
{
	struct cfg c, preset;
	char *said;

	unlink(in_dir("main.conf"));
	cfg_defaults(&preset);
	CHECK(load(&c, &said) == ERR_NOTFOUND && same(&c, &preset), "no main file");
	CHECK(said[0] == '\0', said);
	free(said);
	mkdir(in_dir("main.conf"), 0700);
	CHECK(load(&c, &said) == ERR_IO, "a directory");
	CHECK(strcmp(said, "main.conf: cannot be read: Is a directory\n") == 0, said);
	free(said);
	rmdir(in_dir("main.conf"));
	put_file("main.conf", "");
	put_file("conf.d/.hidden.conf", "x\n");
	put_file("conf.d/90-old.conf~", "x\n");
	put_file("conf.d/.conf", "x\n");
	CHECK(load(&c, &said) == ERR_OK, "files that are not meant");
	free(said);
	unlink(in_dir("conf.d/.hidden.conf"));
	unlink(in_dir("conf.d/90-old.conf~"));
	unlink(in_dir("conf.d/.conf"));
}

static void check_large_file(void)
{
	struct cfg c;
	char *said;
	FILE *f = fopen(in_dir("main.conf"), "w");

	REQUIRE(f, "file");
	for (int i = 0; i < (1 << 20) / 4 + 1; i++)
		fputs("#23\n", f);
	fclose(f);
	CHECK(load(&c, &said) == ERR_SYNTAX, "more than a mebibyte");
	CHECK(strcmp(said, "main.conf: is larger than 1048576 bytes\n") == 0, said);
	free(said);
}

static const struct reload_row {
	const char *before, *after, *refused;
	uint32_t level;
	const char *what;
} reload_rows[] = {
	{"", "", "", LOG_LEVEL_INFO, "nothing"},
	{"", "[log]\nlevel = debug\n", "", LOG_LEVEL_DEBUG, "a reloadable option"},
	{"", "[storage]\ndir = /x\n[log]\nlevel = error\n", "storage.dir", LOG_LEVEL_ERROR,
		"one of each"},
	{"", "[oscore]\nwindow = 64\n[admin]\nsocket = /s\n", "oscore.window admin.socket",
		LOG_LEVEL_INFO, "two that need a restart"},
	{"[listen a]\n[listen b]\nrole = bootstrap\n",
		"[listen a]\nport = 1\nnosec = yes\n[listen b]\nrole = bootstrap\n",
		"listen.a.port listen.a.nosec", LOG_LEVEL_INFO, "a listener changes"},
	{"[listen a]\n[listen b]\nrole = bootstrap\n", "[listen b]\nrole = bootstrap\n[listen a]\n",
		"", LOG_LEVEL_INFO, "the order of listeners is nothing"},
	{"", "[listen a]\n[listen bootstrap]\nrole = bootstrap\n", "listen.a listen.server",
		LOG_LEVEL_INFO, "a listener came, one went"},
};

static void check_reload(const struct reload_row *r)
{
	struct cfg to, from, before;
	char *said, refused[256];

	put_file("main.conf", r->before);
	CHECK(load(&to, &said) == ERR_OK, said);
	free(said);
	put_file("main.conf", r->after);
	CHECK(load(&from, &said) == ERR_OK, said);
	free(said);
	before = to;
	cfg_reload(&to, &from, refused, sizeof(refused));
	CHECK_BYTES(span_str(refused), span_str(r->refused), r->what);
	CHECK(to.log_level == r->level, r->what);
	before.log_level = r->level;
	CHECK(same(&to, &before), "nothing else changes");
}

/* Certificates are read anew while a listener is open; where they are said is found again. */
static void check_identity(void)
{
	static const char *const listeners = "[listen a]\ntransport = dtls\n"
					     "[listen b]\nrole = bootstrap\n";
	struct cfg to, from;
	char *said, refused[256], file[CFG_TEXT_MAX];
	uint32_t line;

	put_file("main.conf", listeners);
	CHECK(load(&to, &said) == ERR_OK, said);
	free(said);
	put_file("main.conf", "[listen b]\nrole = bootstrap\n[listen a]\ntransport = dtls\n"
			      "certificate_file = /c\nkey_file = /k\ncertificates = any\n");
	CHECK(load(&from, &said) == ERR_OK, said);
	free(said);
	cfg_reload(&to, &from, refused, sizeof(refused));
	CHECK(!refused[0] && strcmp(to.listen[0].certificate_file, "/c") == 0 &&
			strcmp(to.listen[0].key_file, "/k") == 0 &&
			to.listen[0].certificates == CFG_CERTIFICATES_ANY,
		"a listener gets a certificate");
	CHECK(cfg_where(in_dir("main.conf"), "a", "key_file", file, &line) && line == 6 &&
			strcmp(file, in_dir("main.conf")) == 0,
		"it is known where that stands");
	CHECK(!cfg_where(in_dir("main.conf"), "b", "key_file", file, &line) && line == 0 &&
			strcmp(file, in_dir("main.conf")) == 0,
		"and where nothing does");
	CHECK(!cfg_where(in_dir("main.conf"), "c", "key_file", file, &line), "no such listener");
}

/* The list is cut between words, and never written past its end. */
static void check_reload_space(void)
{
	struct cfg to, from;
	char refused[48];

	cfg_defaults(&to);
	cfg_defaults(&from);
	from.grace_s++;
	from.awake_s++;
	from.window++;
	for (size_t cap = 0; cap <= sizeof(refused); cap++) {
		memset(refused, '#', sizeof(refused));
		cfg_reload(&to, &from, refused, cap);
		for (size_t i = cap; i < sizeof(refused); i++)
			if (refused[i] != '#')
				CHECK(false, "written past the end");
		CHECK(cap == 0 || memchr(refused, '\0', cap), "closed by a NUL");
	}
	CHECK(strcmp(refused, "server.grace server.awake oscore.window") == 0, refused);
	cfg_reload(&to, &from, refused, 32);
	CHECK(strcmp(refused, "server.grace server.awake ...") == 0, refused);
}

int main(void)
{
	REQUIRE(mkdtemp(dir), "temporary directory");
	mkdir(in_dir("conf.d"), 0700);
	check_schema();
	check_defaults();
	for (size_t i = 0; i < sizeof(round_rows) / sizeof(round_rows[0]); i++)
		check_round_trip(round_rows[i]);
	check_example();
	for (size_t i = 0; i < sizeof(files_rows) / sizeof(files_rows[0]); i++)
		check_files(&files_rows[i]);
	unlink(in_dir("conf.d/10-a.conf"));
	unlink(in_dir("conf.d/20-b.conf"));
	check_odd_files();
	for (size_t i = 0; i < sizeof(reload_rows) / sizeof(reload_rows[0]); i++)
		check_reload(&reload_rows[i]);
	check_identity();
	check_reload_space();
	check_large_file();
	unlink(in_dir("main.conf"));
	rmdir(in_dir("conf.d"));
	CHECK(rmdir(dir) == 0, "nothing is left behind");
	return test_done();
}
