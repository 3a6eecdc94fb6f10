/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/security.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[EP_SECURITY_KINDS] = {[EP_SECURITY_REPLAY] = "replay",
	[EP_SECURITY_DECRYPTION] = "decryption-failed",
	[EP_SECURITY_UNKNOWN_KID] = "unknown-kid",
	[EP_SECURITY_ROLLBACK] = "rollback",
	[EP_SECURITY_KEY_LIMIT] = "key-limit",
	[EP_SECURITY_HANDSHAKE] = "handshake-failed"};

const char *ep_security_name(enum ep_security_kind k)
{
	return names[k];
}

bool ep_security_of(enum ep_reason r, enum ep_security_kind *out)
{
	static const struct {
		enum ep_reason reason;
		enum ep_security_kind kind;
	} rows[] = {{EP_REASON_REPLAY, EP_SECURITY_REPLAY},
		{EP_REASON_DECRYPT, EP_SECURITY_DECRYPTION},
		{EP_REASON_ANSWER_DECRYPT, EP_SECURITY_DECRYPTION},
		{EP_REASON_NO_CONTEXT, EP_SECURITY_UNKNOWN_KID},
		{EP_REASON_ID_CONTEXT, EP_SECURITY_UNKNOWN_KID},
		{EP_REASON_FORGERIES, EP_SECURITY_DECRYPTION},
		{EP_REASON_KEY_LIMIT, EP_SECURITY_KEY_LIMIT},
		{EP_REASON_EXHAUSTED, EP_SECURITY_KEY_LIMIT}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].reason == r) {
			*out = rows[i].kind;
			return true;
		}
	return false;
}

/* How many make an event. */
static uint64_t enough(uint8_t kind)
{
	bool chance = kind == EP_SECURITY_DECRYPTION || kind == EP_SECURITY_HANDSHAKE;
	return chance ? EP_SECURITY_BURST : 1;
}

/* Nothing is left to tell, and it has been quiet; too few for a burst are forgotten. */
static bool is_over(const struct ep_security_slot *v, uint64_t now_ms)
{
	return v->count < enough(v->kind) && now_ms >= v->next_ms &&
	       now_ms - v->last_ms >= EP_SECURITY_QUIET_MS;
}

static struct ep_security_slot *slot_of(
	struct ep_security *s, const struct ep_sighting *w, uint64_t now_ms)
{
	struct ep_security_slot *unused = NULL, *rest = &s->rest[w->kind];
	if (!w->endpoint_id || w->kind == EP_SECURITY_UNKNOWN_KID)
		return rest;
	for (size_t i = 0; i < EP_SECURITY_SLOTS; i++) {
		struct ep_security_slot *v = &s->slot[i];
		if (v->used && is_over(v, now_ms))
			v->used = false;
		if (v->used && v->kind == w->kind && v->endpoint_id == w->endpoint_id)
			return v;
		if (!v->used)
			unused = v;
	}
	return unused ? unused : rest;
}

void ep_security_saw(struct ep_security *s, const struct ep_sighting *w, uint64_t now_ms)
{
	if (!s)
		return;
	struct ep_security_slot *v = slot_of(s, w, now_ms);
	bool rest = v == &s->rest[w->kind];
	if (!v->used || is_over(v, now_ms))
		*v = (struct ep_security_slot){.used = true,
			.kind = (uint8_t)w->kind,
			.endpoint_id = rest ? 0 : w->endpoint_id,
			.next_ms = now_ms};
	struct span name = rest ? SPAN_EMPTY : span_sub(w->name, 0, sizeof(v->name));
	struct span kid = span_sub(w->kid, 0, sizeof(v->kid));
	v->name_n = (uint8_t)name.n;
	v->kid_n = (uint8_t)kid.n;
	memcpy(v->name, name.n ? name.p : v->name, name.n);
	memcpy(v->kid, kid.n ? kid.p : v->kid, kid.n);
	v->has_from = w->from != NULL;
	if (w->from)
		v->from = *w->from;
	if (!v->count++)
		v->first_ms = now_ms;
	v->last_ms = now_ms;
}

static bool take_token(struct ep_security *s, uint8_t kind, uint64_t now_ms)
{
	while (s->spent[kind] && now_ms >= s->refill_ms[kind]) {
		s->spent[kind]--;
		s->refill_ms[kind] += EP_SECURITY_REFILL_MS;
	}
	if (s->spent[kind] >= EP_SECURITY_TOKENS)
		return false;
	if (!s->spent[kind]++)
		s->refill_ms[kind] = now_ms + EP_SECURITY_REFILL_MS;
	return true;
}

static void write_event(const struct ep_security_slot *v, struct writer *w)
{
	uint8_t address[PEER_TEXT_MAX];
	struct writer a = wr_make(address, sizeof(address));
	wr_fmt(w, "{\"kind\":\"%s\",\"count\":%" PRIu64 ",\"seconds\":%" PRIu64, names[v->kind],
		v->count, (v->last_ms - v->first_ms) / 1000);
	if (v->kid_n) {
		wr_str(w, ",\"kid\":\"");
		wr_hex(w, span_make(v->kid, v->kid_n));
		wr_str(w, "\"");
	}
	if (v->has_from)
		wr_peer(&a, &v->from);
	if (v->has_from && !a.err) {
		wr_str(w, ",\"address\":");
		wr_json_string(w, wr_span(&a));
	}
	wr_str(w, "}");
}

static struct ep_security_slot *at(struct ep_security *s, size_t i)
{
	return i < EP_SECURITY_KINDS ? &s->rest[i] : &s->slot[i - EP_SECURITY_KINDS];
}

bool ep_security_due(struct ep_security *s, uint64_t now_ms, struct span *name, struct writer *json)
{
	for (size_t i = 0; i < EP_SECURITY_KINDS + EP_SECURITY_SLOTS; i++) {
		struct ep_security_slot *v = at(s, i);
		if (!v->used || v->count < enough(v->kind) || now_ms < v->next_ms ||
			!take_token(s, v->kind, now_ms))
			continue;
		write_event(v, json);
		*name = span_make(v->name, v->name_n);
		s->told[v->kind]++;
		v->count = 0;
		v->next_ms = now_ms + EP_SECURITY_QUIET_MS;
		return true;
	}
	return false;
}

uint64_t ep_security_deadline_ms(const struct ep_security *s)
{
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < EP_SECURITY_KINDS + EP_SECURITY_SLOTS; i++) {
		const struct ep_security_slot *v = at((struct ep_security *)s, i);
		uint64_t due = v->next_ms;
		if (!v->used || v->count < enough(v->kind))
			continue;
		if (s->spent[v->kind] >= EP_SECURITY_TOKENS && due < s->refill_ms[v->kind])
			due = s->refill_ms[v->kind];
		least = due < least ? due : least;
	}
	return least;
}
