/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gateway.h"
#include "config/value.h"

#include <string.h>

/* Where a field is, in struct cfg, in struct cfg_listen or in struct cfg_gateway. */
#define C(field)      offsetof(struct cfg, field), sizeof(((struct cfg *)0)->field)
#define L(field)      offsetof(struct cfg_listen, field), sizeof(((struct cfg_listen *)0)->field)
#define G(field)      offsetof(struct cfg_gateway, field), sizeof(((struct cfg_gateway *)0)->field)
#define BOOL          0, 1, ""
#define TEXT(least)   least, TEXT_MAX, ""
#define CHOICE(names) 0, 0, "", names

/* A key, " = " and this many bytes fit into the longest line (CFG_LINE_MAX). */
enum { TEXT_MAX = 176 };

static const char *const roles[] = {
	[0] = "", [CFG_ROLE_SERVER] = "server", [CFG_ROLE_BOOTSTRAP] = "bootstrap", NULL};
static const char *const transports[] = {"udp", "tcp", "dtls", "tls", NULL};
static const char *const types[] = {[CFG_GATEWAY_NONE] = "", [CFG_GATEWAY_SOCKET] = "socket", NULL};
static const char *const retransmit[] = {"auto", "no", "yes", NULL};
static const char *const requires[] = {"any", "oscore", "dtls", "oscore+dtls", NULL};
static const char *const certificates[] = {"known", "mapped", "any", NULL};
static const char *const freshness[] = {"auto", "echo", "none", "b2", NULL};
static const char *const levels[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};

/* Only what the daemon can change while it runs is reloadable. */
static const struct cfg_option schema[] = {
	{"server", "enabled", CFG_BOOL, C(server), BOOL, NULL, "yes", false,
		"whether devices can register"},
	{"server", "grace", CFG_UINT, C(grace_s), 0, 604800, "s", NULL, "93", false,
		"how long a registration stays after its lifetime has run out"},
	{"server", "awake", CFG_UINT, C(awake_s), 1, 86400, "s", NULL, "93", false,
		"a queue-mode device counts as asleep after this silence"},
	{"server", "queue_expiry", CFG_UINT, C(queue_expiry_s), 1, 31536000, "s", NULL, "86400",
		false,
		"how long an operation waits for a sleeping device, and its outcome for whoever "
		"asked"},
	{"server", "queue_limit", CFG_UINT, C(queue_limit), 1, 1000, "", NULL, "32", false,
		"how many operations may wait for one device in queue mode"},
	{"server", "queue_total", CFG_UINT, C(queue_total), 1, 10000000, "", NULL, "100000", false,
		"how many may wait for all of them"},
	{"server", "queue_bytes", CFG_UINT, C(queue_bytes), 65536, 1073741824, "bytes", NULL,
		"67108864", false, "what the values that wait may take in memory"},
	{"server", "body_limit", CFG_UINT, C(body_limit_bytes), 1024, 16777216, "bytes", NULL,
		"1048576", false,
		"the largest body in blocks, either way; unasked a device sends 262144 at most"},
	{"server", "endpoints_max", CFG_UINT, C(endpoints_max), 1, 100000000, "", NULL, "1000000",
		false, "how many endpoints may be known"},
	{"server", "nosec_endpoints", CFG_TEXT, C(nosec_endpoints), TEXT(0), NULL, "", false,
		"names or patterns, separated by spaces, that may register without security"},
	{"server", "models_dir", CFG_TEXT, C(models_dir), TEXT(0), NULL, "", true,
		"object models: *.xml of this directory, as the OMA registry has them; empty: "
		"none"},

	{"server", "firmware_max_bytes", CFG_UINT, C(firmware_max_bytes), 1024, 1073741824, "bytes",
		NULL, "33554432", false, "the largest firmware image that is taken"},
	{"server", "firmware_total_bytes", CFG_UINT, C(firmware_total_bytes), 1024, 4294967295U,
		"bytes", NULL, "1073741824", false, "how long all firmware images may be together"},
	{"server", "firmware_timeout", CFG_UINT, C(firmware_timeout_s), 60, 31536000, "s", NULL,
		"86400", false, "a firmware update that stands still for so long is over"},
	{"server", "firmware_uri", CFG_TEXT, C(firmware_uri), TEXT(0), NULL, "", false,
		"where devices fetch firmware images, coap://HOST[:PORT]; "
		"empty: that of [bootstrap] uri"},
	{"server", "firmware_nosec", CFG_BOOL, C(firmware_nosec), BOOL, NULL, "no", false,
		"whether firmware images are also served to anyone without security"},

	{"bootstrap", "enabled", CFG_BOOL, C(bootstrap), BOOL, NULL, "yes", false,
		"whether devices can bootstrap"},
	{"bootstrap", "uri", CFG_TEXT, C(uri), TEXT(0), NULL, "", false,
		"of the server account that the default plan writes; empty: no default plan"},
	{"bootstrap", "ssid", CFG_UINT, C(ssid), 1, 65534, "", NULL, "1", false,
		"Short Server ID of that account"},
	{"bootstrap", "lifetime", CFG_UINT, C(lifetime_s), 1, 2147483647, "s", NULL, "86400", false,
		"registration lifetime of that account"},
	{"bootstrap", "binding", CFG_TEXT, C(binding), 1, 7, "", NULL, "U", false,
		"binding of that account: letters of U, T, S, N and Q"},
	{"bootstrap", "recipient_id_bytes", CFG_UINT, C(recipient_id_bytes), 1, 7, "bytes", NULL,
		"5", false, "length of the OSCORE Recipient IDs that bootstrap draws"},
	{"bootstrap", "session_timeout", CFG_UINT, C(session_timeout_s), 10, 86400, "s", NULL,
		"247", false, "a bootstrap session that stands still for so long has failed"},
	{"bootstrap", "pack", CFG_BOOL, C(pack), BOOL, NULL, "yes", false,
		"whether a device may fetch all it is given as one Bootstrap-Pack"},
	{"bootstrap", "unasked", CFG_BOOL, C(unasked), BOOL, NULL, "no", false,
		"whether a bootstrap may begin here, for devices of LwM2M 1.0 that allow it"},
	{"bootstrap", "rotate_keys", CFG_UINT, C(rotate_keys_days), 0, 3650, "days", NULL, "0",
		false,
		"a device whose OSCORE keys are older is told to bootstrap for new ones; 0 is "
		"never"},

	{"listen", "role", CFG_CHOICE, L(role), 1, 0, "", roles, "server", false,
		"which of the two listens here"},
	{"listen", "address", CFG_ADDRESS, L(address), 1, 63, "", NULL, "*", false,
		"numeric IPv4 or IPv6 address; * is every address of both"},
	{"listen", "transport", CFG_CHOICE, L(transport), CHOICE(transports), "udp", false,
		"CoAP over UDP or TCP (coap+tcp://), or protected by DTLS (coaps://) or TLS"},
	{"listen", "port", CFG_UINT, L(port), 0, 65535, "", NULL, "5683", false,
		"0 is any free one; bootstrap has 5783 where none is given, DTLS and TLS one more"},
	{"listen", "require", CFG_CHOICE, L(require), CHOICE(requires), "any", false,
		"what has to protect a request here; an endpoint may require more"},
	{"listen", "nosec", CFG_BOOL, L(nosec), BOOL, NULL, "no", false,
		"whether any endpoint may register here without security"},
	{"listen", "certificate_file", CFG_TEXT, L(certificate_file), TEXT(0), NULL, "", true,
		"PEM: the certificate that is shown here, and those between it and its CA; "
		"empty: none"},
	{"listen", "key_file", CFG_TEXT, L(key_file), TEXT(0), NULL, "", true,
		"PEM: its private key, of the curve secp256r1, which others must not read"},
	{"listen", "ca_file", CFG_TEXT, L(ca_file), TEXT(0), NULL, "", true,
		"PEM: the CAs whose certificates of clients are trusted; empty: none"},
	{"listen", "crl_file", CFG_TEXT, L(crl_file), TEXT(0), NULL, "", true,
		"PEM: revocation lists, of each CA that signs clients' certificates; empty: none"},
	{"listen", "certificates", CFG_CHOICE, L(certificates), CHOICE(certificates), "known", true,
		"certificates of which endpoints let in: all known, those that were given one, "
		"any"},
	{"listen", "raw_public_keys", CFG_BOOL, L(raw_public_keys), BOOL, NULL, "no", true,
		"whether raw public keys (RFC 7250) are taken here; it needs OpenSSL 3.2"},

	{"gateway", "type", CFG_CHOICE, G(type), 1, 0, "", types, "socket", false,
		"what is at its other end: socket is a Unix socket for bridges, "
		"lanyard-gateway(7)"},
	{"gateway", "role", CFG_CHOICE, G(role), 1, 0, "", roles, "server", false,
		"which of the two devices reach by it"},
	{"gateway", "nosec", CFG_BOOL, G(nosec), BOOL, NULL, "no", false,
		"whether any endpoint may register by it without security; never by SMS"},
	{"gateway", "mtu", CFG_UINT, G(mtu_bytes), 0, GATEWAY_MTU_MAX, "bytes", NULL, "0", false,
		"the longest message; 0 is as usual for its devices: 140 for SMS, 51 for LoRaWAN"},
	{"gateway", "ack_timeout", CFG_UINT, G(ack_timeout_ms), 0, 3600000, "ms", NULL, "0", false,
		"before a message goes out again, or is given up; 0 is as usual for its devices"},
	{"gateway", "retransmit", CFG_CHOICE, G(retransmit), CHOICE(retransmit), "auto", false,
		"whether messages that are not acknowledged go out again; auto is no for SMS"},
	{"gateway", "max_retransmit", CFG_UINT, G(max_retransmit), 1, 8, "", NULL, "4", false,
		"how often, where they do"},
	{"gateway", "response_wait", CFG_UINT, G(response_wait_s), 0, 86400, "s", NULL, "0", false,
		"how long an answer may take after its acknowledgement; 0 is as usual for its "
		"devices"},
	{"gateway", "rate", CFG_UINT, G(rate_per_s), 0, 1000000, "", NULL, "1000", false,
		"messages a second that are taken from all its devices; 0 is any number"},
	{"gateway", "address_rate", CFG_UINT, G(address_rate_per_min), 0, 1000000, "", NULL, "600",
		false, "messages a minute that are taken from one address; 0 is any number"},
	{"gateway", "queue", CFG_UINT, G(queue_max), 1, 1000000, "", NULL, "1000", false,
		"messages that may wait to be sent"},
	{"gateway", "queue_bytes", CFG_UINT, G(queue_bytes), 1280, 1073741824, "bytes", NULL,
		"1048576", false, "what they may take in memory"},
	{"gateway", "address_queue", CFG_UINT, G(queue_address_max), 1, 10000, "", NULL, "16",
		false, "messages that may wait for one address"},
	{"gateway", "cost", CFG_UINT, G(cost), 0, 1000000, "", NULL, "0", false,
		"of a message sent, in a unit of yours; the metrics tell the sum"},
	{"gateway", "socket", CFG_TEXT, G(socket), 1, 107, "", NULL, "/run/lanyard/gateway.sock",
		false, "Unix socket for bridges"},
	{"gateway", "socket_mode", CFG_OCTAL, G(socket_mode), 0, 0777, "", NULL, "0660", false,
		"its permissions"},
	{"gateway", "socket_group", CFG_TEXT, G(socket_group), 0, 63, "", NULL, "lanyard", false,
		"its group; empty: left as it is"},
	{"gateway", "socket_user", CFG_TEXT, G(socket_user), 0, 63, "", NULL, "", false,
		"the user whose programs may connect; empty: whoever its permissions let in"},
	{"gateway", "bridges", CFG_UINT, G(bridges), 1, 64, "", NULL, "16", false,
		"how many bridges may be connected at a time"},

	{"storage", "dir", CFG_TEXT, C(dir), TEXT(1), NULL, "/var/lib/lanyard", false,
		"the state directory; one daemon at a time"},
	{"storage", "anchor", CFG_TEXT, C(anchor), TEXT(0), NULL, "", false,
		"a directory outside of it, by which an old copy is found out; empty: dir.anchor"},
	{"storage", "log_rows", CFG_UINT, C(log_rows), 1024, 16777216, "", NULL, "262144", false,
		"rows of the replay log before they are folded into the contexts"},
	{"storage", "event_ring", CFG_UINT, C(event_ring), 100, 10000000, "", NULL, "10000", false,
		"how many past events are kept for readers that come back"},

	{"oscore", "window", CFG_UINT, C(window), 32, 64, "", NULL, "32", false,
		"width of the replay window"},
	{"oscore", "freshness", CFG_CHOICE, C(freshness), CHOICE(freshness), "auto", false,
		"when a device must prove that its first request is fresh"},
	{"oscore", "ssn_block", CFG_UINT, C(ssn_block), 8, 4096, "", NULL, "64", false,
		"sender sequence numbers reserved at once"},
	{"oscore", "echo_max_age", CFG_UINT, C(echo_max_age_s), 1, 3600, "s", NULL, "60", false,
		"how long an Echo value is accepted"},
	{"oscore", "key_limit_stop", CFG_BOOL, C(key_limit_stop), BOOL, NULL, "no", false,
		"whether keys under which too much failed to decrypt are dead, not only throttled"},

	{"coap", "block_size", CFG_UINT, C(block_bytes), PACE_BLOCK_MIN, PACE_BLOCK_MAX, "bytes",
		NULL, "1024", false,
		"blocks of bodies, cut to a power of two; an endpoint may have its own"},
	{"coap", "message_size", CFG_UINT, C(message_bytes), PACE_MESSAGE_MIN, PACE_MESSAGE_MAX,
		"bytes", NULL, "1280", false,
		"the longest datagram to a device; an endpoint may have its own"},
	{"coap", "ack_timeout", CFG_UINT, C(ack_timeout_ms), PACE_ACK_TIMEOUT_MIN,
		PACE_ACK_TIMEOUT_MAX, "ms", NULL, "2000", false,
		"before a message goes out again; it doubles; an endpoint may have its own"},
	{"coap", "max_retransmit", CFG_UINT, C(max_retransmit), 1, PACE_RETRANSMIT_MAX, "", NULL,
		"4", false, "how often a message goes out again; an endpoint may have its own"},
	{"coap", "nstart", CFG_UINT, C(nstart), 1, PACE_NSTART_MAX, "", NULL, "1", false,
		"how many requests to one device are under way at once; an endpoint may have its "
		"own"},

	{"tcp", "connections", CFG_UINT, C(connections), 1, 1000000, "", NULL, "10000", false,
		"how many TCP connections there may be at a time; the one that was silent longest "
		"goes"},
	{"tcp", "connections_per_address", CFG_UINT, C(connections_per_address), 1, 1000000, "",
		NULL, "1000", false, "how many from one IPv4 address or IPv6 network of 64 bits"},
	{"tcp", "idle", CFG_UINT, C(idle_s), 10, 31536000, "s", NULL, "86400", false,
		"a connection without any message for so long is closed"},
	{"tcp", "handshakes", CFG_UINT, C(tcp_handshakes), 1, 1000000, "", NULL, "1000", false,
		"how many more may not have sent their first message (CSM) yet; the oldest goes"},
	{"tcp", "handshakes_per_address", CFG_UINT, C(tcp_handshakes_per_address), 1, 1000000, "",
		NULL, "500", false, "how many of them from one address or network of 64 bits"},

	{"dtls", "sessions", CFG_UINT, C(dtls_sessions), 1, 1000000, "", NULL, "10000", false,
		"how many DTLS sessions are kept at a time; the one that was silent longest goes"},
	{"dtls", "handshakes", CFG_UINT, C(dtls_handshakes), 1, 1000000, "", NULL, "1000", false,
		"how many DTLS handshakes may be under way; the oldest goes"},
	{"dtls", "handshakes_per_address", CFG_UINT, C(dtls_handshakes_per_address), 1, 1000000, "",
		NULL, "500", false, "how many of them with one address or network of 64 bits"},
	{"dtls", "idle", CFG_UINT, C(dtls_idle_s), 10, 31536000, "s", NULL, "86400", false,
		"a DTLS session without any record for so long is ended"},

	{"admin", "socket", CFG_TEXT, C(socket), 1, 107, "", NULL, "/run/lanyard/admin.sock", false,
		"Unix socket of the REST interface"},
	{"admin", "socket_mode", CFG_OCTAL, C(socket_mode), 0, 0777, "", NULL, "0660", false,
		"its permissions"},
	{"admin", "socket_group", CFG_TEXT, C(socket_group), 0, 63, "", NULL, "lanyard", false,
		"its group; empty: left as it is"},

	{"log", "level", CFG_CHOICE, C(log_level), CHOICE(levels), "info", true,
		"the least important lines that are written"},
	{"log", "format", CFG_CHOICE, C(log_format), CHOICE(formats), "text", true,
		"text lines or JSON objects"},
};

#define SCHEMA_N (sizeof(schema) / sizeof(schema[0]))
_Static_assert(SCHEMA_N <= CFG_OPTIONS_MAX, "parse.h keeps the place of each option");
_Static_assert(sizeof(((struct cfg *)0)->dir) > TEXT_MAX, "texts end with a NUL");

const struct cfg_option *cfg_schema(size_t *n)
{
	*n = SCHEMA_N;
	return schema;
}

static const struct {
	const char *title;
	size_t max;
} nameds[] = {[CFG_NAMED_LISTEN] = {"listen", CFG_LISTEN_MAX},
	[CFG_NAMED_GATEWAY] = {"gateway", CFG_GATEWAY_MAX}};

enum cfg_named cfg_named(const struct cfg_option *o)
{
	if (strcmp(o->section, nameds[CFG_NAMED_LISTEN].title) == 0)
		return CFG_NAMED_LISTEN;
	return strcmp(o->section, nameds[CFG_NAMED_GATEWAY].title) == 0 ? CFG_NAMED_GATEWAY
									: CFG_NAMED_NONE;
}

const char *cfg_named_title(enum cfg_named named)
{
	return nameds[named].title;
}

size_t cfg_named_max(enum cfg_named named)
{
	return nameds[named].max;
}

size_t cfg_named_n(const struct cfg *c, enum cfg_named named)
{
	return named == CFG_NAMED_LISTEN ? c->listen_n : c->gateway_n;
}

const char *cfg_named_name(const struct cfg *c, enum cfg_named named, size_t at)
{
	return named == CFG_NAMED_LISTEN ? c->listen[at].name : c->gateway[at].name;
}

const char *cfg_gateway_type_name(uint32_t type)
{
	return types[type % (sizeof(types) / sizeof(*types) - 1)];
}

const char *cfg_transport_name(uint32_t transport)
{
	return transports[transport % (sizeof(transports) / sizeof(*transports) - 1)];
}

bool cfg_is_stream(uint32_t transport)
{
	return transport == CFG_TRANSPORT_TCP || transport == CFG_TRANSPORT_TLS;
}

bool cfg_is_channel(uint32_t transport)
{
	return transport == CFG_TRANSPORT_DTLS || transport == CFG_TRANSPORT_TLS;
}

const void *cfg_home_const(const struct cfg_option *o, const struct cfg *c, size_t at)
{
	switch (cfg_named(o)) {
	case CFG_NAMED_LISTEN:
		return &c->listen[at];
	case CFG_NAMED_GATEWAY:
		return &c->gateway[at];
	case CFG_NAMED_NONE:
		break;
	}
	return c;
}

struct gateway_pace cfg_gateway_pace(const struct cfg_gateway *g)
{
	struct gateway_pace p = {.mtu_bytes = g->mtu_bytes,
		.ack_timeout_ms = g->ack_timeout_ms,
		.response_wait_ms = g->response_wait_s * 1000};

	if (g->retransmit == CFG_RETRANSMIT_NO)
		p.max_retransmit = 1;
	else if (g->retransmit == CFG_RETRANSMIT_YES)
		p.max_retransmit = (uint8_t)(g->max_retransmit + 1);
	return p;
}

void *cfg_home(const struct cfg_option *o, struct cfg *c, size_t at)
{
	return (void *)(uintptr_t)cfg_home_const(o, c, at);
}

/* Options that only one type of gateway has. */
static const struct {
	const char *key;
	enum cfg_gateway_type type;
} only[] = {
	{"socket", CFG_GATEWAY_SOCKET},
	{"socket_mode", CFG_GATEWAY_SOCKET},
	{"socket_group", CFG_GATEWAY_SOCKET},
	{"socket_user", CFG_GATEWAY_SOCKET},
	{"bridges", CFG_GATEWAY_SOCKET},
};

enum cfg_gateway_type cfg_only(const struct cfg_option *o)
{
	if (cfg_named(o) != CFG_NAMED_GATEWAY)
		return CFG_GATEWAY_NONE;
	for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++)
		if (strcmp(o->key, only[i].key) == 0)
			return only[i].type;
	return CFG_GATEWAY_NONE;
}

bool cfg_counts(const struct cfg_option *o, const void *home)
{
	const struct cfg_gateway *g = home;
	enum cfg_gateway_type type = cfg_only(o);

	return !type || type == g->type;
}

/* The presets are checked by the unit test: none fails. */
static void set_preset(const struct cfg_option *o, void *home)
{
	char why[CFG_WHY];
	enum err err = cfg_value_set(o, home, o->preset, why);

	(void)err;
}

static void set_presets(struct cfg *c, enum cfg_named named, size_t at)
{
	for (size_t i = 0; i < SCHEMA_N; i++)
		if (cfg_named(&schema[i]) == named)
			set_preset(&schema[i], cfg_home(&schema[i], c, at));
}

void cfg_named_add(struct cfg *c, enum cfg_named named, const char *name)
{
	bool listen = named == CFG_NAMED_LISTEN;
	size_t at = listen ? c->listen_n++ : c->gateway_n++;
	char *to = listen ? c->listen[at].name : c->gateway[at].name;
	struct writer w;

	if (listen)
		memset(&c->listen[at], 0, sizeof(c->listen[at]));
	else
		memset(&c->gateway[at], 0, sizeof(c->gateway[at]));
	w = wr_make(to, sizeof(c->listen[at].name) - 1);
	wr_str(&w, name);
	set_presets(c, named, at);
}

_Static_assert(sizeof(((struct cfg_listen *)0)->name) == sizeof(((struct cfg_gateway *)0)->name) &&
		       sizeof(((struct cfg_gateway *)0)->name) == GATEWAY_NAME_MAX + 1,
	"names of sections are as long");

void cfg_listen_presets(struct cfg *c)
{
	c->listen_n = 0;
	if (c->server)
		cfg_named_add(c, CFG_NAMED_LISTEN, "server");
	if (c->bootstrap) {
		struct cfg_listen *l = &c->listen[c->listen_n];
		cfg_named_add(c, CFG_NAMED_LISTEN, "bootstrap");
		l->role = CFG_ROLE_BOOTSTRAP;
		l->port = CFG_BOOTSTRAP_PORT;
	}
}

void cfg_defaults(struct cfg *c)
{
	memset(c, 0, sizeof(*c));
	set_presets(c, CFG_NAMED_NONE, 0);
	cfg_listen_presets(c);
}
