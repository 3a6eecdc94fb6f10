/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of an Observe-Composite (IR-03). */
#include "server/server_impl.h"

#include <stdlib.h>
#include <string.h>

static int by_target(const void *a, const void *b)
{
	return lwm_target_cmp(a, b);
}

static void settle(struct srv_names *names)
{
	size_t n = 0;
	if (names->n)
		qsort(names->v, names->n, sizeof(names->v[0]), by_target);
	for (size_t i = 0; i < names->n; i++)
		if (n == 0 || lwm_target_cmp(&names->v[i], &names->v[n - 1]))
			names->v[n++] = names->v[i];
	names->n = n;
}

bool srv_names_of(const struct srv_dm *d, struct srv_names *out)
{
	*out = (struct srv_names){.n = d->record_n};
	if (d->record_n == 0 || d->record_n > SRV_NAMES_MAX)
		return false;
	for (size_t i = 0; i < d->record_n; i++) {
		const struct lwm_record *r = &d->records[i];
		if (r->prefix.n && lwm_prefix_set(r->prefix, &out->v[i].prefix))
			return false;
		out->v[i].path = r->path;
	}
	settle(out);
	return true;
}

bool srv_names_eq(const struct srv_names *a, const struct srv_names *b)
{
	if (!a || !b)
		return !a && !b;
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (lwm_target_cmp(&a->v[i], &b->v[i]))
			return false;
	return a->n == b->n;
}

void srv_names_write(const struct srv_names *names, struct writer *w)
{
	for (size_t i = 0; i < names->n; i++) {
		if (i)
			wr_u8(w, ' ');
		wr_target(w, &names->v[i].prefix, &names->v[i].path);
	}
}

bool srv_names_parse(struct span text, struct srv_names *out)
{
	*out = (struct srv_names){.n = 0};
	while (text.n && out->n < SRV_NAMES_MAX) {
		const uint8_t *end = memchr(text.p, ' ', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		if (lwm_target_parse(span_sub(text, 0, n), &out->v[out->n]) ||
			!out->v[out->n].path.n)
			return false;
		out->n++;
		text = span_sub(text, n + 1, text.n);
	}
	settle(out);
	return out->n && !text.n;
}

enum err srv_names_request(const struct srv_names *names, struct span alt, uint16_t accept,
	uint8_t buf[static SRV_NAMES_BODY_MAX], struct msg *m)
{
	struct lwm_record rec[SRV_NAMES_MAX];
	const struct lwm_path root = {0};
	const struct lwm_codec_opts opts = {.alt = alt, .fetch = true};
	/* Some read the body by its Accept (CT-42); LwM2M CBOR has no names alone. */
	const struct lwm_format *f =
		lwm_format(accept == LWM_CF_SENML_JSON ? LWM_CF_SENML_JSON : LWM_CF_SENML_CBOR);
	struct writer w = wr_make(buf, SRV_NAMES_BODY_MAX);
	for (size_t i = 0; i < names->n; i++)
		rec[i] = (struct lwm_record){.kind = LWM_RECORD_NAME,
			.prefix = lwm_prefix_span(&names->v[i].prefix),
			.path = names->v[i].path};
	enum err err = f->encode(rec, names->n, &root, &opts, &w);
	m->payload = wr_span(&w);
	if (!err)
		err = msg_add_uint(m, OPT_CONTENT_FORMAT, f->cf);
	return err ? err : msg_add_uint(m, OPT_ACCEPT, accept);
}
