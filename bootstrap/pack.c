/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap-Pack (BS-19 to BS-21): all that a plan gives a device, as one document that the device
 * fetches. No Finish follows. That the device has taken it is known when a message under the new
 * keys is verified; until then the old ones are as good. */
#include "base/secret.h"
#include "base/text.h"
#include "bootstrap/session.h"
#include "lwm2m/format.h"
#include "lwm2m/regparam.h"

#include <stdlib.h>

/* What the device asks for; SenML CBOR where it does not say. NULL: nothing of ours. */
static const struct lwm_format *format_of(const struct msg *m)
{
	uint32_t cf = LWM_CF_SENML_CBOR;
	if (msg_find(m, OPT_ACCEPT) && !msg_get_uint(m, OPT_ACCEPT, &cf))
		return NULL;
	return cf == LWM_CF_SENML_CBOR || cf == LWM_CF_SENML_JSON || cf == LWM_CF_LWM2M_CBOR
		       ? lwm_format(cf)
		       : NULL;
}

/* Of what the device has, a Pack replaces all but its bootstrap account: where that is, `acc` may
 * tell. */
static enum err choose(struct bs_session *s, const struct lwm_reg_params *p)
{
	enum err err = p->has_acc ? lwm_bs_discover_parse(p->acc, &s->found) : ERR_OK;
	s->found.lwm2m = 12;
	return err ? err : bs_choose_instances(s);
}

static void event(
	struct bs *b, const struct endpoint *e, const char *result, uint16_t ssid, struct turn *t)
{
	uint8_t text[64];
	struct writer w = wr_make(text, sizeof(text));
	wr_fmt(&w, "{\"result\":\"%s\",\"ssid\":%u}", result, (unsigned)ssid);
	ep_event(t, b->opts.next_event, "bootstrap", ep_name(e), wr_span(&w));
}

/* Draws the keys, and answers with the document. They are recorded in the turn of its first block.
 */
static void answer(struct bs *b, struct ep_delivery *d, struct bs_session *s, struct turn *t)
{
	struct bs_endpoint *be = s->endpoint->session;
	struct msg m;
	uint8_t *text = malloc(EP_KEPT_MAX);
	struct writer w = wr_make(text, text ? EP_KEPT_MAX : 0);
	enum err err = text ? ERR_OK : ERR_NOMEM;
	be->packed = NULL;
	if (!err)
		err = bs_draw_contexts(b, s, t);
	if (!err)
		err = bs_write_all(s, &w);
	msg_init(&m, MSG_ACK, MSG_CONTENT);
	if (!err)
		err = msg_add_uint(&m, OPT_CONTENT_FORMAT, s->format);
	m.payload = wr_span(&w);
	if (err) {
		bs_refuse(b, d, EP_REASON_OVERLOAD, MSG_UNAVAILABLE, t);
	} else {
		d->changed = true;
		be->packed = s->keys[BS_KEYS_SERVER].made;
		ep_respond(b->x, d, &m, t);
		event(b, s->endpoint, "packed", s->plan->account[0].ssid, t);
	}
	if (text)
		secret_wipe(text, EP_KEPT_MAX);
	free(text);
}

/* A Pack would take the Object Instances of others too, leaves the bootstrap account alone (BS-21),
 * and reads nothing. */
static bool classic_only(const struct bs_plan *p)
{
	return p->keep_others || p->read_n || p->renewal;
}

void bs_pack(struct bs *b, struct ep_delivery *d, const struct lwm_reg_params *p,
	struct bs_plan *plan, struct turn *t)
{
	const struct lwm_format *f = format_of(d->msg);
	struct bs_endpoint *be = bs_of(d->endpoint);
	struct bs_session *s = be ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		bs_refuse(b, d, EP_REASON_OVERLOAD, MSG_UNAVAILABLE, t);
		return;
	}
	*s = (struct bs_session){.endpoint = d->endpoint, .ctx = d->ctx, .format = f ? f->cf : 0};
	bs_session_follow(s, plan);
	if (!f)
		bs_refuse(b, d, EP_REASON_NO_PACK, MSG_NOT_ACCEPTABLE, t);
	else if (classic_only(plan))
		bs_refuse(b, d, EP_REASON_NO_PACK, MSG_METHOD_NOT_ALLOWED, t);
	else if (d->block2.num) /* of one that is gone, or was never given */
		bs_refuse(b, d, EP_REASON_BAD_BLOCK, MSG_BAD_REQUEST, t);
	else if (choose(s, p))
		bs_refuse(b, d, EP_REASON_PARAMETERS, MSG_BAD_REQUEST, t);
	else
		answer(b, d, s, t);
	secret_wipe(s, sizeof(*s));
	free(s);
}

void bs_context_used(struct bs *b, struct ep_context *c, struct turn *t)
{
	struct bs_endpoint *be = c->endpoint->session;
	if (!be || be->packed != c)
		return;
	event(b, c->endpoint, "finished", c->ssid, t);
	be->last_result = "finished";
	be->last_wall_s = t->wall_ms / 1000;
	be->packed = NULL;
	b->count.finished++;
}
