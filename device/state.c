/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a device as text. A line is a word and its fields, separated by single spaces; bytes
 * are hex, "." where there are none, "-" where there is nothing.
 *
 *   lanyard-device-state 2
 *   endpoint HEX
 *   clean 0|1
 *   origin FINGERPRINT SENDER-ID RECIPIENT-ID
 *   security IID BOOTSTRAP MODE SSID OSCORE-IID URI
 *   bootstrap SINCE HOLD-OFF TIMEOUT
 *   server IID SSID LIFETIME PMIN PMAX DISABLE STORING BINDING
 *   oscore IID AEAD HKDF SENDER-ID RECIPIENT-ID SECRET SALT ID-CONTEXT
 *   keys FINGERPRINT SENDER-ID RECIPIENT-ID NEXT ANY HIGHEST SEEN
 *   end
 *
 * Version 1 has neither the bootstrap account that all came from nor the times of that in use.
 */
#include "base/text.h"
#include "device/inner.h"

#include <inttypes.h>
#include <string.h>

static const char magic[] = "lanyard-device-state";
enum { STATE_VERSION = 2 };

static void put_bytes(struct writer *w, struct span s)
{
	wr_str(w, " ");
	if (s.n)
		wr_hex(w, s);
	else
		wr_str(w, ".");
}

static void put_accounts(struct writer *w, const struct dev_accounts *a)
{
	for (size_t i = 0; i < a->security_n; i++) {
		const struct dev_security *s = &a->security[i];
		wr_fmt(w, "security %u %d %u %u %u %s\n", s->iid, s->bootstrap, s->mode, s->ssid,
			s->oscore_iid, s->uri[0] ? s->uri : ".");
	}
	const struct dev_security *b = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	if (b)
		wr_fmt(w, "bootstrap %" PRIu64 " %u %u\n", (uint64_t)a->bootstrapped_s,
			b->hold_off_s, b->timeout_s);
	for (size_t i = 0; i < a->server_n; i++) {
		const struct dev_server *s = &a->server[i];
		wr_fmt(w, "server %u %u %u %u %u %u %d", s->iid, s->ssid, s->lifetime_s, s->pmin_s,
			s->pmax_s, s->disable_s, s->storing);
		put_bytes(w, span_str(s->binding));
		wr_str(w, "\n");
	}
	for (size_t i = 0; i < a->oscore_n; i++) {
		const struct dev_oscore *o = &a->oscore[i];
		wr_fmt(w, "oscore %u %d %d", o->iid, o->aead, o->hkdf);
		put_bytes(w, osc_id_span(&o->sender_id));
		put_bytes(w, osc_id_span(&o->recipient_id));
		put_bytes(w, span_make(o->secret, o->secret_n));
		put_bytes(w, span_make(o->salt, o->salt_n));
		if (o->has_id_context)
			put_bytes(w, span_make(o->id_context, o->id_context_n));
		else
			wr_str(w, " -");
		wr_str(w, "\n");
	}
}

static void put_counters(struct writer *w, const struct dev_counters *c, bool clean)
{
	wr_str(w, "keys");
	put_bytes(w, SPAN_OF(c->ikm));
	put_bytes(w, osc_id_span(&c->sender_id));
	put_bytes(w, osc_id_span(&c->recipient_id));
	wr_fmt(w, " %" PRIu64 " %d %" PRIu64 " %" PRIu64 "\n", clean ? c->next : c->limit,
		c->window.any, (uint64_t)c->window.highest, c->window.seen);
}

enum err dev_state_write(const struct dev *d, bool clean, struct writer *w)
{
	wr_fmt(w, "%s %d\nendpoint", magic, STATE_VERSION);
	put_bytes(w, span_str(d->endpoint));
	wr_fmt(w, "\nclean %d\n", clean);
	if (d->origin.any) {
		wr_str(w, "origin");
		put_bytes(w, SPAN_OF(d->origin.ikm));
		put_bytes(w, osc_id_span(&d->origin.sender_id));
		put_bytes(w, osc_id_span(&d->origin.recipient_id));
		wr_str(w, "\n");
	}
	put_accounts(w, &d->accounts);
	for (size_t i = 0; i < d->past_n; i++)
		put_counters(w, &d->past[i], clean);
	for (size_t i = 0; i < 2; i++) {
		if (d->ctx[i] && !d->ctx[i]->step)
			put_counters(w, &d->ctx[i]->at, clean);
	}
	wr_str(w, "end\n");
	return w->err;
}

/* Fields of a line, with a sticky error. */
struct fields {
	struct span rest;
	enum err err;
};

static struct span word(struct fields *f)
{
	size_t n = 0;
	while (n < f->rest.n && f->rest.p[n] != ' ')
		n++;
	struct span s = span_sub(f->rest, 0, n);
	f->rest = span_sub(f->rest, n + 1, f->rest.n);
	if (!s.n && !f->err)
		f->err = ERR_SYNTAX;
	return s;
}

static uint64_t number(struct fields *f, uint64_t max)
{
	uint64_t v = 0;
	enum err e = span_to_u64(word(f), max, &v);
	if (e && !f->err)
		f->err = e;
	return v;
}

static int16_t small(struct fields *f)
{
	bool minus = f->rest.n && f->rest.p[0] == '-';
	if (minus)
		f->rest = span_sub(f->rest, 1, f->rest.n);
	int v = (int)number(f, INT16_MAX);
	return (int16_t)(minus ? -v : v);
}

static uint8_t bytes(struct fields *f, uint8_t *out, size_t cap)
{
	struct span s = word(f);
	struct writer w = wr_make(out, cap);
	if (!span_eq_str(s, ".") && !f->err)
		f->err = hex_decode(s, &w);
	return (uint8_t)w.n;
}

static void id(struct fields *f, struct osc_id *out)
{
	out->n = bytes(f, out->p, sizeof(out->p));
}

static void take_security(struct fields *f, struct dev_accounts *a)
{
	uint16_t iid = (uint16_t)number(f, 65534);
	enum err e = dev_accounts_instance(a, 0, iid, true);
	struct dev_security *s = dev_security_find(a, iid);
	if (e || !s) {
		f->err = f->err ? f->err : e;
		return;
	}
	s->bootstrap = number(f, 1) != 0;
	s->mode = (uint8_t)number(f, 4);
	s->ssid = (uint16_t)number(f, 65534);
	s->oscore_iid = (uint16_t)number(f, 65535);
	struct span uri = word(f);
	enum err e2 = span_eq_str(uri, ".") ? ERR_OK
					    : dev_texts_take(a->texts, uri, DEV_URI_MAX, &s->uri);
	if (e2)
		f->err = e2 == ERR_RANGE ? ERR_SYNTAX : e2;
}

/* Behind the account it belongs to. */
static void take_times(struct fields *f, struct dev_accounts *a)
{
	const struct dev_security *b = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	struct dev_security *s = b ? dev_security_find(a, b->iid) : NULL;
	a->bootstrapped_s = (int64_t)number(f, INT64_MAX);
	uint32_t hold_off_s = (uint32_t)number(f, UINT32_MAX);
	uint32_t timeout_s = (uint32_t)number(f, UINT32_MAX);
	if (!s) {
		f->err = ERR_SYNTAX;
		return;
	}
	s->hold_off_s = hold_off_s;
	s->timeout_s = timeout_s;
}

static void take_origin(struct fields *f, struct dev_origin *o)
{
	if (bytes(f, o->ikm, sizeof(o->ikm)) != sizeof(o->ikm) && !f->err)
		f->err = ERR_SYNTAX;
	id(f, &o->sender_id);
	id(f, &o->recipient_id);
	o->any = true;
}

static void take_server(struct fields *f, struct dev_accounts *a)
{
	struct dev_server s = {.iid = (uint16_t)number(f, 65534)};
	s.ssid = (uint16_t)number(f, 65534);
	s.lifetime_s = (uint32_t)number(f, UINT32_MAX);
	s.pmin_s = (uint32_t)number(f, UINT32_MAX);
	s.pmax_s = (uint32_t)number(f, UINT32_MAX);
	s.disable_s = (uint32_t)number(f, UINT32_MAX);
	s.storing = number(f, 1) != 0;
	bytes(f, (uint8_t *)s.binding, sizeof(s.binding) - 1);
	if (a->server_n == DEV_SERVERS_MAX)
		f->err = ERR_SYNTAX;
	else
		a->server[a->server_n++] = s;
}

static void take_oscore(struct fields *f, struct dev_accounts *a)
{
	struct dev_oscore o = {.iid = (uint16_t)number(f, 65534)};
	o.aead = small(f);
	o.hkdf = small(f);
	id(f, &o.sender_id);
	id(f, &o.recipient_id);
	o.secret_n = bytes(f, o.secret, sizeof(o.secret));
	o.salt_n = bytes(f, o.salt, sizeof(o.salt));
	o.has_id_context = !span_eq_str(f->rest, "-");
	if (o.has_id_context)
		o.id_context_n = bytes(f, o.id_context, sizeof(o.id_context));
	else
		word(f);
	if (a->oscore_n == DEV_OSCORE_MAX)
		f->err = ERR_SYNTAX;
	else
		a->oscore[a->oscore_n++] = o;
	secret_wipe(&o, sizeof(o));
}

static void take_keys(struct fields *f, struct dev *d, bool clean)
{
	struct dev_counters c = {0};
	if (bytes(f, c.ikm, sizeof(c.ikm)) != sizeof(c.ikm) && !f->err)
		f->err = ERR_SYNTAX;
	id(f, &c.sender_id);
	id(f, &c.recipient_id);
	c.next = c.limit = number(f, OSC_SSN_MAX + 1);
	osc_window_init(&c.window, 32);
	c.window.any = number(f, 1) != 0;
	c.window.highest = number(f, OSC_SSN_MAX) & OSC_SSN_MAX;
	c.window.seen = number(f, UINT64_MAX);
	if (c.window.any && !clean)
		osc_window_seal(&c.window, c.window.highest);
	if (!f->err)
		f->err = dev_context_restore(d, &c);
}

/* What is read before it is used. */
struct loaded {
	struct dev_accounts accounts;
	struct dev_origin origin;
	bool head, clean, end;
};

static void take_head(struct fields *f, struct loaded *l)
{
	l->head = true;
	if (number(f, UINT32_MAX) > STATE_VERSION && !f->err)
		f->err = ERR_NEWER;
}

static enum err take_line(struct dev *d, struct span line, struct loaded *l)
{
	struct fields f = {.rest = line};
	struct span what = word(&f);
	uint8_t name[DEV_ENDPOINT_MAX];
	if (!l->head && !span_eq_str(what, magic))
		return ERR_SYNTAX;
	if (!l->head)
		take_head(&f, l);
	else if (span_eq_str(what, "clean"))
		l->clean = number(&f, 1) != 0;
	else if (span_eq_str(what, "security"))
		take_security(&f, &l->accounts);
	else if (span_eq_str(what, "origin"))
		take_origin(&f, &l->origin);
	else if (span_eq_str(what, "bootstrap"))
		take_times(&f, &l->accounts);
	else if (span_eq_str(what, "server"))
		take_server(&f, &l->accounts);
	else if (span_eq_str(what, "oscore"))
		take_oscore(&f, &l->accounts);
	else if (span_eq_str(what, "keys"))
		take_keys(&f, d, l->clean);
	else if (span_eq_str(what, "end"))
		l->end = true;
	else if (!span_eq_str(what, "endpoint"))
		f.err = ERR_SYNTAX;
	else if (!span_eq_str(span_make(name, bytes(&f, name, sizeof(name))), d->endpoint))
		f.err = f.err ? f.err : ERR_CONFLICT;
	return f.err ? f.err : f.rest.n ? ERR_SYNTAX : ERR_OK;
}

static bool same_secret(const struct dev_oscore *a, const struct dev_oscore *b)
{
	return a && b &&
	       secret_eq(span_make(a->secret, a->secret_n), span_make(b->secret, b->secret_n)) &&
	       span_eq(osc_id_span(&a->sender_id), osc_id_span(&b->sender_id)) &&
	       span_eq(osc_id_span(&a->recipient_id), osc_id_span(&b->recipient_id));
}

static bool same_origin(const struct dev_origin *a, const struct dev_origin *b)
{
	return a->any && b->any && !memcmp(a->ikm, b->ikm, sizeof(a->ikm)) &&
	       span_eq(osc_id_span(&a->sender_id), osc_id_span(&b->sender_id)) &&
	       span_eq(osc_id_span(&a->recipient_id), osc_id_span(&b->recipient_id));
}

/* The bootstrap account may be another one by now, or gone; the URI of the first one is the
 * configuration's. */
static enum err take_bootstrap(struct dev *d, struct dev_accounts *a)
{
	const struct dev_security *now = dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP);
	const struct dev_security *then = dev_security_of(a, DEV_ROLE_BOOTSTRAP);
	const struct dev_oscore *o = dev_oscore_of(a, DEV_ROLE_BOOTSTRAP);
	if (!then)
		return dev_context_drop(d, DEV_ROLE_BOOTSTRAP);
	if (!same_secret(dev_oscore_of(&d->accounts, DEV_ROLE_BOOTSTRAP), o))
		return dev_context_adopt(d, DEV_ROLE_BOOTSTRAP, o);
	dev_security_find(a, then->iid)->uri = now->uri;
	return ERR_OK;
}

/* The accounts that bootstrap left, as long as the device still has the bootstrap account they came
 * from. */
static enum err take_accounts(struct dev *d, struct loaded *l)
{
	struct dev_accounts *a = &l->accounts;
	const struct dev_security *now = dev_security_of(&d->accounts, DEV_ROLE_BOOTSTRAP);
	bool same = l->origin.any ? same_origin(&l->origin, &d->origin)
				  : same_secret(dev_oscore_of(&d->accounts, DEV_ROLE_BOOTSTRAP),
					    dev_oscore_of(a, DEV_ROLE_BOOTSTRAP));
	if (!now || !same || dev_accounts_check(d->host, a) != ERR_OK)
		return ERR_OK;
	enum err e = take_bootstrap(d, a);
	if (e)
		return e;
	d->accounts = *a;
	return dev_context_adopt(d, DEV_ROLE_SERVER, dev_oscore_of(&d->accounts, DEV_ROLE_SERVER));
}

enum err dev_state_read(struct dev *d, struct span text)
{
	struct loaded l = {.accounts.texts = &d->host->texts};
	enum err e = ERR_OK;
	while (text.n && !l.end && e == ERR_OK) {
		size_t n = 0;
		while (n < text.n && text.p[n] != '\n')
			n++;
		/* A cut "endpoint" must not pass for "end". */
		e = n < text.n ? take_line(d, span_sub(text, 0, n), &l) : ERR_SYNTAX;
		text = span_sub(text, n + 1, text.n);
	}
	if (e == ERR_OK)
		e = l.end && !text.n ? take_accounts(d, &l) : ERR_SYNTAX;
	for (size_t i = 0; i < 2; i++) {
		if (d->ctx[i])
			d->ctx[i]->challenge = !l.clean && d->host->o.challenge;
	}
	secret_wipe(&l, sizeof(l));
	return e;
}
