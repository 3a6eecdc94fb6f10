/* SPDX-License-Identifier: Apache-2.0 */
/* Why an endpoint does not connect: one sentence, what stands, and what happened, the newest first.
 */
#include "cmd/core_impl.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STANDING_MAX = 12, CONTEXTS_MAX = 16, TEXT_MAX = 768 };

/* All that an explanation points to, and what it is made from. */
struct look {
	struct core *c;
	const struct endpoint *e;
	struct srv_view v;
	struct bs_view b;
	const struct ep_context *server, *boot; /* the newest */
	const struct ep_note *trouble;          /* the newest that may keep it from connecting */
	int64_t now_s, contact_s;
	struct adm_reason reason[STANDING_MAX + EP_NOTES_MAX];
	size_t reason_n;
	struct adm_reason refusal[1 + CONTEXTS_MAX]; /* of the endpoint; of each context */
	struct adm_context_state context[CONTEXTS_MAX];
	size_t context_n;
	char text[TEXT_MAX], bootstrap[256], firmware[320], requests[128];
};

static struct adm_reason reason_view(enum ep_reason r, uint64_t count, int64_t wall_s)
{
	const struct ep_reason_info *i = ep_reason_info(r);
	return (struct adm_reason){
		.code = i->code, .text = i->text, .wall_s = wall_s, .count = count};
}

/* ---- what stands */

static void tell(struct look *k, const char *code, const char *text, int64_t wall_s)
{
	if (k->reason_n < STANDING_MAX)
		k->reason[k->reason_n++] =
			(struct adm_reason){.code = code, .text = text, .wall_s = wall_s};
}

static bool any_stale(const struct endpoint *e)
{
	const struct ep_context *c = e->contexts;
	while (c && !c->stale)
		c = c->next_of_endpoint;
	return c != NULL;
}

static bool any_heard(const struct endpoint *e)
{
	const struct ep_context *c = e->contexts;
	while (c && !c->window.any)
		c = c->next_of_endpoint;
	return c != NULL;
}

static const char stale_text[] =
	"The database was set back to an older copy since its keys were first used, or rows of it "
	"were damaged: nothing is done under them before the device has answered an Echo "
	"challenge. One that does not know Echo "
	"needs new credentials.";

static const char used_text[] =
	"Keys of it have encrypted three quarters or more of what keys may; 'lanyardctl "
	"credentials EP' "
	"counts. A device that knows the procedure of RFC 8613 Appendix B.2 is offered new ones "
	"when "
	"it is heard of; else, or if it does not take them, a registered device that has bootstrap "
	"keys is told in time to bootstrap. Other keys need to be provisioned anew.";
static const char attacked_text[] =
	"Messages failed to decrypt under its keys nearly as often as keys may bear, or more; "
	"'lanyardctl credentials EP' counts. Somebody forges. A device that knows the procedure "
	"of RFC 8613 Appendix B.2 is offered new ones; at the limit a registered device that has "
	"bootstrap keys is told to bootstrap, and few of such messages are tried.";

static const char *const damage_text[] = {
	[EP_DAMAGE_KEYS] =
		"Keys of it, or their counters, are damaged in the database: nothing is "
		"served under them, for a number could be used twice. New ones serve it, by a "
		"bootstrap or by 'lanyardctl provision EP --generate'; or restore a backup. This "
		"is told until the endpoint is deleted.",
	[EP_DAMAGE_ROW] = "Its row in the database is damaged, so that neither its name nor its "
			  "settings are sure, and it is not served: restore a backup, or delete it "
			  "and provision it anew.",
};

static void tell_state(struct look *k)
{
	if (k->c->failed)
		tell(k, "storage", ep_reason_info(EP_REASON_STORAGE)->text, 0);
	if (k->v.registered && k->v.asleep)
		tell(k, "asleep",
			"It is registered, uses queue mode and has been silent: it is asleep.", 0);
	else if (k->v.registered)
		tell(k, "registered", "It is registered.", 0);
	else
		tell(k, "not-registered", "It is not registered now.", 0);
	if (!k->e->contexts && !k->e->allow_nosec && !ep_has_credentials(k->e))
		tell(k, "no-credentials",
			"It has no credentials here: provision it, or allow it to come "
			"unprotected.",
			0);
	if (k->server && !k->server->window.any)
		tell(k, "never-used",
			"Its newest server keys have never been used: no protected request has "
			"arrived under them.",
			0);
	if (k->boot && !k->server && !k->boot->window.any)
		tell(k, "never-bootstrapped",
			"It has bootstrap credentials, but no protected Bootstrap-Request has "
			"arrived.",
			0);
	if (k->e->damaged)
		tell(k, "damaged", damage_text[k->e->damaged], 0);
	if (any_stale(k->e))
		tell(k, "rolled-back", stale_text, 0);
	if (core_near_limit(k->e, false))
		tell(k, "keys-used", used_text, 0);
	if (core_near_limit(k->e, true))
		tell(k, "keys-attacked", attacked_text, 0);
	if (k->boot && !bs_plan_acts(k->b.plan))
		tell(k, "no-plan", ep_reason_info(EP_REASON_NO_PLAN)->text, 0);
}

static void tell_bootstrap(struct look *k)
{
	bool good = !strcmp(k->b.last_result, "finished");
	struct writer w = wr_make(k->bootstrap, sizeof(k->bootstrap) - 1);
	if (!k->b.last_wall_s)
		return;
	wr_str(&w, good ? "Its last bootstrap finished." : "Its last bootstrap failed: ");
	if (!good)
		wr_fmt(&w, "%s.", k->b.last_result);
	k->bootstrap[w.n] = '\0';
	tell(k, good ? "bootstrapped" : "last-bootstrap", k->bootstrap, k->b.last_wall_s);
}

static void tell_firmware(struct look *k)
{
	struct srv_fw_view v;
	struct writer w = wr_make(k->firmware, sizeof(k->firmware) - 1);
	if (!srv_firmware_view(k->c->srv, k->e, &v))
		return;
	bool over = v.step == SRV_FW_OVER;
	wr_fmt(&w, over ? "Its last firmware update: %s" : "Its firmware is being updated: %s",
		v.state);
	if (v.waiting)
		wr_str(&w, ", and waits for the device to be heard of");
	if (v.detail[0])
		wr_fmt(&w, "; %s", v.detail);
	wr_str(&w, ".");
	k->firmware[w.n] = '\0';
	tell(k, over ? "last-firmware" : "firmware", k->firmware, v.changed_wall_s);
}

/* Where more than one may be under way. */
static void tell_requests(struct look *k)
{
	struct writer w = wr_make(k->requests, sizeof(k->requests) - 1);
	unsigned n = ep_nstart(k->c->x, k->e, k->v.peer);
	struct ep_requests q = ep_requests_of(k->c->x, k->v.ctx, k->v.peer);
	if (!k->v.registered || n < 2)
		return;
	wr_fmt(&w, "As many as %u requests to it may be under way at once: %u are, and %u wait.", n,
		q.under_way, q.waiting);
	k->requests[w.n] = '\0';
	tell(k, "requests", k->requests, 0);
}

/* ---- what happened */

/* A reason may have a note for each context: it is told once. */
static void tell_note(struct look *k, size_t from, const struct ep_note *n)
{
	struct adm_reason r = reason_view((enum ep_reason)n->reason, n->count, n->wall_s);
	for (size_t i = from; i < k->reason_n; i++)
		if (k->reason[i].code == r.code) {
			k->reason[i].count += r.count;
			return;
		}
	k->reason[k->reason_n++] = r;
}

static void tell_notes(struct look *k)
{
	size_t from = k->reason_n;
	for (const struct ep_note *n = k->e->notes; n; n = n->next)
		if (k->reason_n < sizeof(k->reason) / sizeof(*k->reason))
			tell_note(k, from, n);
}

static const struct ep_note *newest_trouble(const struct endpoint *e, const struct ep_context *c)
{
	const struct ep_note *n = e->notes;
	while (n && (ep_reason_info((enum ep_reason)n->reason)->harmless ||
			    (c && n->context != ep_note_id(c))))
		n = n->next;
	return n;
}

/* The refusal in slot i, where there is one. */
static const struct adm_reason *refusal(struct look *k, size_t i, const struct ep_note *n)
{
	if (!n)
		return NULL;
	k->refusal[i] = reason_view((enum ep_reason)n->reason, n->count, n->wall_s);
	return &k->refusal[i];
}

/* ---- contexts */

static const char *window_state(const struct ep_context *x)
{
	if (x->stale)
		return "stale";
	if (!x->fresh)
		return "to-be-challenged";
	return x->sealed ? "sealed" : "fresh";
}

static void tell_context(struct look *k, const struct ep_context *x)
{
	const struct ep_directory *d = &k->c->dir;
	/* Keys drawn in this epoch start at 0, others at its start. */
	uint64_t floor = x->ssn_next >= d->ssn_floor ? d->ssn_floor : 0;
	size_t i = k->context_n++;
	k->context[i] = (struct adm_context_state){.id = x->id,
		.role = x->role == REC_ROLE_BOOTSTRAP ? "bootstrap" : "server",
		.recipient_id = ep_recipient_id(x),
		.window = window_state(x),
		.last_success_wall_s = x->heard_s,
		.last_refusal = refusal(k, 1 + i, newest_trouble(k->e, x)),
		.replays = x->replays,
		.auth_failures = x->auth_failures,
		.numbers_used = x->ssn_next - floor,
		.numbers_limit = d->ssn_end - floor,
		.created_wall_s = (int64_t)x->created_day * 86400,
		.rotation_wall_s = core_rotation_s(k->c, x)};
}

/* ---- the sentence */

static void ago(const struct look *k, struct writer *w, int64_t wall_s)
{
	wr_ago(w, k->now_s - wall_s);
}

static const char *say_storage(struct look *k, struct writer *w)
{
	if (!k->c->failed)
		return NULL;
	wr_str(w, "Nobody is served now: nothing can be stored, and 'lanyardctl status' says why.");
	return "storage";
}

/* The last thing that is known of it went wrong. */
static const char *say_refused(struct look *k, struct writer *w)
{
	const struct ep_note *n = k->trouble;
	if (!n || n->wall_s < k->contact_s)
		return NULL;
	wr_str(w, k->v.registered ? "It is registered, but this went wrong "
				  : "It does not get through; this went wrong ");
	ago(k, w, n->wall_s);
	wr_fmt(w, ": %s", ep_reason_info((enum ep_reason)n->reason)->text);
	return "refused";
}

static const char *say_registered(struct look *k, struct writer *w)
{
	if (!k->v.registered)
		return NULL;
	wr_str(w, k->v.asleep ? "It is registered and asleep, and answers when it wakes"
			      : "It is registered and nothing stands in its way");
	if (k->contact_s) {
		wr_str(w, "; it was heard of ");
		ago(k, w, k->contact_s);
	} else {
		wr_str(w, "; it has not been heard of since the daemon started ");
		ago(k, w, k->now_s - (int64_t)((k->c->boot_ms - k->c->started_boot_ms) / 1000));
	}
	if (k->v.expires_in_s < 0)
		wr_str(w, ", its lifetime is over, and it is given up soon");
	wr_str(w, ".");
	return k->v.expires_in_s < 0 ? "overdue" : k->v.asleep ? "asleep" : "connected";
}

static const char *say_damaged(struct look *k, struct writer *w)
{
	if (!k->e->damaged)
		return NULL;
	wr_str(w, damage_text[k->e->damaged]);
	return "damaged";
}

static const char *say_no_credentials(struct look *k, struct writer *w)
{
	if (k->e->contexts)
		return NULL;
	if (ep_has_credentials(k->e)) {
		wr_str(w, "It has a PSK, certificate or raw public key for DTLS and TLS, but is "
			  "not registered: check the URI the device was given.");
		return "never-heard";
	}
	if (k->e->allow_nosec) {
		wr_str(w, "It may come unprotected, but has not registered: check the URI the "
			  "device was given.");
		return "never-heard";
	}
	wr_str(w, "It has no credentials here: 'lanyardctl provision EP --generate' gives it "
		  "some, or 'lanyardctl set EP nosec=true' lets it come unprotected.");
	return "no-credentials";
}

static const char *say_challenged(struct look *k, struct writer *w)
{
	const struct ep_context *c = k->e->contexts;
	if (any_stale(k->e)) {
		wr_str(w, stale_text);
		return "rolled-back";
	}
	while (c && (c->fresh || !c->challenged))
		c = c->next_of_endpoint;
	if (!c)
		return NULL;
	wr_str(w,
		"It was asked by Echo to prove that its request is fresh, and has not answered: "
		"if it does not know Echo, 'lanyardctl help set' tells of the freshness setting.");
	return "challenged";
}

static const char *say_bootstrap(struct look *k, struct writer *w)
{
	if (strcmp(k->b.state, "idle")) {
		wr_fmt(w, "It is being bootstrapped (%s).", k->b.state);
		return "bootstrapping";
	}
	if (k->boot && !bs_plan_acts(k->b.plan)) {
		wr_str(w, ep_reason_info(EP_REASON_NO_PLAN)->text);
		return "no-plan";
	}
	if (!k->b.last_wall_s || strcmp(k->b.last_result, "finished") || !k->server ||
		k->server->window.any)
		return NULL;
	wr_str(w, "Its bootstrap finished ");
	ago(k, w, k->b.last_wall_s);
	const struct bs_account *ours = k->b.plan ? bs_plan_oscore(k->b.plan) : NULL;
	wr_fmt(w, ", but it has sent nothing under the keys it got: can it reach %s?",
		ours ? ours->uri : "its server");
	return "bootstrapped";
}

static const char *say_never(struct look *k, struct writer *w)
{
	if (any_heard(k->e))
		return NULL;
	wr_str(w, "Nothing has ever arrived under its keys: check that the device is on, the URI "
		  "it was given, firewalls on the way, and that its Sender ID is ");
	wr_hex(w, ep_recipient_id(k->e->contexts));
	wr_str(w, k->e->contexts->recipient_n ? " in hex." : "empty.");
	return "never-heard";
}

static const char *say_silent(struct look *k, struct writer *w)
{
	wr_str(w, "It is not registered, and nothing of it was refused: it de-registered or its "
		  "lifetime ended, and it has to register anew");
	if (k->contact_s) {
		wr_str(w, "; it was heard of ");
		ago(k, w, k->contact_s);
	}
	wr_str(w, ".");
	return "silent";
}

/* The first that has something to say. */
static const char *say(struct look *k)
{
	static const char *(*const sayings[])(struct look *, struct writer *) = {say_storage,
		say_refused, say_registered, say_damaged, say_no_credentials, say_challenged,
		say_bootstrap, say_never, say_silent};
	struct writer w = wr_make(k->text, sizeof(k->text) - 1);
	const char *code = NULL;
	for (size_t i = 0; !code; i++)
		code = sayings[i](k, &w);
	k->text[w.n] = '\0';
	return code;
}

/* ---- all of it */

static void look_at(struct look *k)
{
	const struct endpoint *e = k->e;
	srv_view(k->c->srv, e, core_view_ms(k->c), &k->v);
	bs_view(k->c->bs, e, &k->b);
	k->now_s = k->c->wall_ms / 1000;
	k->server = ep_context_newest(e, REC_ROLE_SERVER, REC_GEN_WRITTEN);
	k->boot = ep_context_newest(e, REC_ROLE_BOOTSTRAP, REC_GEN_USED);
	if (!k->boot)
		k->boot = ep_context_newest(e, REC_ROLE_BOOTSTRAP, REC_GEN_WRITTEN);
	k->trouble = newest_trouble(e, NULL);
	k->contact_s = k->v.registered ? k->v.last_contact_wall_s : 0;
	for (const struct ep_context *x = e->contexts; x; x = x->next_of_endpoint)
		if (x->heard_s > k->contact_s)
			k->contact_s = x->heard_s;
}

static void explain_sealed(struct adm_explanation *out)
{
	static const struct adm_reason sealed = {"sealed",
		"Every request gets 5.03, because the database may be a copy: status says why, "
		"'lanyardctl help unseal' what to do.",
		0, 0};
	*out = (struct adm_explanation){
		.code = sealed.code, .text = sealed.text, .reasons = &sealed, .reason_n = 1};
}

enum err core_explain(void *arg, struct span name, struct adm_explanation *out)
{
	static struct look look;
	struct look *k = &look;
	*k = (struct look){.c = arg, .e = core_find(arg, name)};
	*out = (struct adm_explanation){0};
	if (k->c->failed == ERR_SEALED) { /* nothing is loaded, so nobody knows its name */
		explain_sealed(out);
		return ERR_OK;
	}
	if (!k->e) {
		if (k->c->up)
			core_similar(k->c, name, out);
		return core_not_found(k->c);
	}
	look_at(k);
	tell_state(k);
	tell_bootstrap(k);
	tell_firmware(k);
	tell_requests(k);
	tell_notes(k);
	for (const struct ep_context *x = k->e->contexts; x; x = x->next_of_endpoint)
		if (k->context_n < CONTEXTS_MAX)
			tell_context(k, x);
	*out = (struct adm_explanation){.code = say(k),
		.text = k->text,
		.last_contact_wall_s = k->contact_s,
		.last_refusal = refusal(k, 0, k->trouble),
		.reasons = k->reason,
		.reason_n = k->reason_n,
		.contexts = k->context,
		.context_n = k->context_n};
	return ERR_OK;
}

/* ---- of nobody */

static int newer(const void *a, const void *b)
{
	const struct adm_reason *x = a, *y = b;
	return (x->wall_s < y->wall_s) - (x->wall_s > y->wall_s);
}

void core_refusals(const struct core *c, struct adm_status *out)
{
	static struct adm_reason list[EP_REASON_COUNT];
	size_t n = 0;
	for (size_t i = 0; i < EP_REASON_COUNT; i++) {
		const struct ep_tally_row *r = &c->tally.row[i];
		if (r->strays)
			list[n++] =
				reason_view((enum ep_reason)i, r->strays, r->stray_wall_ms / 1000);
	}
	qsort(list, n, sizeof(*list), newer);
	out->refusals = list;
	out->refusal_n = n;
}
