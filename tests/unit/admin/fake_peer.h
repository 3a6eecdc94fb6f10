/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of fake.h on certificates and raw public keys. */
#ifndef LANYARD_TESTS_UNIT_ADMIN_FAKE_PEER_H
#define LANYARD_TESTS_UNIT_ADMIN_FAKE_PEER_H

#include "tests/unit/admin/fake_state.h"

FAKE enum err fake_peer_list(
	void *arg, struct span name, bool raw_key, adm_peer_fn *fn, void *cb_arg)
{
	(void)arg;
	fake_note(raw_key ? "rpks" : "x509s", name);
	if (fake.err)
		return fake.err;
	if (raw_key) {
		fn(cb_arg, &(struct adm_peer_view){"server", ADM_PEER_RAW_KEY, SPAN_LIT("key")});
		return ERR_OK;
	}
	fn(cb_arg, &(struct adm_peer_view){"bootstrap", ADM_PEER_SHA256, SPAN_LIT("me")});
	fn(cb_arg, &(struct adm_peer_view){"server", ADM_PEER_SUBJECT, SPAN_LIT("CN=me")});
	fn(cb_arg, &(struct adm_peer_view){"server", ADM_PEER_NAME, SPAN_LIT("me")});
	return ERR_OK;
}

FAKE void fake_peer_put(
	void *arg, struct span name, const struct adm_peer *p, adm_done_fn *done, void *done_arg)
{
	struct writer w = wr_make(fake.text, sizeof(fake.text) - 1);

	(void)arg;
	fake_note(p->by == ADM_PEER_RAW_KEY ? "rpk" : "x509", name);
	fake.bootstrap_role = p->bootstrap;
	wr_fmt(&w, "%d ", p->by);
	wr_hex(&w, span_sub(p->value, 0, 40));
	fake.text[w.n] = '\0';
	fake_finish(done, done_arg);
}

FAKE void fake_peer_delete(void *arg, struct span name, bool raw_key, bool bootstrap,
	adm_done_fn *done, void *done_arg)
{
	(void)arg;
	fake_note(raw_key ? "rpk-delete" : "x509-delete", name);
	fake.bootstrap_role = bootstrap;
	fake_finish(done, done_arg);
}

#endif
