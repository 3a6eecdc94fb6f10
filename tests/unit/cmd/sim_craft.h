/* SPDX-License-Identifier: Apache-2.0 */
/* A protected peer of a simulated daemon that does whatever it is told to: messages by hand, under
 * the keys that the daemon has for an endpoint. */
#ifndef LANYARD_TESTS_UNIT_CMD_SIM_CRAFT_H
#define LANYARD_TESTS_UNIT_CMD_SIM_CRAFT_H

#include "tests/unit/cmd/sim_admin.h"

struct craft {
	struct sim *s;
	const char *name;
	struct peer peer;
	uint64_t mark;        /* of the credential that its channel was opened with */
	struct osc_keys keys; /* the device's view */
	uint64_t piv;         /* its next number */
	uint16_t mid;
	struct osc_binding binding; /* of its last request */
	uint8_t bytes[2048], work[2048], opened[2048];
	struct span sent; /* the last datagram, in `bytes` */
};

/* With the newest keys that the endpoint has in that role. */
static void craft_keys(struct craft *c, struct sim *s, const char *name, uint8_t role)
{
	struct osc_keys k;
	const struct endpoint *e = ep_find(&s->core->dir, span_str(name));
	const struct ep_context *x = e ? ep_context_newest(e, role, REC_GEN_WRITTEN) : NULL;
	REQUIRE(x, "keys");
	ep_keys(x, &k);
	memset(c, 0, sizeof(*c));
	c->s = s;
	c->name = name;
	c->keys = k;
	memcpy(c->keys.sender_key, k.recipient_key, sizeof(k.recipient_key));
	memcpy(c->keys.recipient_key, k.sender_key, sizeof(k.sender_key));
	c->keys.sender_id = k.recipient_id;
	c->keys.recipient_id = k.sender_id;
	c->peer = sim_peer_of(100, 5683, role == REC_ROLE_BOOTSTRAP ? SIM_BOOTSTRAP : SIM_SERVER);
	c->mid = 1000;
}

/* Provisions an endpoint, of which there is no simulated device. */
static SIM_UNUSED void craft_open(struct craft *c, struct sim *s, enum dev_role role)
{
	static struct sim_result r;
	struct dev_credentials k = sim_credentials(s, SIM_DEVICES_MAX + 1, role);
	struct adm_oscore o = sim_oscore_of(&k, role);
	REQUIRE(sim_put_oscore(s, "crafted", &o, &r) == 201, "provisioned");
	craft_keys(
		c, s, "crafted", role == DEV_ROLE_BOOTSTRAP ? REC_ROLE_BOOTSTRAP : REC_ROLE_SERVER);
}

/* `query` is of the form "a=1&b=2", or empty. */
static void craft_request(struct msg *m, uint8_t code, const char *path, const char *query)
{
	static char copy[256];
	char *at = copy;
	msg_init(m, MSG_CON, code);
	snprintf(copy, sizeof(copy), "%s", query);
	REQUIRE(msg_add_path(m, OPT_URI_PATH, path) == ERR_OK, "path");
	for (char *q; (q = strsep(&at, "&")) && *q;)
		REQUIRE(msg_add(m, OPT_URI_QUERY, span_str(q)) == ERR_OK, "query");
}

static SIM_UNUSED void craft_register(struct msg *m, const char *query, const char *list)
{
	craft_request(m, MSG_POST, "rd", query);
	if (*list)
		REQUIRE(msg_add_uint(m, OPT_CONTENT_FORMAT, LWM_CF_LINK) == ERR_OK, "format");
	m->payload = span_str(list);
}

/* Seals a request under the next number; it lives until the next one. */
static struct span craft_seal(struct craft *c, struct msg *m, const struct span *kid_context)
{
	struct msg sealed;
	struct writer work = wr_make(c->work, sizeof(c->work)),
		      w = wr_make(c->bytes, sizeof(c->bytes));
	m->mid = ++c->mid;
	m->token_n = 2;
	m->token[0] = (uint8_t)(c->mid >> 8);
	m->token[1] = (uint8_t)c->mid;
	REQUIRE(osc_protect_request(c->s->crypto, &c->keys, c->piv++, kid_context, m, &work,
			&sealed, &c->binding) == ERR_OK &&
			msg_encode_udp(&sealed, &w) == ERR_OK,
		"a request is protected");
	return c->sent = wr_span(&w);
}

/* The code of the answer as it is outside; 0: there was none. */
static uint8_t craft_give(struct craft *c, struct span datagram, struct msg *answer)
{
	return sim_inject_by(c->s, &c->peer, c->mark, datagram, answer) ? answer->code : 0;
}

/* The code of the answer, inside if it is protected; `answer` is then what is inside. */
static uint8_t craft_ask(struct craft *c, struct msg *m, struct msg *answer)
{
	uint64_t number;
	struct writer w = wr_make(c->opened, sizeof(c->opened));
	struct msg outer;
	if (!craft_give(c, craft_seal(c, m, NULL), &outer))
		return 0;
	*answer = outer;
	if (!msg_find(&outer, OPT_OSCORE))
		return outer.code;
	REQUIRE(osc_unprotect_response(
			c->s->crypto, &c->keys, &c->binding, &outer, &w, answer, &number) == ERR_OK,
		"the answer is good");
	return answer->code;
}

/* The same, and an Echo challenge is answered. */
static SIM_UNUSED uint8_t craft_ask_fresh(struct craft *c, struct msg *m, struct msg *answer)
{
	uint8_t echo[40], code = craft_ask(c, m, answer);
	const struct opt *o = msg_find(answer, OPT_ECHO);
	if (code != MSG_UNAUTHORIZED || !o || o->val.n > sizeof(echo))
		return code;
	memcpy(echo, o->val.p, o->val.n);
	REQUIRE(msg_add(m, OPT_ECHO, span_make(echo, o->val.n)) == ERR_OK, "Echo");
	return craft_ask(c, m, answer);
}

/* What the daemon asked last, opened. */
static SIM_UNUSED bool craft_asked(
	struct craft *c, struct msg *outer, struct msg *m, struct osc_binding *b)
{
	struct osc_option o;
	struct writer w = wr_make(c->opened, sizeof(c->opened));
	return !msg_parse_udp(span_make(c->s->last, c->s->last_n), outer) &&
	       !osc_option_of(outer, &o) &&
	       !osc_unprotect_request(c->s->crypto, &c->keys, &o, outer, &w, m, b);
}

/* Answers it. */
static SIM_UNUSED void craft_answer(
	struct craft *c, const struct msg *asked, const struct osc_binding *b, struct msg *m)
{
	struct msg sealed, none;
	struct writer work = wr_make(c->work, sizeof(c->work)),
		      w = wr_make(c->bytes, sizeof(c->bytes));
	m->mid = asked->mid;
	m->token_n = asked->token_n;
	memcpy(m->token, asked->token, sizeof(m->token));
	REQUIRE(osc_protect_response(c->s->crypto, &c->keys, b, NULL, m, &work, &sealed) ==
				ERR_OK &&
			msg_encode_udp(&sealed, &w) == ERR_OK,
		"an answer is protected");
	sim_inject(c->s, &c->peer, wr_span(&w), &none);
}

#endif
