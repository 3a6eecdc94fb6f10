/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/regparam.h"

#include "base/text.h"

#include <string.h>

enum { LIFETIME_DEFAULT_S = 86400 };

static bool is_number(struct span s)
{
	uint64_t v;

	return span_to_u64(s, UINT64_MAX, &v) != ERR_SYNTAX;
}

/* UTF-8 without the control characters of C0, C1 and DEL. */
static bool is_clean(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
		if (s.p[i] == 0xc2 && i + 1 < s.n && s.p[i + 1] < 0xa0)
			return false;
	}
	return utf8_valid(s);
}

static enum err set_ep(struct lwm_reg_params *p, struct span val)
{
	p->has_ep = true;
	p->ep = val;
	return val.n && val.n <= LWM_EP_MAX && is_clean(val) ? ERR_OK : ERR_SYNTAX;
}

static enum err set_lt(struct lwm_reg_params *p, struct span val)
{
	uint64_t v;

	p->has_lt = true;
	if (span_to_u64(val, UINT32_MAX, &v))
		return ERR_SYNTAX;
	p->lifetime_s = (uint32_t)v;
	return ERR_OK;
}

/* What looks like a version but is none of ours gets 4.12 from the engine, upon which clients step
 * down (CT-02); only what is no version at all is malformed. */
static enum err set_lwm2m(struct lwm_reg_params *p, struct span val)
{
	static const struct {
		const char *text;
		uint8_t version;
	} served[] = {{"1.0", 10}, {"1.1", 11}, {"1.2", 12}};

	p->has_lwm2m = true;
	p->lwm2m = 0;
	if (val.n == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < val.n; i++)
		if (val.p[i] != '.' && !is_number(span_sub(val, i, 1)))
			return ERR_SYNTAX;
	for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++)
		if (span_eq_str(val, served[i].text))
			p->lwm2m = served[i].version;
	return ERR_OK;
}

static const char binding_letters[] = "UTSNMH"; /* in the order of enum lwm_binding's bits */

/* Letters of later versions are skipped (CT-22). */
static enum err set_b(struct lwm_reg_params *p, struct span val)
{
	p->has_b = true;
	for (size_t i = 0; i < val.n; i++) {
		uint8_t c = val.p[i];
		const char *at = c ? strchr(binding_letters, c) : NULL;

		if (c < 'A' || c > 'Z')
			return ERR_SYNTAX;
		if (c == 'Q')
			p->queue = true;
		else if (at)
			p->binding |= (uint8_t)(1U << (at - binding_letters));
	}
	return ERR_OK;
}

static enum err set_queue(struct lwm_reg_params *p, struct span val)
{
	(void)val; /* "Q" and "Q=" alike (CT-21) */
	p->queue = true;
	return ERR_OK;
}

static enum err set_sms(struct lwm_reg_params *p, struct span val)
{
	p->has_sms = true;
	p->sms = val;
	return is_number(val) || (val.n && memchr(val.p, '@', val.n) && is_clean(val)) ? ERR_OK
										       : ERR_SYNTAX;
}

static enum err set_pct(struct lwm_reg_params *p, struct span val)
{
	uint64_t v;

	p->has_pct = true;
	if (span_to_u64(val, UINT16_MAX, &v))
		return ERR_SYNTAX;
	p->pct = (uint32_t)v;
	return ERR_OK;
}

static enum err set_pid(struct lwm_reg_params *p, struct span val)
{
	p->has_pid = true;
	p->pid = val;
	return ERR_OK;
}

static enum err set_acc(struct lwm_reg_params *p, struct span val)
{
	p->has_acc = true;
	p->acc = val;
	return ERR_OK;
}

static const struct {
	const char *key;
	enum err (*set)(struct lwm_reg_params *p, struct span val);
} keys[] = {
	{"ep", set_ep},
	{"lt", set_lt},
	{"lwm2m", set_lwm2m},
	{"b", set_b},
	{"Q", set_queue},
	{"sms", set_sms},
	{"pct", set_pct},
	{"pid", set_pid},
	{"acc", set_acc},
};

static enum err take_query(struct lwm_reg_params *p, struct span query, unsigned *seen)
{
	const uint8_t *eq = query.n ? memchr(query.p, '=', query.n) : NULL;
	size_t key_n = eq ? (size_t)(eq - query.p) : query.n;
	struct span key = span_sub(query, 0, key_n);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!span_eq_str(key, keys[i].key))
			continue;
		if (*seen >> i & 1)
			return ERR_SYNTAX;
		*seen |= 1U << i;
		return keys[i].set(p, span_sub(query, key_n + 1, query.n));
	}
	return ERR_OK;
}

enum err lwm_reg_params_parse(const struct msg *m, struct lwm_reg_params *out)
{
	struct lwm_reg_params p = {
		.lifetime_s = LIFETIME_DEFAULT_S, .lwm2m = 10, .binding = LWM_BIND_U};
	unsigned seen = 0;

	for (const struct opt *o = msg_find(m, OPT_URI_QUERY); o; o = msg_next(m, o)) {
		enum err e = take_query(&p, o->val, &seen);

		if (e)
			return e;
	}
	/* Only 1.2 has External Identifiers (REG-12). */
	if (p.has_sms && p.lwm2m && p.lwm2m < 12 && !is_number(p.sms))
		return ERR_SYNTAX;
	*out = p;
	return ERR_OK;
}

static bool all_of(struct span s, const char *accept)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(accept, s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_pid(struct span s)
{
	const uint8_t *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
	size_t n = colon ? (size_t)(colon - s.p) : s.n;
	struct span kind = span_sub(s, 0, n), rest = span_sub(s, n + 1, s.n);

	if (span_eq_str(kind, "oma") || span_eq_str(kind, "v"))
		return all_of(
			rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
	return kind.n == 1 && kind.p[0] >= '1' && kind.p[0] <= '6' && rest.n <= 64 &&
	       all_of(rest, "0123456789abcdef");
}

bool lwm_pid_valid(struct span pid)
{
	bool quoted = pid.n > 1 && pid.p[0] == '"' && pid.p[pid.n - 1] == '"';
	struct span rest = quoted ? span_sub(pid, 1, pid.n - 2) : pid;
	size_t ids = 0;

	for (bool more = true; more;) {
		const uint8_t *comma = rest.n ? memchr(rest.p, ',', rest.n) : NULL;
		size_t n = comma ? (size_t)(comma - rest.p) : rest.n;

		if (++ids > LWM_PIDS_MAX || !is_pid(span_sub(rest, 0, n)))
			return false;
		rest = span_sub(rest, n + 1, rest.n);
		more = comma != NULL;
	}
	return true;
}

void wr_binding(struct writer *w, uint8_t binding)
{
	for (size_t i = 0; binding_letters[i]; i++)
		if (binding >> i & 1)
			wr_u8(w, (uint8_t)binding_letters[i]);
}
