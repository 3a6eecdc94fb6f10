/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway says of the devices behind it: an answer to a Read of /25 in one of several
 * formats (the first byte; its upper bit: version 1.0, whose Objects are in /26), and a second one
 * to a Read of /26, behind a byte 0xff. Whatever it is, what can be asked has a prefix of its own.
 */
#include "server/gateway.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* As text it is the same target again. */
static void spelt(const struct lwm_prefix *prefix)
{
	const struct lwm_path p = {2, {3303, 0}};
	struct lwm_target t;
	char text[LWM_TARGET_TEXT_MAX];
	struct writer w = wr_make(text, sizeof(text));

	wr_target(&w, prefix, &p);
	require(!w.err && lwm_target_parse(wr_span(&w), &t) == ERR_OK);
	require(lwm_prefix_eq(&t.prefix, prefix) && lwm_path_eq(&t.path, &p));
}

static void judge(const struct srv_devices *all)
{
	require(all->n <= SRV_DEVICES_MAX && all->bytes <= SRV_DEVICE_BYTES_MAX);
	for (size_t i = 0; i < all->n; i++) {
		const struct srv_device *d = &all->v[i];

		require(!d->fault == (d->prefix.n > 0));
		require(i == 0 || all->v[i - 1].iid < d->iid);
		if (d->fault)
			continue;
		spelt(&d->prefix);
		require(span_eq(srv_device_told(d), lwm_prefix_span(&d->prefix)));
		for (size_t k = 0; k < i; k++)
			require(!lwm_prefix_eq(&all->v[k].prefix, &d->prefix));
	}
}

static void answer(struct msg *m, uint16_t cf, struct span payload)
{
	msg_init(m, MSG_ACK, MSG_CONTENT);
	require(msg_add_uint(m, OPT_CONTENT_FORMAT, cf) == ERR_OK);
	m->payload = payload;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t formats[] = {
		LWM_CF_TLV, LWM_CF_SENML_JSON, LWM_CF_SENML_CBOR, LWM_CF_LWM2M_CBOR, LWM_CF_JSON};
	struct lwm_object_version ver = {25, 20};
	struct lwm_instance inst = {25, 0};
	struct srv_reg g = {.lwm2m = 12, .list = {.inst = &inst, .inst_n = 1, .ver = &ver}};
	struct span all = span_sub((struct span){data, size}, 1, size);
	const uint8_t *cut = all.n ? memchr(all.p, 0xff, all.n) : NULL;
	size_t n = cut ? (size_t)(cut - all.p) : all.n;
	struct srv_devices known;
	struct msg m;

	if (!size)
		return 0;
	g.list.ver_n = !(data[0] & 0x80);
	answer(&m, formats[(data[0] & 0x7f) % 5], span_sub(all, 0, n));
	if (srv_devices_read(&g, &m, SRV_DEVICE_BYTES_MAX, &known))
		return 0;
	judge(&known);
	if (cut && srv_devices_routed(&known)) {
		answer(&m, LWM_CF_SENML_JSON, span_sub(all, n + 1, all.n));
		if (srv_devices_route(&g, &m, SRV_DEVICE_BYTES_MAX, &known) == ERR_OK)
			judge(&known);
	}
	srv_devices_fini(&known);
	return 0;
}
