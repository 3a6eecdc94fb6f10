/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap-Read (BS-13): what the merge with accounts that stay needs to know beyond
 * Bootstrap-Discover, and what a plan wants to be shown. That a device refuses it is normal. */
#include "base/text.h"
#include "bootstrap/session.h"
#include "lwm2m/format.h"

#include <stdlib.h>
#include <string.h>

/* What Bootstrap-Discover did not tell: whose the instances of Object 1 are. */
static bool servers_are_unknown(const struct lwm_bs_discover *d)
{
	bool unknown = false, account = false;
	for (size_t i = 0; i < d->server_n; i++)
		unknown |= !d->server[i].ssid;
	for (size_t i = 0; i < d->inst_n; i++)
		account |= d->inst[i].ssid && d->inst[i].ssid != LWM_ID_NONE;
	return unknown || (account && !d->server_n);
}

static void add(struct bs_session *s, const struct lwm_path *p)
{
	for (size_t i = 0; i < s->read_n; i++)
		if (lwm_path_eq(&s->read[i], p))
			return;
	s->read[s->read_n++] = *p;
}

void bs_reads_choose(struct bs *b, struct bs_session *s)
{
	/* 1.0 has no such operation; only an administrator may know better (CT-93). */
	bool merges = s->plan->keep_others && s->found.lwm2m != 10;
	s->read_n = s->read_try = 0;
	s->rights.known = false;
	if (merges && servers_are_unknown(&s->found))
		add(s, &(struct lwm_path){.n = 1, .id = {1}});
	if (merges && s->plan->access_n && s->found.access)
		add(s, &(struct lwm_path){.n = 1, .id = {2}});
	for (size_t i = 0; i < s->plan->read_n; i++)
		add(s, &s->plan->read[i]);
	bs_reads_forget(b, s->endpoint->session);
}

bool bs_read_format(const struct bs_session *s, uint16_t *cf)
{
	static const uint16_t others[] = {
		LWM_CF_TLV, LWM_CF_SENML_CBOR, LWM_CF_SENML_JSON, LWM_CF_LWM2M_CBOR};
	uint8_t at = s->read_try;
	*cf = s->format;
	if (!at)
		return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		*cf = others[i];
		if (others[i] != s->format && !--at)
			return true;
	}
	return false;
}

void bs_reads_forget(struct bs *b, struct bs_endpoint *e)
{
	b->reads_bytes -= e->reads_n;
	free(e->reads);
	e->reads = NULL;
	e->reads_n = 0;
}

/* Beyond what there is room for the events alone have it. */
static void keep(struct bs *b, struct bs_endpoint *e, struct span json)
{
	size_t n = json.n + (e->reads_n ? 1 : 0);
	if (e->reads_n + n > BS_READ_TEXT_MAX || b->reads_bytes + n > BS_READS_BYTES_MAX)
		return;
	char *more = realloc(e->reads, e->reads_n + n);
	if (!more)
		return;
	if (e->reads_n)
		more[e->reads_n] = ',';
	memcpy(more + e->reads_n + n - json.n, json.p, json.n);
	e->reads = more;
	e->reads_n += n;
	b->reads_bytes += n;
}

/* {"path","code"} and, of an answer that holds nothing but what was asked for, its values. */
static void render(const struct bs *b, const struct lwm_path *p, const struct msg *m, uint32_t cf,
	bool good, struct writer *w)
{
	const struct lwm_versions versions = {0};
	if (good && b->opts.render)
		b->opts.render(b->opts.render_arg, p, m->code, (int32_t)cf, m->payload, SPAN_EMPTY,
			&versions, w);
	if (good && b->opts.render && !w->err)
		return;
	*w = wr_make(w->p, w->cap);
	wr_str(w, "{\"path\":\"");
	wr_path(w, p);
	wr_fmt(w, "\",\"code\":\"%u.%02u\"", m->code >> 5, m->code & 31u);
	if (m->code == MSG_CONTENT)
		wr_fmt(w, ",\"error\":\"%s\"",
			good ? "it is too long to be shown" : "what it says cannot be used");
	wr_str(w, "}");
}

void bs_read_taken(struct bs *b, struct bs_session *s, const struct msg *m, struct turn *t)
{
	const struct lwm_path *p = &s->read[s->at];
	uint8_t *text = malloc(2 * BS_READ_TEXT_MAX), *event = malloc(2 * BS_READ_TEXT_MAX + 32);
	uint32_t cf = 0;
	bool good = m->code == MSG_CONTENT && msg_get_uint(m, OPT_CONTENT_FORMAT, &cf) &&
		    !lwm_bs_read(cf, m->payload, p, &s->found, &s->rights);
	struct writer w = wr_make(text, text ? 2 * BS_READ_TEXT_MAX : 0);
	struct writer e = wr_make(event, event ? 2 * BS_READ_TEXT_MAX + 32 : 0);
	render(b, p, m, cf, good, &w);
	wr_str(&e, "{\"result\":\"read\",");
	wr_bytes(&e, span_sub(wr_span(&w), 1, w.n));
	if (!w.err && !e.err) {
		keep(b, s->endpoint->session, wr_span(&w));
		ep_event(t, b->opts.next_event, "bootstrap", ep_name(s->endpoint), wr_span(&e));
	}
	free(text);
	free(event);
}
