/* SPDX-License-Identifier: Apache-2.0 */
/* What a bootstrap gives a device: server accounts, and the rights they have. */
#ifndef LANYARD_BOOTSTRAP_PLAN_H
#define LANYARD_BOOTSTRAP_PLAN_H

#include "lwm2m/path.h"

enum {
	BS_URI_MAX = 255,
	BS_JSON_MAX = 32768,
	BS_SERVERS_MAX = 8,
	BS_ACCESS_MAX = 32,
	BS_PATTERNS_MAX = 32,
	BS_READS_MAX = 8,
	BS_MATCH_MAX = 128,
	BS_ID_CONTEXT_MAX = 8,
	BS_IDENTITY_MAX = 128, /* of a PSK, and of the key: Transport TS 5.2.9.1 */
	BS_PSK_MAX = 64,
	BS_DER_MAX = 2048, /* a certificate or a key */
};

/* /0/x/2 */
enum bs_mode { BS_MODE_PSK = 0, BS_MODE_RPK = 1, BS_MODE_X509 = 2, BS_MODE_NOSEC = 3 };

/* How the keys of an account are made and told. */
struct bs_oscore {
	int16_t aead, hkdf;         /* COSE numbers */
	uint8_t id_context_bytes;   /* drawn at each bootstrap; 0: no ID Context */
	uint8_t recipient_id_bytes; /* 0: as configured */
	bool hkdf_number; /* /21/x/4 as the number of the HKDF, not of its HMAC (CT-101) */
};

/* One server account: Security, Server and, if `has_oscore`, OSCORE Object Instance. What it points
 * to belongs to its plan. */
struct bs_account {
	const char *uri;
	char binding[8];
	uint16_t ssid;
	uint32_t lifetime_s;
	uint32_t pmin_s, pmax_s; /* default periods; 0: not written */
	bool notification_storing;
	uint8_t lwm2m;        /* bits of BS_LWM2M_*: versions it speaks; 0: not written */
	uint8_t profile_hash; /* it prefers for Profile IDs, 1 to 6; 0: not written */
	uint8_t mode;         /* enum bs_mode; with has_oscore: OSCORE inside it */
	bool has_oscore;
	struct bs_oscore oscore;
	/* /0/x/3, 4 and 5, as the mode has them; empty: not written (BS-26) */
	struct span identity, server_key, secret;
	int8_t matching_type, certificate_usage; /* below 0: not written */
	const char *sni;                         /* NULL: not written */
};

/* A new bootstrap account, secured by OSCORE, in the place of the one that a device asks with. */
struct bs_renewal {
	const char *uri;
	uint32_t hold_off_s; /* before the device asks for a bootstrap; 0: not written */
	uint32_t timeout_s;  /* after which the device drops the account; 0: never */
	struct bs_oscore oscore;
};

/* /1/x/25 */
enum { BS_LWM2M_10 = 1, BS_LWM2M_11 = 2, BS_LWM2M_12 = 4, BS_LWM2M_N = 3 };

enum {
	BS_RIGHT_READ = 1,
	BS_RIGHT_WRITE = 2,
	BS_RIGHT_EXECUTE = 4,
	BS_RIGHT_DELETE = 8,
	BS_RIGHT_CREATE = 16
};

/* An instance of Object 2. */
struct bs_access {
	uint16_t oid, iid; /* iid 65535: the right to create in oid (BS-29) */
	uint16_t owner;    /* 65535: the bootstrap server */
	uint8_t right_n;
	struct {
		uint16_t ssid; /* 0: all others */
		uint8_t rights;
	} right[BS_SERVERS_MAX + 1];
};

/* Never changed once it is made; shared by those who run it. */
struct bs_plan {
	unsigned refs;
	uint8_t account_n, access_n, remove_n, pattern_n, read_n;
	int16_t rotate_days; /* keys older than that are changed; 0: never; -1: as configured */
	bool keep_others;    /* accounts it does not name stay; else all go */
	struct bs_account *account;
	struct bs_access *access;   /* the whole of Object 2, if there is any */
	uint16_t *remove;           /* accounts to delete, by SSID; only with keep_others */
	struct lwm_path *read;      /* what the device is to show before anything changes */
	struct bs_renewal *renewal; /* NULL: the bootstrap account stays */
	struct bs_pattern *pattern; /* of the default plan: others, by name of the endpoint */
	uint8_t *blob;              /* what accounts and patterns point to */
	size_t blob_n;
};

struct bs_pattern {
	const char *match; /* fnmatch(3) */
	struct bs_plan *plan;
};

/* Why a plan is not taken. */
struct bs_refusal {
	char field[64]; /* "servers[0].uri"; "": the plan as a whole */
	char text[160];
};

enum bs_plan_kind {
	BS_PLAN_OWN,     /* of one endpoint: it may hold keys */
	BS_PLAN_PATTERN, /* of many */
	BS_PLAN_DEFAULT, /* of all others, with those of many */
};

/* Reads what lanyard-rest(7) and openapi.json show. ERR_SYNTAX with the reason in `no`, ERR_NOMEM.
 * One reference is the caller's. */
MUST_USE enum err bs_plan_parse(
	struct span json, enum bs_plan_kind kind, struct bs_plan **out, struct bs_refusal *no);
/* A plan of one account; its uri is copied, keys are not taken. The rules of plans are not applied.
 */
MUST_USE enum err bs_plan_one(const struct bs_account *a, struct bs_plan **out);
struct bs_plan *bs_plan_ref(struct bs_plan *p);
/* The last one wipes and frees it. NULL is fine. */
void bs_plan_unref(struct bs_plan *p);
/* Whether there is something to do for a device; false of NULL. */
bool bs_plan_acts(const struct bs_plan *p);
/* The account whose keys are drawn here; NULL: none. */
const struct bs_account *bs_plan_oscore(const struct bs_plan *p);
/* Whether an account of it, or one to be removed, has that SSID. */
bool bs_plan_names(const struct bs_plan *p, uint16_t ssid);
/* As JSON; with its secrets it is what bs_plan_parse reads. */
void bs_plan_write(const struct bs_plan *p, bool secrets, struct writer *w);
/* "1.0": of the at-th bit. */
extern const char *const bs_lwm2m_versions[BS_LWM2M_N];
/* What an account is where a plan says nothing. */
void bs_account_defaults(struct bs_account *a);

#endif
