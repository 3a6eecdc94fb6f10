/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/core_impl.h"
#include "endpoint/limits.h"

struct out {
	adm_metric_fn *fn;
	void *cb_arg;
};

static void put(
	const struct out *o, bool counter, const char *name, const char *help, uint64_t value)
{
	struct adm_metric m = {.name = name, .help = help, .counter = counter, .value = value};
	o->fn(o->cb_arg, &m);
}

static void labelled(const struct out *o, const char *name, const char *help, const char *label,
	const char *label_value, uint64_t value)
{
	struct adm_metric m = {.name = name,
		.help = help,
		.counter = true,
		.label = label,
		.label_value = label_value,
		.value = value};
	o->fn(o->cb_arg, &m);
}

static void exchange(const struct core *c, const struct out *o)
{
	const struct ep_counters *n = ep_exchange_counters(c->x);
	const char *refused = "lanyard_requests_refused_total",
		   *why = "Requests refused, by reason";
	put(o, true, "lanyard_datagrams_received_total", "Datagrams received", n->datagrams);
	put(o, true, "lanyard_requests_total", "Requests received", n->requests);
	put(o, true, "lanyard_responses_total", "Responses received", n->responses);
	put(o, true, "lanyard_notifications_total", "Notifications received", n->notifications);
	put(o, true, "lanyard_sends_total", "Sends accepted", srv_counters(c->srv)->sends);
	put(o, false, "lanyard_operations_queued", "Operations that wait for sleeping devices",
		srv_queued_count(c->srv));
	put(o, true, "lanyard_duplicates_total", "Copies of requests answered again",
		n->duplicates);
	put(o, true, "lanyard_retransmissions_total", "Requests of ours sent again",
		n->retransmissions);
	put(o, true, "lanyard_timeouts_total", "Requests of ours given up", n->timeouts);
	put(o, true, "lanyard_unprotected_answers_total", "Unprotected answers ignored",
		n->unprotected_answers);
	put(o, true, "lanyard_proxy_blocks_total", "Pieces of messages that a proxy has cut",
		n->outer_pieces);
	put(o, true, "lanyard_proxy_blocks_refused_total", "Such pieces refused or ignored",
		n->outer_refused);
	put(o, true, "lanyard_handshakes_refused_total",
		"DTLS handshakes that came to nothing, but for those that were not gone on with",
		n->channels_failed);
	put(o, true, "lanyard_weak_channels_total",
		"Requests by a channel that is not enough, or not good any more", n->weak_channels);
	put(o, true, "lanyard_echo_challenges_total", "Echo challenges sent", n->challenges);
	put(o, true, "lanyard_recoveries_offered_total",
		"New keys offered (RFC 8613 Appendix B.2, its response 1)", n->recoveries_begun);
	put(o, true, "lanyard_recoveries_total", "New keys taken by both sides",
		n->recoveries_done);
	put(o, true, "lanyard_recoveries_refused_total", "Recoveries refused for want of time",
		n->recoveries_refused);
	labelled(o, refused, why, "reason", "malformed", n->malformed);
	labelled(o, refused, why, "reason", "bad-option", n->bad_option);
	labelled(o, refused, why, "reason", "no-context", n->no_context);
	labelled(o, refused, why, "reason", "replay", n->replays);
	labelled(o, refused, why, "reason", "sealed", n->sealed);
	labelled(o, refused, why, "reason", "decryption-failed", n->auth_failures);
	labelled(o, refused, why, "reason", "nosec", n->nosec_refused);
	labelled(o, refused, why, "reason", "unavailable", n->unavailable + c->lost.unavailable);
}

static void limits(const struct core *c, const struct out *o)
{
	static const char *const limit[] = {"encryptions", "failures"};
	for (size_t i = 0; i < 2; i++)
		labelled(o, "lanyard_key_limits_near_total",
			"Keys that have come to 75 % of what they may do", "limit", limit[i],
			c->limits_told[i][EP_LEVEL_NEAR]);
	for (size_t i = 0; i < 2; i++)
		labelled(o, "lanyard_key_limits_reached_total", "Keys that have done all they may",
			"limit", limit[i], c->limits_told[i][EP_LEVEL_OVER]);
	const char *renewals = "lanyard_key_renewals_total",
		   *what = "Times new keys were offered (RFC 8613 Appendix B.2), or a device was "
			   "told to bootstrap for them, because of limits";
	labelled(o, renewals, what, "by", "b2", c->renewals[CORE_RENEW_B2]);
	labelled(o, renewals, what, "by", "bootstrap", c->renewals[CORE_RENEW_BOOTSTRAP]);
	put(o, true, "lanyard_key_rotations_total",
		"Times a device was told to bootstrap because of its keys' age", c->rotations);
}

static void refusals(const struct core *c, const struct out *o)
{
	for (size_t i = 0; i < EP_REASON_COUNT; i++)
		labelled(o, "lanyard_refusals_total",
			"What was refused or went wrong, by the reason that explain tells",
			"reason", ep_reason_info((enum ep_reason)i)->code, c->tally.row[i].all);
}

static void security(const struct core *c, const struct out *o)
{
	for (size_t i = 0; i < EP_SECURITY_KINDS; i++)
		labelled(o, "lanyard_security_events_total", "Events of security, one a burst",
			"kind", ep_security_name((enum ep_security_kind)i), c->security.told[i]);
}

static void engines(const struct core *c, const struct out *o)
{
	const struct srv_counters *s = srv_counters(c->srv);
	const struct bs_counters *b = bs_counters(c->bs);
	put(o, false, "lanyard_endpoints", "Endpoints known", c->dir.by_name.count);
	put(o, false, "lanyard_registered", "Endpoints registered", srv_registered(c->srv));
	put(o, false, "lanyard_oscore_contexts", "OSCORE contexts", c->dir.context_n);
	put(o, false, "lanyard_observations", "Observations wanted", srv_observation_count(c->srv));
	put(o, true, "lanyard_registers_total", "Registrations accepted", s->registers);
	put(o, true, "lanyard_updates_total", "Updates accepted", s->updates);
	put(o, true, "lanyard_deregisters_total", "De-registrations accepted", s->deregisters);
	put(o, true, "lanyard_expiries_total", "Registrations expired", s->expiries);
	put(o, true, "lanyard_operations_total", "Operations towards devices", s->operations);
	put(o, true, "lanyard_bootstrap_requests_total", "Bootstrap-Requests received",
		b->requests);
	put(o, true, "lanyard_bootstrap_finished_total", "Bootstraps finished", b->finished);
	put(o, true, "lanyard_bootstrap_failed_total", "Bootstraps failed", b->failed);
}

static void firmware(const struct core *c, const struct out *o)
{
	static const char *const outcomes[] = {[SRV_FW_SUCCEEDED] = "succeeded",
		[SRV_FW_FAILED] = "failed",
		[SRV_FW_CANCELLED] = "cancelled",
		[SRV_FW_UNKNOWN] = "unknown"};
	const struct srv_fw_counters *n = srv_fw_counters(c->srv);
	struct srv_fw_view v;
	uint64_t under_way = 0, images = 0, bytes = 0;
	size_t cursor = 0;
	while (srv_firmware_next(c->srv, &cursor, &v))
		under_way += v.step != SRV_FW_OVER;
	for (const struct srv_image *i = srv_images(c->srv); i; i = i->next) {
		images++;
		bytes += i->bytes;
	}
	put(o, false, "lanyard_firmware_updates", "Firmware updates that are not over", under_way);
	put(o, false, "lanyard_firmware_images", "Firmware images kept", images);
	put(o, false, "lanyard_firmware_image_bytes", "Bytes of all of them", bytes);
	put(o, true, "lanyard_firmware_blocks_total", "Blocks of images that devices have fetched",
		n->blocks_served);
	for (size_t i = SRV_FW_SUCCEEDED; i <= SRV_FW_UNKNOWN; i++)
		labelled(o, "lanyard_firmware_updates_total", "Firmware updates that are over",
			"outcome", outcomes[i], n->outcomes[i]);
}

void core_metrics(void *arg, adm_metric_fn *fn, void *cb_arg)
{
	const struct core *c = arg;
	struct out o = {fn, cb_arg};
	struct store_stats st;
	store_stats(c->store, &st);
	put(&o, false, "lanyard_storage_ok", "1 if records can be stored",
		!c->failed && !st.health);
	put(&o, true, "lanyard_storage_commits_total", "Commits", st.commits);
	put(&o, true, "lanyard_storage_records_total", "Records committed", st.records);
	put(&o, true, "lanyard_storage_failures_total", "Commits failed", st.failures);
	put(&o, true, "lanyard_storage_recoveries_total", "Times storage came back", c->recoveries);
	put(&o, false, "lanyard_storage_log_rows", "Rows of the append-only log", st.log_rows);
	put(&o, true, "lanyard_storage_cpu_microseconds_total", "CPU time of the storage thread",
		st.cpu_us);
	put(&o, true, "lanyard_storage_anchor_syncs_total", "Times the anchor was written",
		st.anchor_syncs);
	put(&o, true, "lanyard_rollbacks_total",
		"Rollbacks of the database; opening a sealed one leaves a gap", st.rollbacks);
	put(&o, false, "lanyard_sealed", "1 if the database waits for unseal", st.seal != 0);
	if (c->opts.io.metrics)
		c->opts.io.metrics(c->opts.io.arg, fn, cb_arg);
	refusals(c, &o);
	security(c, &o);
	if (!c->up)
		return;
	exchange(c, &o);
	limits(c, &o);
	firmware(c, &o);
	engines(c, &o);
}
