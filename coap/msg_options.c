/* SPDX-License-Identifier: Apache-2.0 */
#include "coap/msg.h"
#include "coap/opt.h"

#include <coap3/coap.h>
#include <string.h>

void msg_init(struct msg *m, enum msg_type type, uint8_t code)
{
	m->type = (uint8_t)type;
	m->code = code;
	m->mid = 0;
	m->token_n = 0;
	m->opt_n = 0;
	m->small_n = 0;
	m->payload = SPAN_EMPTY;
}

void msg_copy(struct msg *to, const struct msg *from)
{
	uintptr_t small = (uintptr_t)from->small;

	if (to == from)
		return;
	memcpy(to, from, offsetof(struct msg, opt));
	memcpy(to->opt, from->opt, from->opt_n * sizeof(from->opt[0]));
	to->payload = from->payload;
	for (size_t i = 0; i < to->opt_n; i++) {
		uintptr_t at = (uintptr_t)to->opt[i].val.p - small;
		if (at < sizeof(from->small))
			to->opt[i].val.p = &to->small[at];
	}
}

static bool fits(const struct opt_info *info, size_t n)
{
	return info ? n >= info->min && n <= info->max : n <= UINT16_MAX;
}

enum err msg_add(struct msg *m, uint16_t num, struct span val)
{
	size_t i = m->opt_n;

	if (!fits(opt_info(num), val.n))
		return ERR_RANGE;
	if (m->opt_n == MSG_OPTS_MAX)
		return ERR_LIMIT;
	for (; i > 0 && m->opt[i - 1].num > num; i--)
		m->opt[i] = m->opt[i - 1];
	m->opt[i] = (struct opt){num, val};
	m->opt_n++;
	return ERR_OK;
}

enum err msg_add_uint(struct msg *m, uint16_t num, uint32_t v)
{
	uint8_t buf[sizeof(v)];
	size_t n = coap_encode_var_safe8(buf, sizeof(buf), v);

	if (n > sizeof(m->small) - m->small_n)
		return ERR_LIMIT;
	uint8_t *to = n > 0 ? &m->small[m->small_n] : NULL;
	enum err err = msg_add(m, num, (struct span){to, n});
	if (err != ERR_OK || n == 0)
		return err;
	memcpy(to, buf, n);
	m->small_n = (uint8_t)(m->small_n + n);
	return ERR_OK;
}

/* Cuts the next segment off the front of *path; false behind the last one. */
static bool next_segment(const char **path, struct span *segment)
{
	if (!*path)
		return false;
	const char *end = strchrnul(*path, '/');
	*segment = span_make(*path, (size_t)(end - *path));
	*path = *end ? &end[1] : NULL;
	return true;
}

enum err msg_add_path(struct msg *m, uint16_t num, const char *path)
{
	const struct opt_info *info = opt_info(num);
	size_t room = (size_t)MSG_OPTS_MAX - m->opt_n, n = 0;
	const char *rest = path;
	struct span segment;

	if (!*path)
		return ERR_OK;
	while (next_segment(&rest, &segment)) {
		if (segment.n == 0)
			return ERR_SYNTAX;
		if (!fits(info, segment.n))
			return ERR_RANGE;
		n++;
	}
	enum err err = n > room ? ERR_LIMIT : ERR_OK;
	for (rest = path; err == ERR_OK && next_segment(&rest, &segment);)
		err = msg_add(m, num, segment);
	return err;
}

const struct opt *msg_find(const struct msg *m, uint16_t num)
{
	for (size_t i = 0; i < m->opt_n && m->opt[i].num <= num; i++)
		if (m->opt[i].num == num)
			return &m->opt[i];
	return NULL;
}

const struct opt *msg_next(const struct msg *m, const struct opt *o)
{
	size_t i = (size_t)(o - m->opt) + 1;

	return i < m->opt_n && m->opt[i].num == o->num ? &m->opt[i] : NULL;
}

bool msg_get_uint(const struct msg *m, uint16_t num, uint32_t *out)
{
	const struct opt *o = msg_find(m, num);

	if (!o || o->val.n > sizeof(*out))
		return false;
	*out = (uint32_t)coap_decode_var_bytes8(o->val.p, o->val.n);
	return true;
}

void msg_remove(struct msg *m, uint16_t num)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->opt_n; i++)
		if (m->opt[i].num != num)
			m->opt[kept++] = m->opt[i];
	m->opt_n = (uint8_t)kept;
}

/* Is there code in an origin server or client of ours that acts on it? */
static bool understood(const struct msg *m, uint16_t num)
{
	switch (num) {
	case OPT_PROXY_URI:
	case OPT_PROXY_SCHEME:
	case OPT_Q_BLOCK1:
	case OPT_Q_BLOCK2:
	case OPT_EDHOC:
		return false;
	case OPT_URI_HOST:
	case OPT_URI_PORT:
		return msg_code_is_request(m->code);
	default:
		return true;
	}
}

/* A second occurrence of a single option counts as unknown (RFC 7252 section 5.4.5). */
static bool acceptable(const struct msg *m, const struct opt *o, bool again)
{
	const struct opt_info *info = opt_info(o->num);

	return info && fits(info, o->val.n) && (info->repeatable || !again) &&
	       understood(m, o->num);
}

enum msg_verdict msg_check_options(struct msg *m)
{
	size_t kept = 0;
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < m->opt_n; i++) {
		const struct opt *o = &m->opt[i];
		bool good = acceptable(m, o, o->num == last);
		if (!good && opt_is_critical(o->num))
			return MSG_OPTIONS_BAD;
		last = o->num;
		if (good)
			m->opt[kept++] = *o;
	}
	m->opt_n = (uint8_t)kept;
	return MSG_OPTIONS_GOOD;
}
