/* SPDX-License-Identifier: Apache-2.0 */
/* The program lanyardctl, as it was built beside this test, against a real REST interface. */
#include "tests/unit/admin/fake.h"

#include <fcntl.h>
#include <sys/wait.h>

struct ran {
	int status;
	char out[65536], err[8192];
};
static struct ran ran;
static char program[512];

static void find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, 400);
	char *slash;

	REQUIRE(n > 0, "where this test lies");
	program[n] = '\0';
	for (int up = 0; up < 3 && (slash = strrchr(program, '/')); up++)
		*slash = '\0';
	strcat(program, "/bin/lanyardctl");
	REQUIRE(access(program, X_OK) == 0, "lanyardctl is built (make build/bin/lanyardctl)");
}

static void drain(int fd, char *buf, size_t cap)
{
	size_t n = strlen(buf);
	ssize_t got;

	while (n + 1 < cap && (got = read(fd, buf + n, cap - n - 1)) > 0)
		n += (size_t)got;
	buf[n] = '\0';
}

static void child(char *const argv[], const char *input, const int out[2], const int err[2])
{
	int in[2];

	if (pipe(in) || write(in[1], input, strlen(input)) < 0)
		_exit(99);
	close(in[1]);
	dup2(in[0], 0);
	dup2(out[1], 1);
	dup2(err[1], 2);
	setenv("LANYARD_SOCKET", fake.socket, 1);
	execv(program, argv);
	_exit(99);
}

/* Runs it with the words of `line` (quotes keep spaces), serving it meanwhile. `on_idle` may be
 * NULL. */
static void run(const char *line, const char *input, void (*on_idle)(void))
{
	static char words[4096];
	char *argv[32] = {program};
	int argc = 1, out[2], err[2], status = 0;
	pid_t pid;

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok(words, "|"); w && argc < 31; w = strtok(NULL, "|"))
		argv[argc++] = w;
	REQUIRE(pipe2(out, O_NONBLOCK) == 0 && pipe2(err, O_NONBLOCK) == 0, "pipes");
	memset(&ran, 0, sizeof(ran));
	pid = fork();
	if (pid == 0)
		child(argv, input, out, err);
	close(out[1]);
	close(err[1]);
	for (int i = 0; i < 10000 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		pump();
		drain(out[0], ran.out, sizeof(ran.out));
		if (on_idle)
			on_idle();
		usleep(1000);
	}
	drain(out[0], ran.out, sizeof(ran.out));
	drain(err[0], ran.err, sizeof(ran.err));
	close(out[0]);
	close(err[0]);
	ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const struct row {
	const char *what, *line, *input;
	int status;
	const char *out, *err;          /* parts, or NULL */
	const char *call, *name, *text; /* what the operation saw, or NULL */
} rows[] = {
	{"nothing", "", "", 2, "usage:", NULL, "", NULL, NULL},
	{"help", "help", "", 0, "provision EP", NULL, "", NULL, NULL},
	{"help of a command", "help|write", "", 0, "an object link", NULL, "", NULL, NULL},
	{"--help of a command", "observe|--help", "", 0, "--count", NULL, "", NULL, NULL},
	{"help of nothing", "help|x", "", 2, NULL, "no command x", "", NULL, NULL},
	{"unknown command", "frobnicate", "", 2, NULL, "no command frobnicate", "", NULL, NULL},
	{"unknown option", "status|--frob", "", 2, NULL, "unknown option --frob", "", NULL, NULL},
	{"an option of another command", "status|--count|3", "", 2, NULL, "takes no --count", "",
		NULL, NULL},
	{"an option without its operand", "read|d|/3|--wait", "", 2, NULL, "--wait needs SECONDS",
		"", NULL, NULL},
	{"too few operands", "read|d", "", 2, NULL, "read needs EP PATH", "", NULL, NULL},
	{"too many operands", "status|x", "", 2, NULL, "too many", "", NULL, NULL},
	{"another socket", "status|-S|/nonexistent/s", "", 3, NULL,
		"cannot reach the daemon at /nonexistent/s", "", NULL, NULL},
	{"status", "status", "", 0, "uptime              7 s\nstorage             good\n", NULL,
		NULL, NULL, NULL},
	{"status, listeners", "status", "", 0,
		"LISTENER  ROLE    TRANSPORT  ADDRESS  PORT  NOSEC\n"
		"main      server  udp        *        5683  no\n",
		NULL, NULL, NULL, NULL},
	{"status, gateways", "status", "", 0,
		"GATEWAY  TYPE    STATE  SINCE      SENT  RECEIVED  REASON\n"
		"lora     socket  down   1 min 0 s  3     4         no bridge is connected\n",
		NULL, NULL, NULL, NULL},
	{"status --json", "--json|status", "", 0, "{\"version\":\"0.1.0\",", NULL, NULL, NULL,
		NULL},
	{"list", "list|--match=a*", "", 0, "dev \\x221\\x22  yes         oscore", NULL, "list", "",
		"a*"},
	{"endpoints", "endpoints|-j", "", 0, "{\"endpoints\":[", NULL, "list", "", NULL},
	{"show", "show|a/b %", "", 0, "objects        /1/4 /1/6 /3/0 /5\n", NULL, "contexts",
		"a/b %", NULL},
	{"credentials", "credentials|d", "", 0, "server  used   01         0203", NULL, "contexts",
		"d", NULL},
	{"credentials, delete", "credentials|d|--delete|--role|server", "", 0, NULL, NULL,
		"oscore-delete", "d", NULL},
	{"credentials, delete without a role", "credentials|d|--delete", "", 2, NULL, "--role", "",
		NULL, NULL},
	{"psk", "psk|d", "", 0, "ROLE       IDENTITY\nbootstrap  me\nserver     0xff\n", NULL,
		"psks", "d", NULL},
	{"psk, generate", "psk|d|--generate|--replace|--role|bootstrap|--identity|x", "", 0,
		"identity  x\n", NULL, "psk", "d", "78"},
	{"psk, generate over one that is there", "psk|d|-g", "", 1, NULL, "--replace", "psks", NULL,
		NULL},
	{"psk, from a file", "psk|d|--from|-",
		"{\"identity\":\"a\",\"key\":\"00112233445566778899aabbccddeeff\"}", 0, "", NULL,
		"psk", "d", "61"},
	{"psk, delete", "psk|d|--delete", "", 0, NULL, NULL, "psk-delete", "d", NULL},
	{"psk, two things at once", "psk|d|--delete|-g", "", 2, NULL, "exclude", "", NULL, NULL},
	{"psk, an identity for nothing", "psk|d|--identity|x", "", 2, NULL, "--generate", "", NULL,
		NULL},
	{"certificate", "certificate|d", "", 0,
		"ROLE       BY       VALUE\nbootstrap  sha256   6d65\nserver     subject  CN=me\n"
		"server     name     me\n",
		NULL, "x509s", "d", NULL},
	{"certificate, a file", "certificate|d|--pem|-",
		"x\n-----BEGIN CERTIFICATE-----\nYW\r\nJj\n-----END CERTIFICATE-----\n", 0, "",
		NULL, "x509", "d",
		"0 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"certificate, a file without one", "certificate|d|--pem|-",
		"-----BEGIN CERTIFICATE-----\nYWJj\n", 1, NULL, "no CERTIFICATE", "", NULL, NULL},
	{"certificate, a file that is no base64", "certificate|d|--pem|-",
		"-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n", 1, NULL,
		"no CERTIFICATE", "", NULL, NULL},
	{"certificate, a fingerprint as openssl writes it",
		"certificate|d|--role|bootstrap|--fingerprint|00:11:22:33:44:55:66:77:88:99:AA:BB:"
		"CC:DD:"
		"EE:FF:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
		"", 0, "", NULL, "x509", "d",
		"0 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
	{"certificate, a subject", "certificate|d|--subject|CN=a", "", 0, "", NULL, "x509", "d",
		"1 434e3d61"},
	{"certificate, a name", "certificate|d|--name|a", "", 0, "", NULL, "x509", "d", "2 61"},
	{"certificate, two things at once", "certificate|d|--name|a|--delete", "", 2, NULL,
		"exclude", "", NULL, NULL},
	{"certificate, a role for nothing", "certificate|d|--role|server", "", 2, NULL, "--role",
		"", NULL, NULL},
	{"certificate, delete", "certificate|d|--delete", "", 0, NULL, NULL, "x509-delete", "d",
		NULL},
	{"rpk", "rpk|d", "", 0, "server  public_key  6b6579\n", NULL, "rpks", "d", NULL},
	{"rpk, a file", "rpk|d|--pem|-",
		"-----BEGIN PUBLIC "
		"KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAECAwQFBgcICQoLDA0ODx"
		"AREhMU\nFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==\n-----END "
		"PUBLIC "
		"KEY-----\n",
		0, "", NULL, "rpk", "d",
		"3 "
		"3059301306072a8648ce3d020106082a8648ce3d03010703420004000102030405060708090a0b0c"},
	{"rpk, delete", "rpk|d|--delete|--role|bootstrap", "", 0, NULL, NULL, "rpk-delete", "d",
		NULL},
	{"import", "import|-|--replace",
		"{\"endpoint\":\"a\"}\nx\n\n{\"endpoint\":\"taken\"}\n{\"endpoint\":\"same\"}", 1,
		"5 lines: 1 imported, 1 unchanged, 2 refused\n",
		"(standard input):4: taken: taken\n", "import", NULL,
		"replace a:0:0 taken:0:0 same:0:0"},
	{"import, the line that is wrong", "import|-", "{\"endpoint\":\"a\"}\n{\"endpoint\":1}\n",
		1, NULL, "(standard input):2: endpoint: must be a string\n", "import", NULL,
		"keep a:0:0"},
	{"import, all good", "import|-|--json", "{\"endpoint\":\"a\"}\n", 0,
		"{\"lines\":1,\"imported\":1,\"unchanged\":0,\"refused\":0}", NULL, "import", NULL,
		NULL},
	{"import of no file", "import|/nonexistent/x", "", 1, NULL, "cannot open", "", NULL, NULL},
	{"provision without a source", "provision|d", "", 2, NULL, "either --generate", "", NULL,
		NULL},
	{"provision with no AEAD there is", "provision|d|--generate|--aead|x", "", 2, NULL,
		"no AEAD algorithm", "", NULL, NULL},
	{"provision with no HKDF there is", "provision|d|--generate|--hkdf|x", "", 2, NULL,
		"--hkdf is", "", NULL, NULL},
	{"algorithms of a file's own", "provision|d|--from|-|--id-context", "{}", 2, NULL,
		"go with --generate", "", NULL, NULL},
	{"provision with a bad role", "provision|d|--generate|--role|x", "", 2, NULL, "--role is",
		"", NULL, NULL},
	{"provision from standard input", "provision|d|--from|-",
		"{\"master_secret\":\"00112233445566778899aabbccddeeff\",\"sender_id\":\"0a\","
		"\"recipient_id\":\"0b\"}",
		0, NULL, NULL, "oscore", "d", "0a 0b 10 -10 0 none"},
	{"provision from a bad file", "provision|d|--from|/nonexistent/x", "", 1, NULL,
		"cannot read /nonexistent/x", "", NULL, NULL},
	{"write text", "write|d|/3/0/14|+02:00", "", 0, NULL, NULL, "dm", "d",
		"/3/0/14 /3/0/14=string:+02:00"},
	{"write text that looks like a number", "write|d|3/0/14|5", "", 0, NULL, NULL, "dm", "d",
		"/3/0/14 /3/0/14=string:5"},
	{"write a negative number", "write|d|/1/0/1|-5", "", 0, NULL, NULL, "dm", "d",
		"/1/0/1 /1/0/1=integer:-5"},
	{"write a boolean", "write|d|/1/0/6|true|--wait|3", "", 0, NULL, NULL, "dm", "d",
		"/1/0/6 /1/0/6=boolean:1"},
	{"write an instance", "write|d|/3/0|{\"14\":\"x\"}", "", 0, NULL, NULL, "dm", "d",
		"/3/0 /3/0/14=string:x"},
	{"write from standard input", "write|d|/3/0/14|-", "abc", 0, NULL, NULL, "dm", "d",
		"/3/0/14 /3/0/14=string:abc"},
	{"write a wrong type", "write|d|/1/0/1|abc", "", 1, NULL,
		"A value is not acceptable: /1/0/1: must be an integer", "", NULL, NULL},
	{"write, adding", "write|d|/3/0/7|{\"1\":5}|--partial", "", 0, NULL, NULL, "dm", "d",
		"/3/0/7 /3/0/7/1=integer:5"},
	{"write an instance, adding", "write|d|/3/0|-p|-", "{\"14\":\"x\"}", 0, NULL, NULL, "dm",
		"d", "/3/0 /3/0/14=string:x"},
	{"write one value, adding", "write|d|/3/0/14|x|--partial", "", 1, NULL,
		"PUT writes a value", "", NULL, NULL},
	{"write a file", "write|d|/5/0/0|--file|-", "\x01{", 0, NULL, NULL, "dm", "d",
		"/5/0/0 /5/0/0=opaque:AXs="},
	{"write a file that is not there", "write|d|/5/0/0|--file|/nonexistent/x", "", 1, NULL,
		"cannot read /nonexistent/x", "", NULL, NULL},
	{"write a file to a string", "write|d|/3/0/14|-f|-", "x", 1, NULL, "no opaque one", "",
		NULL, NULL},
	{"write a file and a value", "write|d|/5/0/0|AAE=|--file|-", "", 2, NULL,
		"either VALUE or --file", "", NULL, NULL},
	{"write nothing", "write|d|/5/0/0", "", 2, NULL, "either VALUE or --file", "", NULL, NULL},
	{"write a file, adding", "write|d|/5/0/0|--file|-|--partial", "", 2, NULL,
		"no meaning there", "", NULL, NULL},
	{"create", "create|d|/3303/5|{\"5701\":\"C\"}", "", 0, NULL, NULL, "dm", "d",
		"/3303 /3303/5/5701=string:C"},
	{"create, the device chooses", "create|d|3303", "", 0, NULL, NULL, "dm", "d",
		"/3303 /3303/65535=none:"},
	{"create from standard input", "create|d|/3303|-", "{\"5700\":1.5}", 0, NULL, NULL, "dm",
		"d", "/3303 /3303/65535/5700=float:1.5"},
	{"create a resource", "create|d|/3303/5/5700|1", "", 2, NULL, "leads to an object", "",
		NULL, NULL},
	{"create with a bad value", "create|d|/3303|5", "", 1, NULL, "resources: must be an object",
		"", NULL, NULL},
	{"remove an instance", "remove|d|/3303/5|--wait|3", "", 0, NULL, NULL, "dm", "d",
		"/3303/5"},
	{"remove a resource instance", "remove|d|/3/0/7/1", "", 0, NULL, NULL, "dm", "d",
		"/3/0/7/1"},
	{"remove an object", "remove|d|/3303", "", 2, NULL, "an object instance, like", "", NULL,
		NULL},
	{"discover", "discover|d|/3", "", 0, NULL, NULL, "dm", "d", "/3 depth -1"},
	{"discover, how deep", "discover|d|/3|--depth=2", "", 0, NULL, NULL, "dm", "d",
		"/3 depth 2"},
	{"discover too deep", "discover|d|/3|-d4", "", 1, NULL,
		"depth must be a number from 0 to 3", "", NULL, NULL},
	{"attributes", "attributes|d|/3303/0/5700|pmin=10|gt=-2.5|lt=", "", 0, NULL, NULL, "dm",
		"d", "/3303/0/5700 pmin=10&gt=-2.5&lt="},
	{"attributes, a bad value", "attributes|d|/3|pmin=x", "", 1, NULL, "pmin: must be a number",
		"", NULL, NULL},
	{"attributes, an unknown one", "attributes|d|/3|pmim=1", "", 1, NULL, "known are pmin", "",
		NULL, NULL},
	{"attributes, no value", "attributes|d|/3|pmin", "", 2, NULL, "pmin is no KEY=VALUE", "",
		NULL, NULL},
	{"attributes, twice", "attributes|d|/3|pmin=1|pmin=2", "", 2, NULL, "comes twice", "", NULL,
		NULL},
	{"attributes, none", "attributes|d|/3", "", 2, NULL, "needs EP PATH KEY=VALUE", "", NULL,
		NULL},
	{"help names the formats", "help|read", "", 0, "text, opaque, tlv", NULL, "", NULL, NULL},
	{"an unknown format", "read|d|/3|--format|xml", "", 1, NULL, "one of text, opaque, tlv", "",
		NULL, NULL},
	{"completion: commands", "__complete", "", 0, "remove\ndiscover\nattributes\n", NULL, "",
		NULL, NULL},
	{"completion: options", "__complete|discover", "", 0,
		"--socket\n--json\n--help\n--wait\n--expires\n--depth\n", NULL, "", NULL, NULL},
	{"completion: no such command", "__complete|x", "", 2, NULL, "no command x", "", NULL,
		NULL},
	{"completion is not in the help", "help|__complete", "", 2, NULL, "no command __complete",
		"", NULL, NULL},
	{"decode", "decode|tlv|/3/0|c10950|-S|/nonexistent", "", 0,
		"{\"path\":\"/3/0/9\",\"type\":\"integer\",\"value\":80}\n", NULL, "", NULL, NULL},
	{"decode, to be refused", "decode|tlv|/3/0|c109", "", 1, NULL, "is no tlv for this path",
		"", NULL, NULL},
	{"a bad path", "read|d|/x", "", 2, NULL, "four ids", "", NULL, NULL},
	{"a wait out of range", "read|d|/3|--wait|9999", "", 1, NULL, "wait must be", "", NULL,
		NULL},
	{"nor is that a time", "read|d|/3|--expires|0", "", 1, NULL, "expires must be", "", NULL,
		NULL},
	{"execute", "execute|d|/3/0/4", "", 0, NULL, NULL, "dm", "d", "/3/0/4 "},
	{"execute with arguments", "execute|d|/3/0/4|0='a',1", "", 0, NULL, NULL, "dm", "d",
		"/3/0/4 0='a',1"},
	{"observe with parameters that are none", "observe|d|/3/0/9|pmin", "", 2, NULL,
		"pmin is no KEY=VALUE", "", NULL, NULL},
	{"cancel", "cancel|d|/3/0/9", "", 0, NULL, NULL, "dm", "d", "/3/0/9"},
	{"devices", "devices|d", "", 0, "sensor \\x221\\x22  /3 /3/0 /3303/0", NULL, "devices", "d",
		NULL},
	{"read of a device behind a gateway", "read|d|d01/3303/0/5700", "", 0, NULL, NULL, "dm",
		"d", "/d01/3303/0/5700"},
	{"observations", "observations|d", "", 0, "/3303/0/5700  active  5", NULL, "observations",
		"d", NULL},
	{"operations", "operations", "", 0, "OPERATION  STATE", NULL, "", NULL, NULL},
	{"operations of one, as JSON", "operations|d|-j", "", 0, "{\"operations\":[]}\n", NULL, "",
		NULL, NULL},
	{"an operation nobody knows", "operation|00ff", "", 1, NULL, "lanyardctl operations", "",
		NULL, NULL},
	{"cancel an operation nobody knows", "operation|00ff|--cancel", "", 1, NULL,
		"no such operation", "", NULL, NULL},
	{"delete", "delete|d", "", 0, NULL, NULL, "delete", "d", NULL},
	{"set, numbers", "set|d|block_size=64|rd_ep=64|max_retransmit=0|nstart=8", "", 0, NULL,
		NULL, "put", "d", "64"},
	{"set, no number", "set|d|block_size=large", "", 1, NULL, "block_size", "", NULL, NULL},
	{"set", "set|d|nosec=true|rd_ep=x=y", "", 0, NULL, NULL, "put", "d", "x=y"},
	{"set nothing", "set|d", "", 0, NULL, NULL, "put", "d", ""},
	{"set a bad word", "set|d|nosec", "", 2, NULL, "no KEY=VALUE", "", NULL, NULL},
	{"plan", "plan|d", "", 0, "state        idle\n", NULL, "bootstrap", "d", NULL},
	{"plan show", "plan|d|show", "", 0, "no plan\n", NULL, "bootstrap", "d", NULL},
	{"plan set", "plan|d|set|-", "{\"a\":1}", 0, NULL, NULL, "plan", "d", "{\"a\":1}"},
	{"plan set without a file", "plan|d|set", "", 2, NULL, "set needs a FILE", "", NULL, NULL},
	{"plan delete", "plan|d|delete", "", 0, NULL, NULL, "plan-delete", "d", NULL},
	{"plan, unknown verb", "plan|d|x", "", 2, NULL, "plan does not know x", "", NULL, NULL},
	{"plan without an endpoint", "plan", "", 2, NULL, "--default", "", NULL, NULL},
	{"bootstrap", "bootstrap|d", "", 0, NULL, NULL, "dm", "d", "/1/4/9 "},
	{"bootstrap of an instance", "bootstrap|d|7", "", 0, NULL, NULL, "dm", "d", "/1/7/9 "},
	{"default plan", "plan|--default", "", 0, "no plan\n", NULL, "bootstrap", "", NULL},
	{"default plan set", "plan|--default|set|-", "{}", 0, NULL, NULL, "plan", "", "{}"},
	{"explain, the verdict first", "explain|d", "", 0,
		"It does not get through.\n\nlast contact   ", NULL, "explain", "d", NULL},
	{"explain, what happened", "explain|d", "", 0,
		" days ago  2      replay  an old request came again\n", NULL, "explain", "d",
		NULL},
	{"explain, times as they are", "explain|d", "", 0,
		" days ago (2023-11-14T22:14:20Z)\nlast refusal   replay, ", NULL, "explain", "d",
		NULL},
	{"explain, contexts", "explain|d", "", 0,
		"server  0203  to-be-challenged  -             replay, ", NULL, "explain", "d",
		NULL},
	{"explain, their numbers", "explain|d", "", 0,
		" days ago  2        1       512 of 1048576 (0 %)  -     -\n", NULL, "explain", "d",
		NULL},
	{"explain --json", "explain|d|--json", "", 0,
		"\"verdict\":{\"code\":\"refused\",\"text\":\"It does not get through.\"}", NULL,
		"explain", "d", NULL},
	{"explain, nobody", "explain|stranger", "", 1, NULL,
		"no endpoint has this name; similar: strange-r", "explain", "stranger", NULL},
	{"metrics", "metrics", "", 0, "# TYPE lanyard_up gauge\nlanyard_up 1\n", NULL, NULL, NULL,
		NULL},
};

static void check_row(const struct row *r)
{
	bool good;

	fake_reset();
	run(r->line, r->input, NULL);
	good = ran.status == r->status && (!r->out || strstr(ran.out, r->out)) &&
	       (!r->err || strstr(ran.err, r->err)) && (!r->call || !strcmp(fake.call, r->call)) &&
	       (!r->name || !strcmp(fake.name, r->name)) &&
	       (!r->text || !strcmp(fake.text, r->text));
	CHECK(good, r->what);
	if (!good)
		printf("  status=%d call=%s name=%s text=%s\n%s%s\n", ran.status, fake.call,
			fake.name, fake.text, ran.out, ran.err);
}

static void check_operation(void)
{
	static const uint8_t level[] = {0xc1, 9, 80};
	char line[64], *id;

	fake_reset();
	fake.defer = true;
	run("read|d|/3/0/9|--wait|0|--expires|60", "", NULL);
	CHECK(fake.dm.expires_s == 60, "and how long it may wait");
	id = strstr(ran.out, "'lanyardctl operation ");
	CHECK(ran.status == 0 && id, "a read that is not waited for names its operation");
	if (!id)
		return;
	snprintf(line, sizeof(line), "operation|%.16s", id + strlen("'lanyardctl operation "));
	run(line, "", NULL);
	CHECK(ran.status == 0 && strstr(ran.out, "not answered yet"), "it runs");
	run("operations|d", "", NULL);
	CHECK(strstr(ran.out, "running  d         read  /3/0/9"), "it is listed");
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_TLV,
		.payload = SPAN_OF(level)};
	fake_end_deferred(1);
	run(line, "", NULL);
	CHECK(ran.status == 0 && strcmp(ran.out, "80\n") == 0, "and says what a read says");
	fake_reset();
	fake.defer = true;
	run("execute|d|/3/0/4|--wait|0", "", NULL);
	id = strstr(ran.out, "'lanyardctl operation ");
	REQUIRE(id, "an execute");
	snprintf(line, sizeof(line), "operation|%.16s", id + strlen("'lanyardctl operation "));
	fake.result = (struct adm_result){
		.status = 504, .type = "timeout", .detail = "no answer", .content_format = -1};
	fake_end_deferred(1);
	run(line, "", NULL);
	CHECK(ran.status == 1 && strstr(ran.err, "no answer"), "a failure is one");
}

static void check_read(void)
{
	static const uint8_t level[] = {0xc1, 9, 80}, two[] = {0xc1, 9, 80, 0xc2, 0, 0x1b, '"'};

	fake_reset();
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_TLV,
		.payload = SPAN_OF(level)};
	run("read|d|/3/0/9", "", NULL);
	CHECK(ran.status == 0 && strcmp(ran.out, "80\n") == 0, "one value alone");
	fake.result.payload = SPAN_OF(two);
	run("read|d|/3/0", "", NULL);
	CHECK(strcmp(ran.out, "PATH    NAME           TYPE     VALUE\n"
			      "/3/0/9  Battery Level  integer  80\n"
			      "/3/0/0  Manufacturer   string   \\x1b\\x22\n") == 0,
		"a table, safe for the terminal");
	fake.result = (struct adm_result){.status = 202};
	run("read|d|/3/0/9|--wait|0", "", NULL);
	CHECK(ran.status == 0 && strstr(ran.out, "has not answered yet"), "202");
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_SENML_JSON,
		.payload = SPAN_LIT("[{\"bn\":\"/3/0/9\",\"v\":80,\"bt\":1700000000},"
				    "{\"v\":79,\"t\":60}]")};
	run("read|d|/3/0/9", "", NULL);
	CHECK(strcmp(ran.out, "PATH    NAME           TYPE     VALUE  TIME\n"
			      "/3/0/9  Battery Level  integer  80     1700000000\n"
			      "/3/0/9  Battery Level  integer  79     1700000060\n") == 0,
		"a history has times");
}

static void check_create(void)
{
	fake_reset();
	fake.result = (struct adm_result){.status = 201,
		.has_response = true,
		.code = MSG_CREATED,
		.content_format = -1,
		.location = SPAN_LIT("3303/7")};
	run("create|d|/3303|{\"5700\":1}", "", NULL);
	CHECK(ran.status == 0 && strcmp(ran.out, "/3303/7\n") == 0, "create prints where");
	fake.result.location = SPAN_EMPTY;
	run("create|d|/3303/5", "", NULL);
	CHECK(ran.status == 0 && strcmp(ran.out, "/3303/5\n") == 0, "as told, or as asked");
	run("create|d|/3303", "", NULL);
	CHECK(ran.status == 0 && strstr(ran.out, "did not tell"), "or that nobody knows");
}

static void check_discover(void)
{
	fake_reset();
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_LINK,
		.payload = SPAN_LIT("</3>;ver=1.1,</3/0>,</3/0/9>;pmin=10;obs;t=\"a\tb\","
				    "</32000/0/1>")};
	run("discover|d|/3", "", NULL);
	CHECK(ran.status == 0 && strcmp(ran.out, "PATH        NAME           ATTRIBUTES\n"
						 "/3          Device         ver=1.1\n"
						 "/3/0        -              -\n"
						 "/3/0/9      Battery Level  pmin=10 obs "
						 "t=a\\x09b\n"
						 "/32000/0/1  -              -\n") == 0,
		"links with names and attributes");
	fake.result.payload = SPAN_LIT("</3");
	run("discover|d|/3", "", NULL);
	CHECK(ran.status == 0 && strstr(ran.out, "/3    -     (the payload is no link format)\n"),
		"what is no link format");
	run("--json|discover|d|/3", "", NULL);
	CHECK(strstr(ran.out, "\"links\":[{\"path\":\"/3\",\"error\":"), "discover --json");
}

static void check_problem(void)
{
	fake_reset();
	fake.result = (struct adm_result){.status = 502,
		.type = "device-error",
		.detail = "it said no",
		.has_response = true,
		.code = MSG_METHOD_NOT_ALLOWED,
		.content_format = -1,
		.payload = SPAN_LIT("\x1b[2J")};
	run("read|d|/3/0/9", "", NULL);
	CHECK(ran.status == 1 &&
			strncmp(ran.err,
				"lanyardctl: The device refused: it said no (4.05) "
				"\"\\x1b[2J\"; hint: ",
				66) == 0 &&
			strchr(ran.err, '\n') == ran.err + strlen(ran.err) - 1 && !ran.out[0],
		"a refusal is one line, safe for the terminal");
	run("--json|read|d|/3/0/9", "", NULL);
	CHECK(ran.status == 1 &&
			strncmp(ran.out, "{\"type\":\"urn:lanyard:problem:device-error\"", 42) == 0,
		"with --json the problem is on the output too");
}

static void check_generate(void)
{
	char line[256], path[128], want[512], text[1024] = "";
	struct stat st;
	int fd;

	fake_reset();
	fake.conflicts = 7;
	snprintf(path, sizeof(path), "%s/device.conf", fake.dir);
	snprintf(line, sizeof(line),
		"provision|dev 1|--generate|--server-uri|coap://h:5783|--json|--device-file|%s",
		path);
	run(line, "", NULL);
	CHECK(ran.status == 0 && strstr(ran.out, "{\"endpoint\":\"dev 1\",\"role\":\"bootstrap\","
						 "\"bootstrap_uri\":\"coap://h:5783\","
						 "\"master_secret\":\""),
		"provision --generate --json, at the eighth draw");
	CHECK(fake.bootstrap_role && fake.secret_n == 16, "what was provisioned");
	CHECK(strlen(fake.text) > 13 && strstr(ran.out, "\"device_recipient_id\":\""),
		"ids as the device sees them");
	snprintf(want, sizeof(want),
		"\"device_sender_id\":\"%.10s\",\"device_recipient_id\":\"%.2s\","
		"\"aead\":\"AES-CCM-16-64-128\",\"hkdf\":\"HKDF-SHA-256\"}",
		fake.text + 3, fake.text);
	CHECK(strstr(ran.out, want), "are the server's, swapped");
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600, "the file is private");
	drain(fd, text, sizeof(text));
	close(fd);
	snprintf(want, sizeof(want),
		"endpoint=dev "
		"1\nbootstrap_uri=coap://h:5783\nmaster_secret=%.32s\nmaster_salt=%.16s\n"
		"sender_id=%.10s\nrecipient_id=%.2s\naead=AES-CCM-16-64-128\n"
		"hkdf=HKDF-SHA-256\n",
		strstr(ran.out, "master_secret") + 16, strstr(ran.out, "master_salt") + 14,
		fake.text + 3, fake.text);
	CHECK(strcmp(text, want) == 0, "and holds what the device needs");
	fake_reset();
	run(line, "", NULL);
	CHECK(ran.status == 1 && strstr(ran.err, "never overwritten") && !fake.call[0],
		"it is not overwritten");
	unlink(path);
	fake.conflicts = 8;
	run(line, "", NULL);
	CHECK(ran.status == 1 && strstr(ran.err, "taken") && access(path, F_OK) != 0,
		"after eight conflicts it gives up and leaves no file");
	fake_reset();
	run("psk|d|-g|--replace|--identity|x", "", NULL);
	CHECK(ran.status == 0 && fake.secret_n == 16, "a key for DTLS has 16 bytes (CT-16)");
	fake_reset();
	run("provision|d|-g|--role=server", "", NULL);
	CHECK(ran.status == 1 && strstr(ran.err, "--replace"), "credentials in use stay");
	fake_reset();
	run("provision|d|-g|--role=server|--replace", "", NULL);
	CHECK(ran.status == 0 &&
			strstr(ran.out, "role                 server\nmaster_secret        ") &&
			!fake.bootstrap_role,
		"as a table, for the server");
}

/* Once the observation is made: the event of its first value, one of another path, two of ours. */
static void notify(void)
{
	static const char *const json[] = {
		"{\"path\":\"/3/0/9\",\"values\":[{\"path\":\"/3/0/9\",\"name\":\"Battery Level\","
		"\"type\":\"integer\",\"value\":80}]}",
		"{\"path\":\"/3/0/13\",\"values\":[],\"value\":1}",
		"{\"path\":\"/3/0/9\",\"values\":[{\"path\":\"/3/0/9\",\"value\":79}]}",
		"{\"path\":\"/3/0/9\",\"values\":[{\"path\":\"/3/0/9/0\",\"value\":1}]}",
	};
	static unsigned calls;
	struct adm_event e = {.seq = 70,
		.wall_ms = 1700000000000,
		.type = SPAN_LIT("notification"),
		.endpoint = SPAN_LIT("d")};

	if (strcmp(fake.call, "dm") != 0 || ++calls != 100)
		return;
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++, e.seq++) {
		e.json = span_str(json[i]);
		adm_event_emit(fake.adm, &e);
	}
}

static void check_observe(void)
{
	static const uint8_t level[] = {0xc1, 9, 80};

	fake_reset();
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = LWM_CF_TLV,
		.payload = SPAN_OF(level)};
	run("observe|d|3/0/9|--count|2", "", notify);
	CHECK(ran.status == 0 && fake.dm.kind == ADM_OBSERVE &&
			strcmp(ran.out, "80\n2023-11-14T22:13:20.000Z  79\n"
					"2023-11-14T22:13:20.000Z\n"
					"PATH      NAME  TYPE  VALUE\n"
					"/3/0/9/0  -     -     1\n") == 0,
		"observe prints the value once, and what follows");
	fake_reset();
	fake.event_first = 1;
	fake.event_last = 20;
	fake.event_bytes = 5;
	run("events|--after|10|--endpoint|dev1|--count|2", "", NULL);
	CHECK(ran.status == 0 &&
			strcmp(ran.out,
				"2023-11-14T22:13:20.123Z  updated        dev1                     "
				"\"xxx\"\n"
				"2023-11-14T22:13:20.123Z  updated        dev1                     "
				"\"xxx\"\n") == 0,
		"events, stored ones first");
	run("events|--json|--after|10|--count|1", "", NULL);
	CHECK(strncmp(ran.out, "{\"seq\":11,\"time\":", 17) == 0, "events --json");
	fake.event_last = 0;
}

int main(void)
{
	find_program();
	fake_start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	check_operation();
	check_read();
	check_create();
	check_discover();
	check_problem();
	check_generate();
	check_observe();
	fake_stop();
	return test_done();
}
