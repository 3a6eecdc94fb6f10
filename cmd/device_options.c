/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kind {
	KIND_FLAG,       /* bool */
	KIND_TEXT,       /* const char * */
	KIND_NUMBER,     /* uint32_t, times scale */
	KIND_CREDENTIAL, /* dev_credentials_set */
	KIND_NOTIFY,
	KIND_RECOVER,
	KIND_PERCENT, /* uint32_t, of a million */
	KIND_DELAY,   /* MS or MS..MS */
	KIND_SEED,
	KIND_DELIVERY,
	KIND_BYTE, /* uint8_t */
	KIND_HELP,
	KIND_VERSION,
	KIND_HEADING,
};

struct row {
	const char *name, *arg, *help;
	enum kind kind;
	size_t at;
	uint32_t min, max, scale;
};

#define AT(member) offsetof(struct device_options, member)

static const struct row rows[] = {
	{NULL, NULL, "One device", KIND_HEADING, 0, 0, 0, 0},
	{"config", "FILE",
		"credentials: lines of endpoint=, bootstrap_uri=, server_uri=,\n"
		"master_secret=, master_salt=, sender_id=, recipient_id=, id_context=,\n"
		"psk_identity=, psk_key= (for coaps)",
		KIND_TEXT, AT(config), 0, 0, 0},
	{"endpoint", "NAME", "endpoint name", KIND_CREDENTIAL, 0, 0, 0, 0},
	{"master-secret", "HEX", "better in a file: others see a command line", KIND_CREDENTIAL, 0,
		0, 0, 0},
	{"master-salt", "HEX", "none if left out", KIND_CREDENTIAL, 0, 0, 0, 0},
	{"sender-id", "HEX", "the id of the device", KIND_CREDENTIAL, 0, 0, 0, 0},
	{"recipient-id", "HEX", "the id of the server", KIND_CREDENTIAL, 0, 0, 0, 0},
	{"id-context", "HEX", "none if left out", KIND_CREDENTIAL, 0, 0, 0, 0},
	{"bootstrap-server", "URI",
		"coap://host:port, coap+tcp://, coaps://...; the credentials are for bootstrap",
		KIND_TEXT, AT(bootstrap_server), 0, 0, 0},
	{"server", "URI", "coap://host:port, coap+tcp://, coaps://...; register without bootstrap",
		KIND_TEXT, AT(server), 0, 0, 0},
	{"state", "FILE", "keeps numbers and the account over runs; mode 0600", KIND_TEXT,
		AT(state), 0, 0, 0},
	{"rebootstrap", NULL, "bootstrap even if there is an account", KIND_FLAG,
		AT(dev.bootstrap_anew), 0, 0, 0},

	{NULL, NULL, "Many devices in one process, from 127.1.0.1 up", KIND_HEADING, 0, 0, 0, 0},
	{"fleet", "FILE",
		"one JSON object of credentials a line; with \"role\" as the\n"
		"server's import has it, else as in --config",
		KIND_TEXT, AT(fleet), 0, 0, 0},
	{"fleet-seed", "TEXT", "derive the credentials (see below)", KIND_TEXT, AT(fleet_seed), 0,
		0, 0},
	{"count", "N", "how many endpoints (1)", KIND_NUMBER, AT(count), 1, 1 << 24, 1},
	{"prefix", "TEXT", "endpoint names are TEXT and six digits (dev)", KIND_TEXT, AT(prefix), 0,
		0, 0},
	{"fleet-credentials", NULL, "print what the server has to import, and exit", KIND_FLAG,
		AT(print_credentials), 0, 0, 0},
	{"rate", "N", "devices that start, or stop, each second (200)", KIND_NUMBER, AT(rate), 1,
		1000000, 1},
	{"in-flight", "N",
		"devices with a request under way at a time; the others wait\n"
		"their turn; 0: all (1000)",
		KIND_NUMBER, AT(dev.in_flight_max), 0, 1 << 24, 1},
	{"sockets", "N", "sockets that the devices share (1)", KIND_NUMBER, AT(sockets), 1, 15, 1},
	{"update-rate", "N", "Updates a second of all devices together", KIND_NUMBER,
		AT(update_rate), 1, 10000000, 1},
	{"jitter", "PERCENT", "by which the time between Updates varies (10)", KIND_NUMBER,
		AT(jitter), 0, 100, 1},
	{"keep", NULL, "leave the registrations when ended by SIGINT or SIGTERM", KIND_FLAG,
		AT(keep), 0, 0, 0},

	{NULL, NULL, "A bad network between devices and server, both ways", KIND_HEADING, 0, 0, 0,
		0},
	{"loss", "PERCENT", "of datagrams that get lost, such as 10 or 0.5", KIND_PERCENT,
		AT(impair.loss_ppm), 0, 0, 0},
	{"duplicate", "PERCENT", "of them that come twice", KIND_PERCENT, AT(impair.duplicate_ppm),
		0, 0, 0},
	{"reorder", "PERCENT", "of them that are held back for up to 100 ms", KIND_PERCENT,
		AT(impair.reorder_ppm), 0, 0, 0},
	{"delay", "MS[..MS]", "how long each one takes", KIND_DELAY, AT(impair), 0, 0, 0},
	{"seed", "N", "of this network, and of all else that chance decides", KIND_SEED, AT(seed),
		0, 0, 0},

	{NULL, NULL, "Behaviour", KIND_HEADING, 0, 0, 0, 0},
	{"lifetime", "S", "lt without bootstrap (300)", KIND_NUMBER, AT(dev.lifetime_s), 0,
		UINT32_MAX, 1},
	{"update-interval", "S",
		"Update that often, not 93 s before the lifetime ends; the\n"
		"first one of a fleet's device anywhere within that time",
		KIND_NUMBER, AT(dev.update_interval_ms), 0, 4000000, 1000},
	{"queue", NULL,
		"queue mode: hears nothing once it has been quiet for --awake,\n"
		"until it speaks again",
		KIND_FLAG, AT(dev.queue), 0, 0, 0},
	{"awake", "MS", "how long after a message it hears in queue mode (93000)", KIND_NUMBER,
		AT(dev.awake_ms), 1, 86400000, 1},
	{"notify-interval", "MS", "how often observed values change (5000)", KIND_NUMBER,
		AT(dev.notify_interval_ms), 1, UINT32_MAX, 1},
	{"notify", "con|non", "type of notifications (non)", KIND_NOTIFY, 0, 0, 0, 0},
	{"retry", "S", "first wait after a failure; doubles (2)", KIND_NUMBER, AT(dev.retry_ms), 1,
		3600, 1000},
	{"ack-timeout", "MS", "wait before a message is sent again the first time (2000)",
		KIND_NUMBER, AT(dev.ack_timeout_ms), 1, 60000, 1},
	{"challenge", NULL, "ask the server for an Echo first after an unclean stop", KIND_FLAG,
		AT(dev.challenge), 0, 0, 0},
	{"recover", "none|answer|b2",
		"new keys by RFC 8613 Appendix B.2: not known (none), taken when\n"
		"the server offers them, or asked for at the first use of a secret",
		KIND_RECOVER, 0, 0, 0, 0},
	{"all-formats", NULL, "every content format, not text, opaque and TLV alone", KIND_FLAG,
		AT(dev.all_formats), 0, 0, 0},
	{"pack", NULL, "ask for a Bootstrap-Pack first (LwM2M 1.2)", KIND_FLAG, AT(dev.pack), 0, 0,
		0},
	{"unasked", NULL, "take a bootstrap that it has not asked for (LwM2M 1.0)", KIND_FLAG,
		AT(dev.unasked), 0, 0, 0},
	{"sensors", "N", "instances of /3303 (1)", KIND_NUMBER, AT(dev.sensors), 1, 40, 1},
	{"gateway", "N",
		"a gateway with N devices behind it, which have /3 and /3303:\n"
		"d01, d02, ... (0)",
		KIND_NUMBER, AT(dev.gateway), 0, 40, 1},
	{"blob", "BYTES", "size of /19/0/0 (4096)", KIND_NUMBER, AT(dev.blob_bytes), 0, 1 << 20, 1},
	{"body-limit", "BYTES", "largest write in blocks (1048576)", KIND_NUMBER,
		AT(dev.body_limit_bytes), 16, 1 << 26, 1},
	{"block-size", "BYTES", "largest block (1024)", KIND_NUMBER, AT(block_bytes), 16, 1024, 1},

	{"firmware-delivery", "pull|push|both", "how it takes firmware (both)", KIND_DELIVERY, 0, 0,
		0, 0},
	{"firmware-result", "N",
		"how an update ends, as /5/0/5 tells: 1 well (1); 2 to 7 and 9\n"
		"when the package is here, 8 when it updates; 11 deferred, then well",
		KIND_BYTE, AT(dev.firmware_result), 1, 11, 1},
	{"firmware-time", "MS", "how long an update takes (1000)", KIND_NUMBER,
		AT(dev.firmware_update_ms), 0, 86400000, 1},
	{"firmware-auto", NULL, "update without being told to (/5/0/14)", KIND_FLAG,
		AT(dev.firmware_auto), 0, 0, 0},

	{NULL, NULL, "Running", KIND_HEADING, 0, 0, 0, 0},
	{"duration", "S", "stop after that time", KIND_NUMBER, AT(duration_s), 1, UINT32_MAX, 1},
	{"once", NULL, "stop when every endpoint is registered", KIND_FLAG, AT(once), 0, 0, 0},
	{"deregister", NULL,
		"De-register when stopping; a fleet that SIGINT or SIGTERM\n"
		"ends does so anyway, unless --keep",
		KIND_FLAG, AT(deregister), 0, 0, 0},
	{"record", "FILE",
		"every datagram as a JSON line: t (us since 1970), dir (in, out),\n"
		"endpoint, local, remote, hex",
		KIND_TEXT, AT(record), 0, 0, 0},
	{"log-json", NULL, "events as JSON lines", KIND_FLAG, AT(json), 0, 0, 0},
	{"log-events", NULL, "events as lines of event=NAME endpoint=NAME t=SECONDS", KIND_FLAG,
		AT(events), 0, 0, 0},
	{"json", NULL, "the summary as one JSON object", KIND_FLAG, AT(json_summary), 0, 0, 0},
	{"progress", NULL,
		"a line a second on standard error, as a fleet prints on a\n"
		"terminal",
		KIND_FLAG, AT(progress), 0, 0, 0},
	{"quiet", NULL, "no progress, only the summary", KIND_FLAG, AT(quiet), 0, 0, 0},
	{"help", NULL, "print this, and exit", KIND_HELP, 0, 0, 0, 0},
	{"version", NULL, "print the version, and exit", KIND_VERSION, 0, 0, 0, 0},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), HELD_MAX = 1 << 18, IN_FLIGHT = 1000 };

static const char tail[] =
	"\nEndpoint i of --fleet-seed SEED, ROLE being bootstrap or server (--bootstrap-server or\n"
	"--server): name PREFIX and i in six digits; master_secret the first 16 bytes of\n"
	"HMAC-SHA-256(SEED, \"NAME ROLE secret\"), master_salt the first 8 of the same with "
	"\"salt\";\n"
	"sender_id 'b' or 's', the first byte of HMAC-SHA-256(SEED, \"fleet\"), i in 3 bytes;\n"
	"recipient_id 01 for bootstrap, 02 for server. With --state a second run starts above all\n"
	"numbers of the first; without it the credentials serve one run.\n"
	"\nExit status: 0, 1 after a failure of the system, 2 for bad options or credentials, 3 if "
	"an\n"
	"endpoint never got a registration, 4 if a fleet got an answer that should not have come: "
	"a\nregistered device told that it is not, a request refused, or no answer at all without "
	"--loss.\n";

static void print_help(void)
{
	printf("usage: lanyard-device [OPTION]...\nA simulated LwM2M device secured by OSCORE.\n");
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		char left[48];
		if (r->kind == KIND_HEADING) {
			printf("\n%s:\n", r->help);
			continue;
		}
		snprintf(left, sizeof(left), "--%s%s%s", r->name, r->arg ? " " : "",
			r->arg ? r->arg : "");
		printf("  %-24s ", left);
		for (const char *p = r->help; *p; p++) {
			putchar(*p);
			if (*p == '\n')
				printf("%27s", "");
		}
		putchar('\n');
	}
	fputs(tail, stdout);
}

static bool set_credential(struct device_options *o, const char *name, const char *arg)
{
	char key[32];
	size_t n = 0;
	for (; name[n] && n < sizeof(key) - 1; n++)
		key[n] = (char)(name[n] == '-' ? '_' : name[n]);
	return dev_credentials_set(&o->credentials, span_make(key, n), span_str(arg)) == ERR_OK;
}

static bool set_number(const struct row *r, const char *arg, void *to)
{
	uint64_t v;
	uint32_t scaled;
	if (span_to_u64(span_str(arg), r->max, &v) != ERR_OK || v < r->min)
		return false;
	scaled = (uint32_t)(v * r->scale);
	memcpy(to, &scaled, sizeof(scaled));
	return true;
}

static bool set_notify(struct device_options *o, const char *arg)
{
	o->dev.confirmable = strcmp(arg, "con") == 0;
	return o->dev.confirmable || strcmp(arg, "non") == 0;
}

static bool set_recover(struct device_options *o, const char *arg)
{
	static const char *const names[] = {
		[DEV_RECOVER_NONE] = "none",
		[DEV_RECOVER_ANSWER] = "answer",
		[DEV_RECOVER_BEGIN] = "b2",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(arg, names[i]) != 0)
			continue;
		o->dev.recover = (enum dev_recover)i;
		return true;
	}
	return false;
}

/* "10" or "0.25" percent. */
static bool set_percent(const char *arg, void *to)
{
	uint64_t whole, part = 0;
	uint32_t ppm;
	const char *dot = strchr(arg, '.');
	struct span digits = dot ? span_str(dot + 1) : SPAN_EMPTY;
	if (span_to_u64(span_make(arg, dot ? (size_t)(dot - arg) : strlen(arg)), 100, &whole) ||
		(dot && (digits.n > 4 || span_to_u64(digits, 9999, &part))))
		return false;
	for (size_t n = digits.n; n < 4; n++)
		part *= 10;
	ppm = (uint32_t)(whole * 10000 + part);
	memcpy(to, &ppm, sizeof(ppm));
	return ppm <= 1000000;
}

static bool set_delay(const char *arg, struct dev_impair_options *o)
{
	enum { DELAY_MAX_MS = 600000 };
	uint64_t least, most;
	const char *dots = strstr(arg, "..");
	struct span first = span_make(arg, dots ? (size_t)(dots - arg) : strlen(arg));
	if (span_to_u64(first, DELAY_MAX_MS, &least))
		return false;
	most = least;
	if (dots && (span_to_u64(span_str(dots + 2), DELAY_MAX_MS, &most) || most < least))
		return false;
	o->delay_min_ms = (uint32_t)least;
	o->delay_max_ms = (uint32_t)most;
	return true;
}

static bool set_seed(struct device_options *o, const char *arg)
{
	o->seed_given = true;
	return span_to_u64(span_str(arg), UINT64_MAX, &o->seed) == ERR_OK;
}

static bool set_delivery(struct device_options *o, const char *arg)
{
	static const char *const ways[] = {"pull", "push", "both"};
	for (uint8_t i = 0; i < 3; i++)
		if (strcmp(arg, ways[i]) == 0) {
			o->dev.firmware_delivery = i;
			return true;
		}
	return false;
}

static bool set_byte(const struct row *r, const char *arg, char *to)
{
	uint64_t v;
	if (span_to_u64(span_str(arg), r->max, &v) || v < r->min)
		return false;
	*(uint8_t *)to = (uint8_t)v;
	return true;
}

static bool apply(const struct row *r, const char *arg, struct device_options *o)
{
	char *to = (char *)o + r->at;
	switch (r->kind) {
	case KIND_FLAG:
		*(bool *)to = true;
		return true;
	case KIND_TEXT:
		memcpy(to, &arg, sizeof(arg));
		return true;
	case KIND_NUMBER:
		return set_number(r, arg, to);
	case KIND_CREDENTIAL:
		return set_credential(o, r->name, arg);
	case KIND_NOTIFY:
		return set_notify(o, arg);
	case KIND_RECOVER:
		return set_recover(o, arg);
	case KIND_PERCENT:
		return set_percent(arg, to);
	case KIND_DELAY:
		return set_delay(arg, &o->impair);
	case KIND_SEED:
		return set_seed(o, arg);
	case KIND_DELIVERY:
		return set_delivery(o, arg);
	case KIND_BYTE:
		return set_byte(r, arg, to);
	case KIND_HELP:
	case KIND_VERSION:
	case KIND_HEADING:
		break;
	}
	return true;
}

static bool complain(const char *what)
{
	fprintf(stderr, "lanyard-device: %s\n", what);
	return false;
}

/* What only a fleet has: its devices keep out of each other's way. */
static void fleet_defaults(struct device_options *o)
{
	o->dev.update_spread = true;
	o->dev.update_jitter_permille = o->jitter * 10;
}

static bool check(struct device_options *o)
{
	bool fleet = device_is_fleet(o);
	o->dev.block_bytes = (uint16_t)o->block_bytes;
	if (o->fleet && o->fleet_seed)
		return complain("--fleet and --fleet-seed exclude each other");
	if (fleet && o->config)
		return complain("--config is for one device, --fleet for many");
	if (!fleet && o->count_given)
		return complain("--count needs --fleet or --fleet-seed");
	if (!fleet && o->print_credentials)
		return complain("--fleet-credentials needs --fleet or --fleet-seed");
	if (o->fleet_seed && !o->print_credentials && !o->server == !o->bootstrap_server)
		return complain("--fleet-seed needs either --server or --bootstrap-server");
	if (o->json && o->events)
		return complain("--log-json and --log-events exclude each other");
	if (o->json_summary && (o->json || o->events))
		return complain("--json has only the summary: no --log-json, no --log-events");
	if (!fleet && (o->update_rate || o->sockets > 1 || o->keep))
		return complain("--update-rate, --sockets and --keep need --fleet or --fleet-seed");
	if (o->update_rate && o->dev.update_interval_ms)
		return complain("--update-rate and --update-interval exclude each other");
	if (o->keep && o->deregister)
		return complain("--keep and --deregister exclude each other");
	if (fleet)
		fleet_defaults(o);
	if (o->state)
		o->dev.numbers = fleet ? DEV_NUMBERS_SHARED : DEV_NUMBERS_OWN;
	return true;
}

static void long_options(struct option *out)
{
	for (int i = 0; i < ROWS; i++) {
		if (!rows[i].name)
			continue;
		*out++ = (struct option){
			rows[i].name, rows[i].arg ? required_argument : no_argument, NULL, 256 + i};
	}
	*out = (struct option){0};
}

bool device_options_parse(int argc, char **argv, struct device_options *o, int *code)
{
	struct option longs[ROWS + 1];
	int got;
	*o = (struct device_options){.count = 1,
		.rate = 200,
		.block_bytes = 1024,
		.sockets = 1,
		.jitter = 10,
		.impair.held_max = HELD_MAX,
		.prefix = "dev"};
	dev_options_default(&o->dev);
	o->dev.in_flight_max = IN_FLIGHT;
	long_options(longs);
	*code = DEVICE_EXIT_USAGE;
	while ((got = getopt_long(argc, argv, "", longs, NULL)) >= 256) {
		const struct row *r = &rows[got - 256];
		if (r->kind == KIND_HELP || r->kind == KIND_VERSION) {
			if (r->kind == KIND_HELP)
				print_help();
			else
				printf("lanyard-device %s\n", LANYARD_VERSION);
			*code = DEVICE_EXIT_OK;
			return false;
		}
		if (!apply(r, optarg, o)) {
			fprintf(stderr, "lanyard-device: bad value for --%s\n", r->name);
			return false;
		}
		o->count_given |= r->at == AT(count) && r->kind == KIND_NUMBER;
	}
	if (got != -1)
		return false; /* getopt has said why */
	if (optind < argc) {
		fprintf(stderr, "lanyard-device: what is \"%s\"?\n", argv[optind]);
		return false;
	}
	return check(o);
}
