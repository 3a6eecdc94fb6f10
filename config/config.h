/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: INI files, one schema row per option. */
#ifndef LANYARD_CONFIG_CONFIG_H
#define LANYARD_CONFIG_CONFIG_H

#include "base/gateway.h"
#include "base/log.h"
#include "base/span.h"

#include <stdio.h>

enum { CFG_LISTEN_MAX = 16, CFG_GATEWAY_MAX = 16, CFG_NAMES_MAX = 64, CFG_TEXT_MAX = 256 };

enum cfg_role { CFG_ROLE_SERVER = 1, CFG_ROLE_BOOTSTRAP = 2 };

enum cfg_transport { CFG_TRANSPORT_UDP, CFG_TRANSPORT_TCP, CFG_TRANSPORT_DTLS, CFG_TRANSPORT_TLS };
bool cfg_is_stream(uint32_t transport);  /* TCP, TLS */
bool cfg_is_channel(uint32_t transport); /* DTLS, TLS */
const char *cfg_transport_name(uint32_t transport);

/* Beside "nosec": what has to protect a request. */
enum cfg_require {
	CFG_REQUIRE_ANY,
	CFG_REQUIRE_OSCORE,
	CFG_REQUIRE_DTLS,
	CFG_REQUIRE_BOTH,
};

/* Whose certificates let somebody in, of those that a trusted CA has signed. */
enum cfg_certificates {
	CFG_CERTIFICATES_KNOWN,  /* they name a known endpoint, or were given to one */
	CFG_CERTIFICATES_MAPPED, /* they were given to an endpoint */
	CFG_CERTIFICATES_ANY,    /* all: an endpoint that is not known is made */
};

/* [listen NAME] */
struct cfg_listen {
	char name[32];
	uint32_t role;      /* enum cfg_role */
	char address[64];   /* numeric; "*" is dual-stack any */
	uint32_t port;      /* 0: any free one, which status tells */
	uint32_t transport; /* enum cfg_transport */
	bool nosec;         /* endpoints without security may register here */
	uint32_t require;   /* enum cfg_require */
	/* PEM files; "": none; "credential:NAME" is one that systemd hands over */
	char certificate_file[CFG_TEXT_MAX], key_file[CFG_TEXT_MAX];
	char ca_file[CFG_TEXT_MAX], crl_file[CFG_TEXT_MAX];
	uint32_t certificates; /* enum cfg_certificates */
	bool raw_public_keys;
};
#define CFG_CREDENTIAL "credential:"

/* What is at the other end of a [gateway NAME]. */
enum cfg_gateway_type { CFG_GATEWAY_NONE, CFG_GATEWAY_SOCKET };
const char *cfg_gateway_type_name(uint32_t type);

/* [gateway NAME]. What only one type has is a row of `only` in schema.c too. */
struct cfg_gateway {
	char name[32];
	uint32_t type; /* enum cfg_gateway_type */
	uint32_t role; /* enum cfg_role */
	bool nosec;
	/* of the messages; 0: as usual for what is reached by it */
	uint32_t mtu_bytes, ack_timeout_ms, response_wait_s;
	uint32_t retransmit; /* enum cfg_retransmit */
	uint32_t max_retransmit;
	/* bounds */
	uint32_t rate_per_s, address_rate_per_min;
	uint32_t queue_max, queue_bytes, queue_address_max;
	uint32_t cost;
	/* type = socket */
	char socket[CFG_TEXT_MAX];
	uint32_t socket_mode;
	char socket_group[64];
	char socket_user[64]; /* "": whoever its permissions let in */
	uint32_t bridges;
};
/* What it says of the messages. */
struct gateway_pace cfg_gateway_pace(const struct cfg_gateway *g);
enum cfg_retransmit { CFG_RETRANSMIT_USUAL, CFG_RETRANSMIT_NO, CFG_RETRANSMIT_YES };

struct cfg {
	/* [server] */
	bool server;      /* "enabled" */
	uint32_t grace_s; /* after a lifetime has run out */
	uint32_t awake_s; /* a queue-mode device counts as asleep after this silence */
	uint32_t queue_expiry_s, queue_limit, queue_total, queue_bytes; /* of such devices */
	uint32_t body_limit_bytes; /* of a body in blocks, either way */
	uint32_t endpoints_max;
	char nosec_endpoints[CFG_TEXT_MAX]; /* names or fnmatch patterns, separated by spaces */
	uint32_t firmware_max_bytes;        /* of an image */
	uint32_t firmware_total_bytes;      /* of all images together */
	uint32_t firmware_timeout_s;        /* an update without progress for so long is over */
	char firmware_uri[CFG_TEXT_MAX];    /* "": that of [bootstrap] */
	bool firmware_nosec;                /* images are served unprotected, to anyone */
	char models_dir[CFG_TEXT_MAX];      /* "": only the models that are built in */
	/* [bootstrap] */
	bool bootstrap;
	char uri[CFG_TEXT_MAX]; /* of the server account the default plan writes; "" : no default
				   plan */
	uint32_t ssid;
	uint32_t lifetime_s;
	char binding[8];
	uint32_t recipient_id_bytes; /* 1 to 7; 5 */
	uint32_t session_timeout_s;
	bool pack;
	bool unasked;              /* the bootstrap server may begin (LwM2M 1.0) */
	uint32_t rotate_keys_days; /* 0: never */
	/* [listen NAME]; if none is given, cfg_load fills in "server" on *:5683 and "bootstrap" on
	 * *:5783, each if enabled */
	struct cfg_listen listen[CFG_LISTEN_MAX];
	size_t listen_n;
	/* [gateway NAME] */
	struct cfg_gateway gateway[CFG_GATEWAY_MAX];
	size_t gateway_n;
	/* [storage] */
	char dir[CFG_TEXT_MAX];
	char anchor[CFG_TEXT_MAX]; /* "": dir and ".anchor" */
	uint32_t log_rows;
	uint32_t event_ring;
	/* [oscore] */
	uint32_t window;    /* 32 to 64 */
	uint32_t freshness; /* 0 auto, 1 echo, 2 none, 3 b2 */
	uint32_t ssn_block; /* sender numbers reserved at once */
	uint32_t echo_max_age_s;
	bool key_limit_stop; /* keys that failed to verify too often are dead */
	/* [coap] */
	uint32_t block_bytes, message_bytes, ack_timeout_ms, max_retransmit, nstart;
	/* [tcp] */
	uint32_t connections, connections_per_address, idle_s;
	uint32_t tcp_handshakes, tcp_handshakes_per_address;
	/* [dtls] */
	uint32_t dtls_sessions, dtls_handshakes, dtls_handshakes_per_address, dtls_idle_s;
	/* [admin] */
	char socket[108];
	uint32_t socket_mode;  /* octal */
	char socket_group[64]; /* "": leave it */
	/* [log] */
	uint32_t log_level;  /* enum log_level */
	uint32_t log_format; /* 0 text, 1 json */
};

enum cfg_type { CFG_BOOL, CFG_UINT, CFG_OCTAL, CFG_TEXT, CFG_CHOICE, CFG_ADDRESS };

/* A row of the schema. The manual page's table and --help come from these. */
struct cfg_option {
	const char *section; /* "listen" stands for every [listen NAME], "gateway" likewise */
	const char *key;
	enum cfg_type type;
	size_t offset, size;        /* in struct cfg, cfg_listen or cfg_gateway */
	uint32_t min, max;          /* of a number, or of a text's length */
	const char *unit;           /* "s", "bytes", "" */
	const char *const *choices; /* CFG_CHOICE: NULL-terminated, the value is the index */
	const char *preset;         /* the default, as text */
	bool reloadable;            /* by SIGHUP */
	const char *help;           /* one line */
};
const struct cfg_option *cfg_schema(size_t *n);

void cfg_defaults(struct cfg *c);
/* What is wrong, and a suggestion, on one line without its end; line 0: the file as a whole. */
typedef void cfg_error_fn(void *arg, const char *file, uint32_t line, const char *text);
/* Reads the file, then DIR/conf.d / *.conf beside it in byte order. Every error is told to `tell`
 * (at most 20 of them), and ERR_SYNTAX returned:
 * unknown sections and keys, bad values, duplicates in one file, over-long lines, contradictions
 * between options. A later file overrides. ERR_NOTFOUND, and nothing is told, if the main file is
 * missing; ERR_IO if one cannot be read (told, without a line); ERR_NOMEM. `out` then holds the
 * defaults. */
MUST_USE enum err cfg_load(const char *path, struct cfg *out, cfg_error_fn *tell, void *arg);
/* Where an option of a listener stands in the files that cfg_load reads: "FILE", and the line;
 * false, and the main file and 0, if it stands nowhere. For complaints about what it names. */
bool cfg_where(const char *path, const char *listener, const char *key,
	char file[static CFG_TEXT_MAX], uint32_t *line);
/* The effective values as an INI file that cfg_load reads back to the same. */
void cfg_print(const struct cfg *c, FILE *out);
/* Every option with its default and help as a commented INI file: the example configuration. */
void cfg_print_example(FILE *out);
/* Sections and options as lists of mdoc(7), for the manual page. */
void cfg_print_mdoc(FILE *out);
/* What a reload would change: copies the reloadable options of `from` to `to`; names of changed
 * options that need a restart go to `refused` as "section.key" words ("listen.NAME.key", and
 * "listen.NAME" for one that came or went; likewise of gateways); what does not fit becomes "...".
 */
void cfg_reload(struct cfg *to, const struct cfg *from, char *refused, size_t refused_cap);

#endif
