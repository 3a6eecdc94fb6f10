/* SPDX-License-Identifier: Apache-2.0 */
/* Uri-Query options, separated by newlines: what is accepted keeps the promises of regparam.h. */
#include "base/text.h"
#include "lwm2m/regparam.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void add_queries(struct msg *m, struct span rest)
{
	while (rest.n && m->opt_n < MSG_OPTS_MAX) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		m->opt[m->opt_n++] = (struct opt){OPT_URI_QUERY, span_sub(rest, 0, n)};
		rest = span_sub(rest, n + 1, rest.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lwm_reg_params p;
	struct msg m;

	msg_init(&m, MSG_CON, MSG_POST);
	add_queries(&m, (struct span){data, size});
	if (lwm_reg_params_parse(&m, &p))
		return 0;
	require(p.has_ep ? p.ep.n >= 1 && p.ep.n <= LWM_EP_MAX && utf8_valid(p.ep) : !p.ep.n);
	require(p.lwm2m == 0 || (p.lwm2m >= 10 && p.lwm2m <= 12));
	require(p.has_lwm2m || p.lwm2m == 10);
	require(p.has_lt || p.lifetime_s == 86400);
	require(p.binding & LWM_BIND_U && p.binding < 64);
	require(p.has_sms ? p.sms.n > 0 : !p.sms.n);
	require(p.pct <= UINT16_MAX);
	require(!lwm_pid_valid(p.pid) || (p.pid.n && utf8_valid(p.pid)));
	return 0;
}
