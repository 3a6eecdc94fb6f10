/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/endpoint.h"

#include <stdlib.h>
#include <string.h>

static struct span key_name(const void *item)
{
	return ep_name(item);
}

static struct span key_kid(const void *item)
{
	return ep_recipient_id(item);
}

static struct span key_ikm(const void *item)
{
	return ep_ikm(item);
}

struct span ep_name(const struct endpoint *e)
{
	return span_make(e->name, e->name_n);
}

struct span ep_rd_name(const struct endpoint *e)
{
	return e->own && e->own->rd_ep ? span_str(e->own->rd_ep) : ep_name(e);
}

struct span ep_bs_name(const struct endpoint *e)
{
	return e->own && e->own->bs_ep ? span_str(e->own->bs_ep) : ep_name(e);
}

enum err ep_directory_init(struct ep_directory *d, const struct ep_directory_opts *o)
{
	if (!o->ssn_block || o->ssn_block > EP_SSN_BLOCK_MAX)
		return ERR_RANGE;
	uint64_t floor = (uint64_t)o->rollbacks << STORE_EPOCH_BITS;
	uint64_t end = floor + (UINT64_C(1) << STORE_EPOCH_BITS);
	*d = (struct ep_directory){.rng = o->rng,
		.next_id = 1,
		.endpoints_max = o->endpoints_max,
		.window_width = o->window_width,
		.ssn_block = o->ssn_block,
		.rollbacks = o->rollbacks,
		.ssn_floor = floor,
		.ssn_forgotten = o->ssn_forgotten,
		.ssn_end = end < EP_SSN_END_MAX ? end : EP_SSN_END_MAX,
		.freshness = o->freshness,
		.tally = o->tally,
		.security = o->security,
		.failures_stop = o->failures_stop};
	memcpy(d->mark_key, o->mark_key, sizeof(d->mark_key));
	map_init(&d->by_name, key_name, o->seed);
	map_init(&d->by_kid, key_kid, o->seed);
	map_init(&d->by_ikm, key_ikm, o->seed);
	ep_graves_init(&d->graves, o->seed);
	ep_credentials_init(d, o->seed);
	memcpy(d->credential_key, o->credential_key ? o->credential_key : o->seed,
		sizeof(d->credential_key));
	d->next_mid = (uint16_t)rng_u64(&o->rng);
	return osc_crypto_new(&d->crypto);
}

void ep_directory_fini(struct ep_directory *d)
{
	size_t cursor = 0;
	for (struct endpoint *e; (e = map_next(&d->by_name, &cursor));) {
		while (e->contexts)
			ep_context_remove(d, e->contexts, NULL);
		ep_forget(d, e);
	}
	ep_graves_fini(&d->graves);
	map_fini(&d->by_name);
	map_fini(&d->by_kid);
	map_fini(&d->by_ikm);
	ep_credentials_fini(d);
	osc_crypto_free(d->crypto);
	*d = (struct ep_directory){0};
}

struct endpoint *ep_find(const struct ep_directory *d, struct span name)
{
	return map_get(&d->by_name, name);
}

static enum err endpoint_new(struct ep_directory *d, struct span name, struct endpoint **out)
{
	if (!name.n || name.n > 255)
		return ERR_RANGE;
	struct endpoint *e = calloc(1, sizeof(*e) + name.n + 1);
	if (!e)
		return ERR_NOMEM;
	memcpy(e->name, name.p, name.n);
	e->name_n = (uint8_t)name.n;
	enum err err = map_put(&d->by_name, e);
	if (err) {
		free(e);
		return err;
	}
	*out = e;
	return ERR_OK;
}

enum err ep_ensure(struct ep_directory *d, struct span name, struct turn *t, struct endpoint **out)
{
	struct endpoint *e = ep_find(d, name);
	if (!e) {
		if (d->by_name.count >= d->endpoints_max)
			return ERR_LIMIT;
		enum err err = endpoint_new(d, name, &e);
		if (err)
			return err;
		e->id = d->next_id++;
		ep_record(t, e);
	}
	*out = e;
	return ERR_OK;
}

bool ep_has_own(struct endpoint *e)
{
	if (!e->own)
		e->own = calloc(1, sizeof(*e->own));
	return e->own != NULL;
}

/* "" and the name itself are no alias. *out is NULL then. */
static enum err copy_alias(const struct endpoint *e, struct span alias, char **out)
{
	*out = NULL;
	if (!alias.n || span_eq(alias, ep_name(e)))
		return ERR_OK;
	if (alias.n > 255 || memchr(alias.p, 0, alias.n))
		return ERR_RANGE;
	*out = strndup((const char *)alias.p, alias.n);
	return *out ? ERR_OK : ERR_NOMEM;
}

static enum err set_alias(struct endpoint *e, bool bs, struct span alias)
{
	char *copy;
	enum err err = copy_alias(e, alias, &copy);
	if (err || (!copy && !e->own))
		return err;
	if (!ep_has_own(e)) {
		free(copy);
		return ERR_NOMEM;
	}
	char **field = bs ? &e->own->bs_ep : &e->own->rd_ep;
	free(*field);
	*field = copy;
	return ERR_OK;
}

enum err ep_set_bs_ep(struct endpoint *e, struct span alias)
{
	return set_alias(e, true, alias);
}

enum err ep_set_rd_ep(struct endpoint *e, struct span alias)
{
	return set_alias(e, false, alias);
}

static bool is_default(const struct pace *p)
{
	return !p->ack_timeout_ms && !p->block_bytes && !p->message_bytes && !p->max_retransmit &&
	       !p->nstart;
}

enum err ep_set_pace(struct endpoint *e, const struct pace *p)
{
	if (!e->own && is_default(p))
		return ERR_OK;
	if (!ep_has_own(e))
		return ERR_NOMEM;
	e->own->pace = *p;
	return ERR_OK;
}

enum err ep_set_require(struct endpoint *e, uint8_t require)
{
	if (!e->own && !require)
		return ERR_OK;
	if (!ep_has_own(e))
		return ERR_NOMEM;
	e->own->require = require;
	return ERR_OK;
}

struct pace ep_pace(const struct endpoint *e)
{
	return e->own ? e->own->pace : (struct pace){0};
}

static struct span dup_or_absent(struct turn *t, const char *s)
{
	return s ? turn_dup(t, span_str(s)) : SPAN_EMPTY;
}

void ep_record(struct turn *t, const struct endpoint *e)
{
	struct rec_endpoint *r = &turn_rec(t, REC_ENDPOINT_PUT)->endpoint;
	r->id = e->id;
	r->name = turn_dup(t, ep_name(e));
	r->bs_ep = dup_or_absent(t, e->own ? e->own->bs_ep : NULL);
	r->rd_ep = dup_or_absent(t, e->own ? e->own->rd_ep : NULL);
	r->freshness = e->freshness;
	r->allow_nosec = e->allow_nosec;
	r->oscore_version = e->oscore_version;
	r->pace = ep_pace(e);
	r->require = ep_require_of(e);
}

void ep_forget(struct ep_directory *d, struct endpoint *e)
{
	map_del(&d->by_name, ep_name(e));
	while (e->notes) {
		struct ep_note *n = e->notes;
		e->notes = n->next;
		free(n);
	}
	if (e->allow_nosec)
		d->nosec_n--;
	ep_credentials_forget(d, e);
	if (e->own) {
		free(e->own->bs_ep);
		free(e->own->rd_ep);
		free(e->own);
	}
	free(e);
}

static bool owns_nothing(const struct endpoint *e)
{
	const struct ep_own *o = e->own;
	return !o ||
	       (!o->bs_ep && !o->rd_ep && is_default(&o->pace) && !o->credentials && !o->require);
}

bool ep_is_bare(const struct endpoint *e)
{
	return !e->contexts && !e->damaged && !e->freshness && !e->oscore_version &&
	       !e->allow_nosec && owns_nothing(e);
}

uint8_t ep_freshness_of(const struct ep_directory *d, const struct endpoint *e)
{
	return e->freshness == EP_FRESH_DEFAULT ? d->freshness : e->freshness;
}

uint32_t ep_note_id(const struct ep_context *c)
{
	return c ? (uint32_t)c->id : 0;
}

/* That note, taken out of the list; NULL: there is none. */
static struct ep_note *take_note(struct endpoint *e, uint32_t context, enum ep_reason r)
{
	struct ep_note **at = &e->notes, *n;
	while (*at && ((*at)->reason != r || (*at)->context != context))
		at = &(*at)->next;
	n = *at;
	if (n)
		*at = n->next;
	return n;
}

/* The oldest goes when there are too many: strangers can make us take notes. */
static void bound_notes(struct endpoint *e)
{
	struct ep_note **at = &e->notes;
	for (int n = 0; *at && n < EP_NOTES_MAX; n++)
		at = &(*at)->next;
	free(*at);
	*at = NULL;
}

void ep_note_under(struct ep_directory *d, struct endpoint *e, const struct ep_context *c,
	enum ep_reason r, int64_t wall_ms)
{
	ep_tally_count(d->tally, r, !e, wall_ms);
	if (!e)
		return;
	struct ep_note *n = take_note(e, ep_note_id(c), r);
	if (!n)
		n = calloc(1, sizeof(*n));
	if (!n)
		return; /* a note less, nothing else */
	n->reason = (uint8_t)r;
	n->context = ep_note_id(c);
	n->wall_s = (uint32_t)(wall_ms / 1000);
	n->count += n->count < UINT32_MAX;
	n->next = e->notes;
	e->notes = n;
	bound_notes(e);
}

void ep_note(struct ep_directory *d, struct endpoint *e, enum ep_reason r, int64_t wall_ms)
{
	ep_note_under(d, e, NULL, r, wall_ms);
}

void ep_security_note(struct ep_directory *d, enum ep_security_kind k, const struct endpoint *e,
	struct span kid, const struct peer *from, uint64_t now_ms)
{
	struct ep_sighting w = {.kind = k, .kid = kid, .from = from};
	if (e) {
		w.endpoint_id = e->id;
		w.name = ep_name(e);
	}
	ep_security_saw(d->security, &w, now_ms);
}

void ep_note_drop(struct endpoint *e, const struct ep_context *c, enum ep_reason r)
{
	free(take_note(e, ep_note_id(c), r));
}

enum err ep_load_endpoint(
	struct ep_directory *d, const struct rec_endpoint *r, struct endpoint **out)
{
	struct endpoint *e;
	enum err err = endpoint_new(d, r->name, &e);
	if (err)
		return err == ERR_EXISTS ? ERR_CORRUPT : err;
	e->id = r->id;
	*out = e;
	if (r->damaged) {
		e->damaged = EP_DAMAGE_ROW;
		e->freshness = EP_FRESH_ECHO;
		return ERR_OK;
	}
	e->freshness = r->freshness;
	e->oscore_version = r->oscore_version;
	e->allow_nosec = r->allow_nosec;
	if (e->allow_nosec)
		d->nosec_n++;
	if ((err = ep_set_bs_ep(e, r->bs_ep)) || (err = ep_set_rd_ep(e, r->rd_ep)) ||
		(err = ep_set_pace(e, &r->pace)) || (err = ep_set_require(e, r->require))) {
		ep_forget(d, e);
		return err;
	}
	return ERR_OK;
}
