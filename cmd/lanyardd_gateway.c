/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/lanyardd_gateway.h"

#include "transport/gateway_socket.h"

#include <grp.h>
#include <string.h>

static enum err open_socket(
	struct gateway *g, const struct cfg_gateway *c, int *inherited, char *why)
{
	const char *group = c->socket_group;
	int fd = *inherited;
	*inherited = -1;
	if (fd < 0 && group[0] && !getgrnam(group)) {
		log_fields(LOG_LEVEL_WARNING, "no such group, the gateway socket keeps its owner's",
			log_word("gateway", c->name), log_word("group", group));
		group = "";
	}
	struct gateway_socket_opts o = {.path = c->socket,
		.mode = c->socket_mode,
		.group = group,
		.user = c->socket_user,
		.bridges = c->bridges,
		.fd = fd};
	return gateway_socket_open(g, &o, why);
}

static enum err open_driver(
	struct gateway *g, const struct cfg_gateway *c, int *inherited, char *why)
{
	switch ((enum cfg_gateway_type)c->type) {
	case CFG_GATEWAY_SOCKET:
		return open_socket(g, c, inherited, why);
	case CFG_GATEWAY_NONE:
		break;
	}
	return ERR_UNSUPPORTED;
}

static enum err open_one(struct gateways *all, const struct cfg_gateway *c, int *inherited,
	char why[static GATEWAY_WHY])
{
	struct gateway_opts o = {.name = c->name,
		.type = cfg_gateway_type_name(c->type),
		.pace = cfg_gateway_pace(c),
		.rate_per_s = c->rate_per_s,
		.address_rate_per_min = c->address_rate_per_min,
		.queue_max = c->queue_max,
		.queue_bytes = c->queue_bytes,
		.queue_address_max = c->queue_address_max,
		.cost = c->cost};
	struct gateway *g;
	enum err err = gateway_new(all, &o, &g);
	why[0] = '\0';
	if (!err)
		err = open_driver(g, c, inherited, why);
	if (err && !why[0])
		snprintf(why, GATEWAY_WHY, "cannot open a gateway: %s", err_text(err));
	return err;
}

bool daemon_gateways(
	struct gateways *all, const struct cfg *cfg, struct daemon_inherited *inherited)
{
	char why[GATEWAY_WHY];
	for (size_t i = 0; i < cfg->gateway_n; i++) {
		const struct cfg_gateway *c = &cfg->gateway[i];
		if (open_one(all, c, &inherited->gateway[i], why)) {
			log_fields(LOG_LEVEL_ERROR, why, log_word("gateway", c->name));
			return false;
		}
		log_fields(LOG_LEVEL_NOTICE, "gateway is open", log_word("name", c->name),
			log_word("type", cfg_gateway_type_name(c->type)),
			log_word("role", c->role == CFG_ROLE_BOOTSTRAP ? "bootstrap" : "server"),
			c->nosec ? log_word("nosec", "yes") : (struct log_field){0});
	}
	return true;
}

void daemon_gateway_status(
	const struct gateways *all, const struct cfg *cfg, struct adm_status *out)
{
	struct gateway_view v;
	size_t cursor = 0;
	while (all && out->gateway_n < GATEWAYS_MAX && gateways_view(all, &cursor, &v)) {
		const struct cfg_gateway *c = &cfg->gateway[out->gateway_n];
		const struct gateway_stats *s = &v.stats;
		out->gateways[out->gateway_n++] = (struct adm_gateway){.name = v.name,
			.type = v.type,
			.role = c->role == CFG_ROLE_BOOTSTRAP ? "bootstrap" : "server",
			.nosec = c->nosec,
			.up = v.up,
			.reason = v.reason,
			.since_s = (gateway_now_ms() - v.since_ms) / 1000,
			.links = v.links,
			.queued = s->queued,
			.received = s->received,
			.sent = s->sent,
			.refused = s->limited + s->malformed + s->refused_down + s->refused_full +
				   s->refused_long,
			.undelivered = s->undelivered,
			.faults = s->faults};
	}
}

static const struct metric {
	const char *name, *help;
	bool gauge;
	size_t offset; /* in struct gateway_stats */
} metrics[] = {
#define S(field) offsetof(struct gateway_stats, field)
	{"lanyard_gateway_received_total", "Messages that came by a gateway", false, S(received)},
	{"lanyard_gateway_received_bytes_total", "Their bytes", false, S(received_bytes)},
	{"lanyard_gateway_limited_total", "Messages dropped for a gateway's rates", false,
		S(limited)},
	{"lanyard_gateway_malformed_total", "Messages dropped that were none", false, S(malformed)},
	{"lanyard_gateway_sent_total", "Messages given to a gateway", false, S(sent)},
	{"lanyard_gateway_sent_bytes_total", "Their bytes", false, S(sent_bytes)},
	{"lanyard_gateway_cost_total", "What they cost, as configured", false, S(cost)},
	{"lanyard_gateway_refused_down_total", "Messages not sent: the link was down", false,
		S(refused_down)},
	{"lanyard_gateway_refused_full_total", "Messages not sent: too many waited", false,
		S(refused_full)},
	{"lanyard_gateway_refused_long_total", "Messages not sent: too long", false,
		S(refused_long)},
	{"lanyard_gateway_undelivered_total", "Messages that a gateway could not deliver", false,
		S(undelivered)},
	{"lanyard_gateway_faults_total", "Faults of whoever is at the other end", false, S(faults)},
	{"lanyard_gateway_ups_total", "Times the link came up", false, S(ups)},
	{"lanyard_gateway_downs_total", "Times the link went down", false, S(downs)},
	{"lanyard_gateway_queued", "Messages that wait to be sent", true, S(queued)},
	{"lanyard_gateway_queued_bytes", "Their bytes", true, S(queued_bytes)},
#undef S
};

static void tell_states(const struct gateways *all, adm_metric_fn *fn, void *cb_arg)
{
	for (int links = 0; links < 2; links++) {
		struct gateway_view v;
		size_t cursor = 0;
		while (gateways_view(all, &cursor, &v))
			fn(cb_arg,
				&(struct adm_metric){.name = links ? "lanyard_gateway_links"
								   : "lanyard_gateway_up",
					.help = links ? "Bridges, or connections, that can be used"
						      : "1 if messages can be sent",
					.label = "gateway",
					.label_value = v.name,
					.value = links ? v.links : v.up});
	}
}

void daemon_gateway_metrics(const struct gateways *all, adm_metric_fn *fn, void *cb_arg)
{
	if (!all)
		return;
	tell_states(all, fn, cb_arg);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		struct gateway_view v;
		size_t cursor = 0;
		while (gateways_view(all, &cursor, &v)) {
			uint64_t value;
			memcpy(&value, (const char *)&v.stats + metrics[i].offset, sizeof(value));
			fn(cb_arg, &(struct adm_metric){.name = metrics[i].name,
					   .help = metrics[i].help,
					   .counter = !metrics[i].gauge,
					   .label = "gateway",
					   .label_value = v.name,
					   .value = value});
		}
	}
}
