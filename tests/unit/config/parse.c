/* SPDX-License-Identifier: Apache-2.0 */
/* One row a text: what it sets, or the line it is refused with. */
#include "config/parse.h"

#include "tests/unit/config/tell.h"
#include "tests/unit/test.h"

#define X10       "xxxxxxxxxx"
#define X100      X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define BOOTSTRAP "[listen b]\nrole = bootstrap\n"

/* Parses into *c; what was said, without its last newline, is static. */
static enum err parse(const char *name, struct span text, struct cfg *c, const char **said)
{
	static char buf[16384];
	struct cfg_parse *p = malloc(sizeof(*p));
	FILE *f;
	enum err err;
	size_t n;

	memset(buf, 0, sizeof(buf));
	f = fmemopen(buf, sizeof(buf) - 1, "w");
	REQUIRE(p && f, "memory");
	cfg_parse_init(p, c, name, tell_file, f);
	cfg_parse_text(p, name, text);
	err = cfg_parse_end(p);
	fclose(f);
	free(p);
	n = strlen(buf);
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	*said = buf;
	return err;
}

static const struct value_row {
	const char *text;
	const char *section, *key, *want; /* of the first listener, if it is one's */
	const char *what;
} value_rows[] = {
	{"", "server", "grace", "93", "an empty file"},
	{"[server]\ngrace = 5\n", "server", "grace", "5", "a number"},
	{"[server]\ngrace = 5", "server", "grace", "5", "no newline at the end"},
	{"[server]\r\ngrace = 5\r\n", "server", "grace", "5", "lines of DOS"},
	{"\xef\xbb\xbf[server]\ngrace = 5\n", "server", "grace", "5", "a byte order mark"},
	{"  [server]  \n\t grace\t=\t5 \n", "server", "grace", "5", "space everywhere"},
	{"[ server ]\ngrace=5\n", "server", "grace", "5", "space in the brackets, none at '='"},
	{"[server]\ngrace: 5\n", "server", "grace", "5", "a colon"},
	{"# c\n; c\n[server] ; c\ngrace = 5 ; c\n", "server", "grace", "5", "comments"},
	{"[server]\nnosec_endpoints = a;b #c\n", "server", "nosec_endpoints", "a;b #c",
		"no comment without the space, none from '#'"},
	{"[server]\nnosec_endpoints = urn:dev:* test-?\n", "server", "nosec_endpoints",
		"urn:dev:* test-?", "spaces and colons inside a value"},
	{"[server]\nnosec_endpoints = \"a\"\n", "server", "nosec_endpoints", "\"a\"",
		"quotes are characters"},
	{"[server]\nnosec_endpoints =\n", "server", "nosec_endpoints", "", "an empty text"},
	{"[server]\ngrace = 5\n  awake = 7\n", "server", "grace", "5", "no continuation lines"},
	{"[server]\ngrace = 5\n  awake = 7\n", "server", "awake", "7", "an indented key is a key"},
	{"[server]\ngrace = 0\n", "server", "grace", "0", "least"},
	{"[server]\ngrace = 604800\n", "server", "grace", "604800", "most"},
	{"[server]\ngrace = 000093\n", "server", "grace", "93", "leading zeros are decimal"},
	{"[server]\nenabled = OFF\n", "server", "enabled", "no", "a boolean, any case"},
	{"[bootstrap]\nenabled = 0\n", "bootstrap", "enabled", "no", "a boolean as digit"},
	{"[bootstrap]\nuri = coap://lwm2m.example:5683\n", "bootstrap", "uri",
		"coap://lwm2m.example:5683", "a URI"},
	{"[bootstrap]\nbinding = UTQ\n", "bootstrap", "binding", "UTQ", "a binding"},
	{"[oscore]\nwindow = 64\n", "oscore", "window", "64", "window"},
	{"[oscore]\nfreshness = Echo\n", "oscore", "freshness", "echo", "a choice, any case"},
	{"[oscore]\nfreshness = b2\n", "oscore", "freshness", "b2", "the last choice"},
	{"[oscore]\nfreshness = none\n", "oscore", "freshness", "none", "a choice"},
	{"[admin]\nsocket_mode = 600\n", "admin", "socket_mode", "0600", "octal"},
	{"[admin]\nsocket_mode = 0777\n", "admin", "socket_mode", "0777", "octal, most"},
	{"[admin]\nsocket_group =\n", "admin", "socket_group", "", "no group"},
	{"[log]\nlevel = debug\nformat = json\n", "log", "format", "json", "log format"},
	{"", "listen", "port", "5683", "the first listener, if none is given"},
	{"", "listen", "address", "*", "and its address"},
	{"[server]\nenabled = no\n", "listen", "port", "5783", "bootstrap alone listens"},
	{"[server]\nenabled = no\n" BOOTSTRAP, "listen", "port", "5783", "bootstrap's own port"},
	{"[server]\nenabled = no\n" BOOTSTRAP "port = 5683\n", "listen", "port", "5683",
		"bootstrap on the other port"},
	{"[listen a]\nport = 0\naddress = 127.0.0.1\n" BOOTSTRAP "port = 0\naddress = 127.0.0.1\n",
		"listen", "port", "0", "port 0 twice is no collision"},
	{"[listen a]\naddress = fe80::1%eth0\nnosec = yes\n" BOOTSTRAP, "listen", "address",
		"fe80::1%eth0", "a scoped address"},
	{"[listen a]\n" BOOTSTRAP, "listen", "role", "server", "a section without keys counts"},
	{"[listen a]\naddress = ::\nport = 1\n" BOOTSTRAP "address = 0.0.0.0\nport = 1\n", "listen",
		"address", "::", "IPv6 any beside IPv4 any"},
	{"[listen a]\naddress = ::1\nport = 1\n" BOOTSTRAP "address = ::2\nport = 1\n", "listen",
		"port", "1", "two addresses, one port"},
	{"[listen a]\naddress = fe80::1%a\nport = 1\n" BOOTSTRAP "address = fe80::1%b\nport = 1\n",
		"listen", "port", "1", "one address on two links"},
	{"#" X100 X100 X100 "\n[server]\ngrace = 5\n", "server", "grace", "5", "a long comment"},
	{"[server]\nnosec_endpoints = " X100 X10 X10 X10 X10 X10 X10 X10 "xxxxxx\n", "server",
		"nosec_endpoints", X100 X10 X10 X10 X10 X10 X10 X10 "xxxxxx", "the longest text"},
};

static const struct cfg_option *option(const char *section, const char *key)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, section) == 0 && strcmp(o[i].key, key) == 0)
			return &o[i];
	REQUIRE(false, key);
	return NULL;
}

static void check_value(const struct value_row *r)
{
	const struct cfg_option *o = option(r->section, r->key);
	char got[CFG_TEXT_MAX];
	struct cfg c;
	const char *said;

	CHECK(parse("t.conf", span_str(r->text), &c, &said) == ERR_OK, r->what);
	CHECK(said[0] == '\0', said);
	cfg_value_text(o, cfg_home(o, &c, 0), got);
	CHECK_BYTES(span_str(got), span_str(r->want), r->what);
}

static const struct error_row {
	const char *text;
	const char *want; /* all that is said, or its beginning if it ends in "..." */
} error_rows[] = {
	/* Sections. */
	{"[servr]\n", "t.conf:1: unknown section [servr]; did you mean [server]?"},
	{"[Listen main]\n", "t.conf:1: unknown section [Listen main]; did you mean [listen NAME]?"},
	{"\n\n[zzz]\nx = 1\n", "t.conf:3: unknown section [zzz]; there are server, bootstrap, "
			       "listen, gateway, storage, oscore, coap, tcp, dtls, admin, log"},
	{"[]\n", "t.conf:1: unknown section []; there are ..."},
	{"[server\n", "t.conf:1: a section needs its ']'"},
	{"[server] x\n", "t.conf:1: nothing but a comment ..."},
	{"[server];x\n", "t.conf:1: nothing but a comment ..."},
	{"[server]\n[log]\n[server]\n", "t.conf:3: a second [server], the first is in line 1; join "
					"them"},
	{"[listen]\n", "t.conf:1: [listen NAME] needs a name ..."},
	{"[listen a b]\n", "t.conf:1: [listen NAME] needs a name ..."},
	{"[listen xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]\n", "t.conf:1: [listen NAME] needs a name ..."},
	{"[listen a]\n[listen  a]\n", "t.conf:2: a second [listen a], the first is in line 1; join "
				      "them or choose another name"},
	{"[gateway]\n", "t.conf:1: [gateway NAME] needs a name ..."},
	{"[Gateway main]\n",
		"t.conf:1: unknown section [Gateway main]; did you mean [gateway NAME]?"},
	{"[gateway a]\n[gateway a]\n",
		"t.conf:2: a second [gateway a], the first is in line 1; join them or choose "
		"another name"},
	{"[gateway a]\ntype = pigeon\n", "t.conf:2: \"type\" is \"pigeon\", but must be socket"},
	{"[gateway a]\nmtu = 10\n", "t.conf:2: \"mtu\" is 10, but no message is so short; 11 ..."},
	{"[gateway a]\nmtu = 1281\n", "t.conf:2: \"mtu\" is \"1281\", but must be 0 to 1280 bytes"},
	{"[gateway a]\nack_timeout = 99\n",
		"t.conf:2: \"ack_timeout\" is 99, but must be 100 at least, or 0"},
	{"[gateway a]\nsocket = x\n", "t.conf:2: \"socket\" must be an absolute path; ..."},
	{"[gateway a]\n[gateway b]\n",
		"t.conf: [gateway a] and [gateway b] have the same \"socket\""},
	{"[gateway g122]\n[gateway g215]\nsocket = /x\n",
		"t.conf:2: the name of [gateway g215] has the same number as that of [gateway "
		"g122]; "
		"choose another"},
	{"[gateway a]\nrole = bootstrap\nnosec = yes\n",
		"t.conf:3: \"nosec\" is for \"role = server\": ..."},
	{"[bootstrap]\nenabled = no\n[gateway a]\nrole = bootstrap\n",
		"t.conf:3: [gateway a] has \"role = bootstrap\", but [bootstrap] is not enabled; "
		"..."},
	/* Keys. */
	{"[server]\ngrce = 5\n", "t.conf:2: unknown key \"grce\" in [server]; did you mean "
				 "\"grace\"?"},
	{"[server]\ngrace_s = 5\n", "t.conf:2: unknown key \"grace_s\" in [server]; did you mean "
				    "\"grace\"?"},
	{"[bootstrap]\ntimeout = 5\n", "t.conf:2: unknown key \"timeout\" in [bootstrap]; did you "
				       "mean \"session_timeout\"?"},
	{"[server]\nwindow = 5\n", "t.conf:2: unknown key \"window\" in [server]; it belongs to "
				   "[oscore]"},
	{"[log]\nq = 5\n", "t.conf:2: unknown key \"q\" in [log]; there are level, format"},
	{"[log]\n= 5\n", "t.conf:2: unknown key \"\" in [log]; ..."},
	{"[log]\n\xc2\x9b"
	 "2J = 5\n",
		"t.conf:2: unknown key \"\\xc2\\x9b2J\" in [log]; ..."},
	{"grace = 5\n", "t.conf:1: \"grace\" stands before the first [section]"},
	{"[server]\ngrace\n", "t.conf:2: neither a [section] nor \"key = value\""},
	{"[server]\ngrace ; = 5\n", "t.conf:2: neither a [section] nor \"key = value\""},
	{"[server]\ngrace", "t.conf:2: neither a [section] nor \"key = value\""},
	{"[server]\ngrace = 1\n\ngrace = 1\n", "t.conf:4: \"grace\" is set already in line 2; "
					       "remove one"},
	/* Values. */
	{"[server]\ngrace =\n", "t.conf:2: \"grace\" is \"\", but must be 0 to 604800 s"},
	{"[server]\ngrace = 5s\n", "t.conf:2: \"grace\" is \"5s\", but must be 0 to 604800 s"},
	{"[server]\ngrace = -1\n", "t.conf:2: \"grace\" is \"-1\", but must be 0 to 604800 s"},
	{"[server]\ngrace = 604801\n", "t.conf:2: \"grace\" is \"604801\", but must be 0 to 604800 "
				       "s"},
	{"[server]\ngrace = 18446744073709551617\n", "t.conf:2: \"grace\" is ..."},
	{"[oscore]\nwindow = 31\n", "t.conf:2: \"window\" is \"31\", but must be 32 to 64"},
	{"[oscore]\nwindow = 65\n", "t.conf:2: \"window\" is \"65\", but must be 32 to 64"},
	{"[oscore]\nfreshness = ecco\n", "t.conf:2: \"freshness\" is \"ecco\", but must be auto, "
					 "echo, none or b2; did you mean echo?"},
	{"[oscore]\nfreshness = always\n", "t.conf:2: \"freshness\" is \"always\", but must be "
					   "auto, echo, none or b2"},
	{"[server]\nenabled = maybe\n", "t.conf:2: \"enabled\" is \"maybe\", but must be yes or "
					"no"},
	{"[admin]\nsocket_mode = 0888\n", "t.conf:2: \"socket_mode\" is \"0888\", but must be "
					  "octal, 0000 to 0777"},
	{"[admin]\nsocket_mode = 1000\n", "t.conf:2: \"socket_mode\" is \"1000\", but must be "
					  "octal, 0000 to 0777"},
	{"[admin]\nsocket_mode =\n", "t.conf:2: \"socket_mode\" is \"\", but must be octal, ..."},
	{"[storage]\ndir =\n", "t.conf:2: \"dir\" is \"\", but must be 1 to 176 bytes long"},
	{"[storage]\ndir =;x\n", "t.conf:2: \"dir\" is \";x\", but must be 1 to 176 bytes long and "
				 "not begin with ';'"},
	{"[bootstrap]\nbinding = UTSNQUTS\n",
		"t.conf:2: \"binding\" is \"UTSNQUTS\", but must be 1 "
		"to 7 bytes long"},
	{"[listen a]\nrole =\n", "t.conf:2: \"role\" is \"\", but must be server or bootstrap"},
	{"[listen a]\nport = 65536\n", "t.conf:2: \"port\" is \"65536\", but must be 0 to 65535"},
	{"[listen a]\naddress = localhost\n", "t.conf:2: \"address\" is \"localhost\", but must be "
					      "a numeric address such as ..."},
	{"[listen a]\naddress =\n", "t.conf:2: \"address\" is \"\", but must be a numeric ..."},
	{"[listen a]\naddress = fe80::1\n", "t.conf:2: \"address\" is \"fe80::1\", but ..."},
	{"[listen a]\naddress = fe80::1%\n", "t.conf:2: \"address\" is \"fe80::1%\", but ..."},
	{"[listen a]\naddress = ::1%eth0\n", "t.conf:2: \"address\" is \"::1%eth0\", but ..."},
	{"[listen a]\naddress = 127.0.0.1:1\n", "t.conf:2: \"address\" is \"127.0.0.1:1\", ..."},
	/* Lines. */
	{"[server]\nnosec_endpoints = " X100 X100 "\n", "t.conf:2: the line has 218 bytes; at most "
							"197 are possible"},
	{"[server]\nnosec_endpoints = " X100 X10 X10 X10 X10 X10 X10 X10 "xxxxxxx\n",
		"t.conf:2: \"nosec_endpoints\" is ..."},
	{"[server]\ngrace = 5 ; " X100 X100 "\n", "t.conf:2: the line has 212 bytes; ..."},
	{"[server]\ngrace = \x01\n", "t.conf:2: the line holds a control character or is not "
				     "UTF-8"},
	{"[server]\nnosec_endpoints = \xff\n", "t.conf:2: the line holds a control character ..."},
	/* Contradictions. */
	{"[server]\nenabled = no\n[bootstrap]\nenabled = no\n",
		"t.conf:2: neither [server] nor [bootstrap] is enabled; there is nothing to do"},
	{"[listen a]\n", "t.conf: [bootstrap] is enabled, but no [listen NAME] has \"role = "
			 "bootstrap\"; add one, or set \"enabled = no\" in [bootstrap]"},
	{"[server]\n\nenabled = yes\n" BOOTSTRAP, "t.conf:3: [server] is enabled, but no ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\n" BOOTSTRAP,
		"t.conf:4: [listen b] has \"role = bootstrap\", but [bootstrap] is not enabled; "
		"..."},
	{BOOTSTRAP "port = 5683\n[listen a]\n", "t.conf:4: [listen a] (* port 5683) and [listen b] "
						"(* port 5683) collide; give one another \"port\""},
	{"[listen a]\naddress = 127.0.0.1\n" BOOTSTRAP "port = 5683\n",
		"t.conf:3: [listen b] (* port 5683) and [listen a] (127.0.0.1 port 5683) ..."},
	{"[listen a]\naddress = 0.0.0.0\n" BOOTSTRAP "port = 5683\naddress = 127.0.0.1\n",
		"t.conf:3: [listen b] (127.0.0.1 port 5683) and [listen a] ..."},
	{"[listen a]\naddress = ::1\n" BOOTSTRAP "port = 5683\naddress = 0:0::0:1\n",
		"t.conf:3: [listen b] (0:0::0:1 port 5683) and [listen a] (::1 port 5683) ..."},
	{"[listen a]\n" BOOTSTRAP "nosec = yes\n",
		"t.conf:4: \"nosec\" is for \"role = server\": ..."},
	{"[bootstrap]\nuri = lwm2m.example\n",
		"t.conf:2: \"uri\" is \"lwm2m.example\", but must be coap://HOST or ..."},
	{"[bootstrap]\nuri = coap://\n",
		"t.conf:2: \"uri\" is \"coap://\", but must be coap://HOST or ..."},
	{"[bootstrap]\nuri = coap://a b\n",
		"t.conf:2: \"uri\" is \"coap://a b\", but must be coap://HOST or ..."},
	{"[bootstrap]\nuri = coap+tcp://\n",
		"t.conf:2: \"uri\" is \"coap+tcp://\", but must be coap://HOST or ..."},
	{"[bootstrap]\nuri = coap+tcp://a\n",
		"t.conf: \"uri\" is for TCP, but \"binding\" is \"U\"; give it T"},
	{"[bootstrap]\nbinding = T\nuri = coap://a\n",
		"t.conf:2: \"uri\" is for UDP, but \"binding\" is \"T\"; give it U"},
	{"[listen a]\ntransport = ssl\n", "t.conf:2: ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\nrequire = dtls\n",
		"t.conf:4: \"require\" wants DTLS, but \"transport\" is \"udp\"..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tcp\nrequire = oscore+dtls\n",
		"t.conf:5: \"require\" wants DTLS, ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = dtls\nnosec = yes\n",
		"t.conf:5: \"nosec\" contradicts ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\nraw_public_keys = yes\n",
		"t.conf:4: \"raw_public_keys\" is for \"transport = dtls\" or tls, and this is "
		"\"udp\""},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = dtls\ncertificate_file = /c\n",
		"t.conf:5: \"certificate_file\" needs \"key_file\" ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\nkey_file = /k\n",
		"t.conf:5: \"key_file\" needs \"certificate_file\", or ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\nraw_public_keys = yes\n",
		"t.conf:5: \"raw_public_keys\" needs \"key_file\" ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\nraw_public_keys = yes\n"
	 "key_file = /k\nca_file = /a\n",
		"t.conf:7: \"ca_file\" needs \"certificate_file\" ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\ncertificate_file = /c\n"
	 "key_file = /k\ncrl_file = /a\n",
		"t.conf:7: \"crl_file\" needs \"ca_file\" ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\ncertificate_file = /c\n"
	 "key_file = credential:a/b\n",
		"t.conf:6: \"key_file\" must be an absolute path, or credential:NAME for "
		"what systemd hands over (LoadCredential=)"},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\ncertificate_file = c\n"
	 "key_file = credential:a\n",
		"t.conf:5: \"certificate_file\" must be an absolute path, or ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\ntransport = tls\ncertificates = all\n",
		"t.conf:5: \"certificates\" is \"all\", but must be known, mapped or any"},
	{"[bootstrap]\nenabled = no\n[listen a]\nrequire = oscore\nnosec = yes\n",
		"t.conf:5: \"nosec\" contradicts ..."},
	{"[bootstrap]\nenabled = no\n[listen a]\nport = 7\n[listen b]\ntransport = dtls\nport = "
	 "7\n",
		"t.conf:5: [listen b] ..."},
	{"[dtls]\nsessions = 0\n", "t.conf:2: \"sessions\" is ..."},
	{"[bootstrap]\nuri = http://a\n",
		"t.conf:2: \"uri\" is \"http://a\", but must be coap://HOST or ..."},
	{"[bootstrap]\nuri = coaps://a:5684\n", "t.conf:2: \"uri\" is \"coaps://a:5684\", but ..."},
	{"[bootstrap]\nuri = coap://a/rd\n", "t.conf:2: \"uri\" is \"coap://a/rd\", but ..."},
	{"[bootstrap]\nbinding = UU\n", "t.conf:2: \"binding\" must be ..."},
	{"[bootstrap]\nbinding = Q\n", "t.conf:2: \"binding\" must be ..."},
	{"[bootstrap]\nbinding = UX\n", "t.conf:2: \"binding\" must be ..."},
	{"[storage]\ndir = state\n", "t.conf:2: \"dir\" must be an absolute path; begin it with "
				     "'/'"},
	{"[admin]\nsocket = admin.sock\n", "t.conf:2: \"socket\" must be an absolute path; ..."},
};

/* Whether `said` is `want`, whose "..." stands for the rest. */
static bool matches(const char *said, const char *want)
{
	size_t n = strlen(want);

	if (n >= 3 && strcmp(&want[n - 3], "...") == 0)
		return strncmp(said, want, n - 3) == 0 && !strchr(said, '\n');
	return strcmp(said, want) == 0;
}

static void check_error(const struct error_row *r)
{
	struct cfg c;
	const char *said;
	enum err err = parse("t.conf", span_str(r->text), &c, &said);
	bool ok = err == ERR_SYNTAX && matches(said, r->want);

	CHECK(ok, r->want);
	if (!ok)
		printf("  said %s\n", said);
}

/* Every line that is wrong is told, up to 20. */
static void check_many(void)
{
	struct cfg c;
	const char *said;
	size_t lines = 1;
	char text[4096] = "[server]\n";

	parse("t.conf", SPAN_LIT("[server]\nx\ngrace = z\n[q]\ny = 1\nz\n[log]\nq = 1\n"), &c,
		&said)
		? (void)0
		: CHECK(false, "several errors");
	CHECK(matches(said, "t.conf:2: neither a [section] nor \"key = value\"\n"
			    "t.conf:3: \"grace\" is \"z\", but must be 0 to 604800 s\n"
			    "t.conf:4: unknown section [q]; there are server, bootstrap, listen, "
			    "gateway, "
			    "storage, oscore, coap, tcp, dtls, admin, log\n"
			    "t.conf:6: neither a [section] nor \"key = value\"\n"
			    "t.conf:8: unknown key \"q\" in [log]; there are level, format"),
		said);
	for (int i = 0; i < 100; i++)
		strcat(text, "x = 1\n");
	CHECK(parse("t.conf", span_str(text), &c, &said) == ERR_SYNTAX, "a hundred errors");
	for (const char *s = said; (s = strchr(s, '\n')); s++)
		lines++;
	CHECK(lines == CFG_ERRORS_MAX, "twenty are told");
}

static void check_nul(void)
{
	struct cfg c;
	const char *said;

	CHECK(parse("t.conf", SPAN_LIT("[server]\ngrace = 5\0 6\n"), &c, &said) == ERR_SYNTAX,
		"a NUL");
	CHECK(matches(said, "t.conf:2: the line holds a control character ..."), said);
}

static void check_listeners(void)
{
	char text[2048] = "";
	struct cfg c;
	const char *said;

	strcat(text, BOOTSTRAP);
	for (int i = 1; i < CFG_LISTEN_MAX; i++)
		sprintf(&text[strlen(text)], "[listen n%d]\nport = %d\n", i, i);
	CHECK(parse("t.conf", span_str(text), &c, &said) == ERR_OK, "sixteen listeners");
	CHECK(c.listen_n == CFG_LISTEN_MAX && c.listen[15].port == 15, "all are there");
	strcat(text, "[listen more]\n");
	CHECK(parse("t.conf", span_str(text), &c, &said) == ERR_SYNTAX, "one too many");
	CHECK(matches(said, "t.conf:33: there are more than 16 [listen NAME] sections"), said);
}

static void check_gateways(void)
{
	char text[4096] = "";
	struct cfg c;
	const char *said;

	for (int i = 0; i < CFG_GATEWAY_MAX; i++)
		sprintf(&text[strlen(text)], "[gateway n%d]\nsocket = /%d\nmtu = %d\n", i, i,
			100 + i);
	CHECK(parse("t.conf", span_str(text), &c, &said) == ERR_OK, "sixteen gateways");
	CHECK(c.gateway_n == CFG_GATEWAY_MAX && c.gateway[15].mtu_bytes == 115, "all are there");
	CHECK(strcmp(c.gateway[15].name, "n15") == 0 && strcmp(c.gateway[15].socket, "/15") == 0,
		"with what is theirs");
	CHECK(c.listen_n == 2, "listeners are as ever");
	strcat(text, "[gateway more]\n");
	CHECK(parse("t.conf", span_str(text), &c, &said) == ERR_SYNTAX, "one too many");
	CHECK(matches(said, "t.conf:49: there are more than 16 [gateway NAME] sections"), said);
}

/* No prefix of a text, and no text with one byte changed, does more than be refused. */
static void check_damage(void)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	struct cfg c;
	const char *said;
	enum err worst = ERR_OK;

	REQUIRE(f, "memory");
	cfg_defaults(&c);
	cfg_print(&c, f);
	fclose(f);
	for (size_t i = 0; i <= n; i++) {
		enum err err = parse("t.conf", span_make(text, i), &c, &said);
		CHECK(err == ERR_OK || (err == ERR_SYNTAX && said[0]), "a prefix");
	}
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ 1 << bit);
			enum err err = parse("t.conf", span_make(text, n), &c, &said);
			worst = err != ERR_OK && err != ERR_SYNTAX ? err : worst;
			text[i] = (char)(text[i] ^ 1 << bit);
		}
	}
	CHECK(worst == ERR_OK, "a flipped bit");
	free(text);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(value_rows) / sizeof(value_rows[0]); i++)
		check_value(&value_rows[i]);
	for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++)
		check_error(&error_rows[i]);
	check_many();
	check_nul();
	check_listeners();
	check_gateways();
	check_damage();
	return test_done();
}
