/* SPDX-License-Identifier: Apache-2.0 */
/* What a table of operations notes of what it was asked, and what it answers; for fake.h. */
#ifndef LANYARD_TESTS_UNIT_ADMIN_FAKE_STATE_H
#define LANYARD_TESTS_UNIT_ADMIN_FAKE_STATE_H

#include "admin/admin.h"
#include "base/text.h"
#include "tests/unit/test.h"

#include <event2/event.h>

#define FAKE static __attribute__((unused))

enum { FAKE_EVENTS_MAX = 6000, FAKE_DEFERRED_MAX = 1100 };

struct fake {
	struct event_base *base;
	struct adm *adm;
	char dir[64], socket[108];
	/* what to answer */
	enum err err;
	struct adm_result result;
	bool defer; /* keep done for later */
	bool more;
	const char *freshness; /* of every endpoint */
	uint8_t version;       /* of every object; 0: not registered */
	unsigned conflicts;    /* so many oscore_put are refused first */
	struct adm_bootstrap_view bootstrap;
	uint64_t event_first, event_last; /* the ring */
	size_t event_bytes;               /* of each event's JSON */
	uint64_t events_told;
	size_t events_max; /* the largest number asked for at once */
	/* what was asked */
	char call[32];
	char name[300], text[4096];
	struct adm_settings settings;
	struct adm_dm dm;
	struct adm_queued_view queued; /* id 0: none */
	uint64_t followed;
	size_t value_n; /* of the first value, if it is bytes */
	uint32_t value_sum;
	uint8_t ids[64];
	size_t secret_n;
	bool bootstrap_role;
	size_t limit;
	adm_done_fn *done;
	void *done_arg;
	size_t deferred_n; /* all that were kept, in their order */
	struct {
		adm_done_fn *done;
		void *arg;
	} deferred[FAKE_DEFERRED_MAX];
	char log[8192];
};

static struct fake fake;

FAKE void fake_note(const char *call, struct span name)
{
	snprintf(fake.call, sizeof(fake.call), "%s", call);
	if (span_to_str(name, fake.name, sizeof(fake.name)))
		fake.name[0] = '\0';
}

FAKE void fake_text(struct span s)
{
	if (span_to_str(s, fake.text, sizeof(fake.text)))
		fake.text[0] = '\0';
}

FAKE void fake_finish(adm_done_fn *done, void *done_arg)
{
	if (!fake.defer) {
		done(done_arg, &fake.result);
		return;
	}
	fake.done = done;
	fake.done_arg = done_arg;
	REQUIRE(fake.deferred_n < FAKE_DEFERRED_MAX, "room for what is deferred");
	fake.deferred[fake.deferred_n].done = done;
	fake.deferred[fake.deferred_n++].arg = done_arg;
}

#endif
