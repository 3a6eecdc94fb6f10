/* SPDX-License-Identifier: Apache-2.0 */
/* Security contexts and their counters. Counters belong to the derived keys, not to accounts: a
 * bootstrap that provisions keys seen before goes on where those keys were left. */
#include "device/inner.h"

#include <stdlib.h>
#include <string.h>

static struct osc_params params_of(const struct dev_oscore *o)
{
	return (struct osc_params){
		.aead = o->aead,
		.hkdf = o->hkdf,
		.master_secret = span_make(o->secret, o->secret_n),
		.master_salt = span_make(o->salt, o->salt_n),
		.sender_id = osc_id_span(&o->sender_id),
		.recipient_id = osc_id_span(&o->recipient_id),
		.has_id_context = o->has_id_context,
		.id_context = span_make(o->id_context, o->id_context_n),
	};
}

enum err dev_context_try(struct dev_host *h, const struct dev_oscore *o)
{
	struct osc_params p = params_of(o);
	struct osc_keys keys;
	if (!o->secret_n)
		return ERR_CONFLICT;
	enum err e = osc_derive(h->crypto, &p, &keys);
	secret_wipe(&keys, sizeof(keys));
	return e;
}

static bool id_eq(const struct osc_id *a, const struct osc_id *b)
{
	return span_eq(osc_id_span(a), osc_id_span(b));
}

static bool ikm_eq(const struct dev_counters *a, const struct dev_counters *b)
{
	return memcmp(a->ikm, b->ikm, sizeof(a->ikm)) == 0;
}

/* Carries what `from` knows over to `to`, key by key: the ids may have changed singly. */
static void counters_merge(struct dev_counters *to, const struct dev_counters *from)
{
	if (!ikm_eq(to, from))
		return;
	if (id_eq(&to->sender_id, &from->sender_id) && from->next > to->next) {
		to->next = from->next;
		to->limit = from->limit;
	}
	if (id_eq(&to->recipient_id, &from->recipient_id) && from->window.any &&
		(!to->window.any || from->window.highest > to->window.highest))
		to->window = from->window;
}

static enum err keep(struct dev *d, const struct dev_counters *c)
{
	for (size_t i = 0; i < d->past_n; i++) {
		if (ikm_eq(&d->past[i], c) && id_eq(&d->past[i].sender_id, &c->sender_id) &&
			id_eq(&d->past[i].recipient_id, &c->recipient_id)) {
			counters_merge(&d->past[i], c);
			return ERR_OK;
		}
	}
	if (d->past_n == DEV_PAST_MAX) { /* the oldest goes */
		memmove(d->past, d->past + 1, (d->past_n - 1) * sizeof(*d->past));
		d->past[d->past_n - 1] = *c;
		return ERR_OK;
	}
	struct dev_counters *past = realloc(d->past, (d->past_n + 1U) * sizeof(*past));
	if (!past)
		return ERR_NOMEM;
	d->past = past;
	d->past[d->past_n++] = *c;
	return ERR_OK;
}

enum err dev_context_adopt(struct dev *d, enum dev_role role, const struct dev_oscore *o)
{
	struct dev_host *h = d->host;
	struct dev_context *c = d->ctx[role];
	struct osc_params p = params_of(o);
	struct dev_context new = {.has_id_context = o->has_id_context};
	enum err e = osc_derive(h->crypto, &p, &new.keys);
	if (e == ERR_OK)
		e = osc_ikm_fingerprint(h->crypto, &p, new.at.ikm);
	if (e == ERR_OK && c && !c->step) /* keys by B.2 never come again */
		e = keep(d, &c->at);
	if (e == ERR_OK && !c) {
		c = calloc(1, sizeof(*c));
		e = c ? ERR_OK : ERR_NOMEM;
	}
	if (e)
		goto out;
	new.at.sender_id = o->sender_id;
	new.at.recipient_id = o->recipient_id;
	new.id_context_n = o->id_context_n;
	memcpy(new.id_context, o->id_context, o->id_context_n);
	new.at.next = new.at.limit = h->start_at;
	osc_window_init(&new.at.window, 32);
	for (size_t i = 0; i < d->past_n; i++)
		counters_merge(&new.at, &d->past[i]);
	/* A shared limit says nothing about what was received before. */
	new.challenge = h->o.challenge && h->start_at > 0 && d->state == DEV_STATE_NEW;
	*c = new;
	d->ctx[role] = c;
out:
	secret_wipe(&new, sizeof(new));
	return e;
}

enum err dev_context_drop(struct dev *d, enum dev_role role)
{
	struct dev_context *c = d->ctx[role];
	enum err e = c && !c->step ? keep(d, &c->at) : ERR_OK;
	if (e || !c)
		return e;
	secret_wipe(c, sizeof(*c));
	free(c);
	d->ctx[role] = NULL;
	return ERR_OK;
}

/* A number waits for the state to be durable only when it is the first of a block. */
enum err dev_context_number(struct dev *d, struct dev_context *c, uint64_t *number)
{
	struct dev_host *h = d->host;
	struct dev_counters *at = &c->at;
	if (at->next > OSC_SSN_MAX)
		return ERR_LIMIT;
	switch (c->step ? DEV_NUMBERS_FORGET : h->o.numbers) {
	case DEV_NUMBERS_FORGET:
		break;
	case DEV_NUMBERS_OWN:
		if (at->next >= at->limit) {
			at->limit = at->next + DEV_RESERVE;
			dev_mark_dirty(d);
		}
		break;
	case DEV_NUMBERS_SHARED:
		if (at->next >= h->limit) {
			h->limit = at->next + DEV_RESERVE_SHARED;
			h->out->limit_raised = true;
		}
		break;
	}
	*number = at->next++;
	return ERR_OK;
}

void dev_context_seen(struct dev *d, struct dev_context *c, uint64_t number)
{
	/* Lower numbers need no commit: after a crash all up to the highest count as seen. */
	if (osc_window_update(&c->at.window, number) && !c->step)
		dev_mark_dirty(d);
}

enum err dev_context_restore(struct dev *d, const struct dev_counters *c)
{
	for (size_t i = 0; i < 2; i++) {
		if (d->ctx[i])
			counters_merge(&d->ctx[i]->at, c);
	}
	return keep(d, c);
}
