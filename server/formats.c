/* SPDX-License-Identifier: Apache-2.0 */
/* Which content format to try first (CT-26, CT-40, CT-41, CT-77, CT-82, FMT-01).
 *
 * The aim is few bytes and no refusal. What a device listed in `ct` is certain. What it did not
 * list follows from its version: TLV until 1.1, for that is smallest and every client of those
 * versions is known to read and write it; SenML CBOR in 1.2, whose clients may have dropped TLV.
 * What was refused before goes to the end.
 *
 * | what                      | 1.0             | 1.1                  | 1.2                  |
 * |---------------------------|-----------------|----------------------|----------------------|
 * | several values            | TLV             | TLV 112 110          | 112 TLV 110          |
 * |   ct has 112 and no TLV   |                 | 112 TLV 110          |                      |
 * | one value, its type known | text + the row  | text + the row + 60  | text + the row + 60  |
 * |   opaque (1)              | 42 + the row    | 42 + the row + 60    | 42 + the row + 60    |
 * |   a link, to be read (2)  | the row + text  | the row + text       | the row + text       |
 * | a Resource we do not know | the row + text  | the row + text       | the row + text       |
 * | a POST of values          | the row         | the row              | the row              |
 *
 * "The row" is that of several values; OMA JSON ends it for reads of 1.0, LwM2M CBOR follows its
 * first of 1.2. (1) From behind the row if `ct` is there without 42: such clients have no opaque,
 * and one takes unknown formats for text. (2) One writes wrong links as text. Formats that this
 * build does not have are skipped. */
#include "server/server_impl.h"

static uint8_t version_of(void *arg, struct span prefix, uint16_t oid)
{
	const struct srv_reg *g = arg;
	if (prefix.n)
		return srv_device_version(g, prefix, oid);
	return lwm_object_list_version(&g->list, oid, g->lwm2m);
}

struct lwm_versions srv_versions_of_all(const struct srv_reg *g)
{
	return (struct lwm_versions){version_of, (void *)g, SPAN_EMPTY};
}

struct lwm_versions srv_versions(const struct srv_reg *g, const struct lwm_prefix *prefix)
{
	return (struct lwm_versions){version_of, (void *)g, lwm_prefix_span(prefix)};
}

/* Formats among which there is a choice. A place here is a bit of what is remembered. */
static const uint16_t choices[] = {LWM_CF_TEXT, LWM_CF_OPAQUE, LWM_CF_TLV, LWM_CF_CBOR,
	LWM_CF_SENML_JSON, LWM_CF_SENML_CBOR, LWM_CF_JSON, LWM_CF_LWM2M_CBOR};
enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

uint8_t srv_format_bit(uint32_t cf)
{
	for (size_t i = 0; i < CHOICES; i++)
		if (choices[i] == cf)
			return (uint8_t)(1u << i);
	return 0;
}

static bool listed(const struct srv_reg *g, uint16_t cf)
{
	size_t n;
	const struct lwm_format *all = lwm_format_table(&n), *f = lwm_format(cf);
	return f && g->list.formats >> (f - all) & 1;
}

struct choice {
	const struct srv_reg *g;
	enum srv_use use;
	uint16_t *out;
	size_t n;
};

/* Behind what is there, if the build has it and it is not there yet. */
static void add(struct choice *c, uint16_t cf)
{
	const struct lwm_format *f = lwm_format(cf);
	if (!f || !f->decode || !f->encode || c->n == SRV_FORMATS_MAX)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (c->out[i] == cf)
			return;
	c->out[c->n++] = cf;
}

static void add_several(struct choice *c)
{
	uint8_t v = c->g->lwm2m;
	bool senml = v >= 12 ||
		     (v >= 11 && listed(c->g, LWM_CF_SENML_CBOR) && !listed(c->g, LWM_CF_TLV));
	if (v < 11) {
		add(c, LWM_CF_TLV);
		if (c->use == SRV_USE_READ)
			add(c, LWM_CF_JSON);
		return;
	}
	add(c, senml ? LWM_CF_SENML_CBOR : LWM_CF_TLV);
	if (v >= 12)
		add(c, LWM_CF_LWM2M_CBOR);
	add(c, senml ? LWM_CF_TLV : LWM_CF_SENML_CBOR);
	add(c, LWM_CF_SENML_JSON);
}

static void add_single(struct choice *c, enum lwm_type type)
{
	bool has_opaque = !c->g->list.formats || listed(c->g, LWM_CF_OPAQUE);
	uint16_t plain = type == LWM_OPAQUE ? LWM_CF_OPAQUE : LWM_CF_TEXT;
	bool late = (type == LWM_OPAQUE && !has_opaque) ||
		    (type == LWM_OBJLNK && c->use == SRV_USE_READ);
	if (!late)
		add(c, plain);
	add_several(c);
	if (late)
		add(c, plain);
	else if (c->g->lwm2m >= 11)
		add(c, LWM_CF_CBOR);
}

/* What was refused goes behind the rest, in the same order. */
static void demote(uint16_t *cf, size_t n, uint8_t refused)
{
	uint16_t kept[SRV_FORMATS_MAX];
	size_t at = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++)
			if (!(refused & srv_format_bit(cf[i])) == !pass)
				kept[at++] = cf[i];
	for (size_t i = 0; i < n; i++)
		cf[i] = kept[i];
}

size_t srv_formats(const struct srv_reg *g, const struct lwm_target *at, enum srv_use use,
	int32_t wanted, uint16_t out[static SRV_FORMATS_MAX])
{
	const struct lwm_versions versions = srv_versions(g, &at->prefix);
	const struct lwm_path *p = &at->path;
	const struct lwm_resource *r = lwm_resource_of(&versions, p);
	struct choice c = {.g = g, .use = use, .out = out};
	if (wanted >= 0) {
		out[0] = (uint16_t)wanted;
		return 1;
	}
	if (use == SRV_USE_PARTIAL || p->n < 3 || (r && r->multiple && p->n == 3))
		add_several(&c);
	else if (r)
		add_single(&c, r->type);
	else
		add_several(&c);
	if (use != SRV_USE_PARTIAL && p->n >= 3 && !r)
		add(&c, LWM_CF_TEXT);
	demote(out, c.n, use == SRV_USE_READ ? g->reads_not : g->writes_not);
	return c.n;
}

void srv_formats_learn(struct srv_reg *g, enum srv_use use, uint16_t cf, uint8_t refused)
{
	uint8_t *not = use == SRV_USE_READ ? &g->reads_not : &g->writes_not;
	*not = (uint8_t)((*not | refused) & ~srv_format_bit(cf));
}
