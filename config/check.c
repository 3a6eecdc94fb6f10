/* SPDX-License-Identifier: Apache-2.0 */
/* What no option can know alone: contradictions, and defaults that follow from others. */
#include "config/parse.h"

#include "base/gateway.h"

#include <arpa/inet.h>
#include <string.h>

/* Where an option was set, or the main file if it was not. `at` as in struct cfg. */
static struct cfg_place place(
	const struct cfg_parse *p, const char *section, const char *key, size_t at)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);

	for (size_t i = 0; i < n; i++) {
		size_t column = cfg_named(&o[i]) ? 1 + at : 0;
		if (strcmp(o[i].section, section) || strcmp(o[i].key, key))
			continue;
		if (p->option[i][column].file)
			return p->option[i][column];
	}
	return (struct cfg_place){p->main_file, 0};
}

struct cfg_place cfg_parse_where(const struct cfg_parse *p, const char *listener, const char *key)
{
	for (size_t i = 0; i < p->cfg->listen_n; i++)
		if (strcmp(p->cfg->listen[i].name, listener) == 0)
			return place(p, "listen", key, i);
	return (struct cfg_place){p->main_file, 0};
}

#define FAIL_AT(p, at, ...) cfg_parse_error((p), (at).file, (at).line, __VA_ARGS__)

static void default_listeners(struct cfg_parse *p)
{
	struct cfg *c = p->cfg;

	if (c->listen_n == 0)
		cfg_listen_presets(c);
	for (size_t i = 0; i < c->listen_n; i++) {
		struct cfg_place at = place(p, "listen", "port", i);
		if (at.line == 0 && c->listen[i].role == CFG_ROLE_BOOTSTRAP)
			c->listen[i].port = CFG_BOOTSTRAP_PORT;
		if (at.line == 0 && cfg_is_channel(c->listen[i].transport))
			c->listen[i].port++;
	}
}

static void check_role(struct cfg_parse *p, enum cfg_role role, const char *section)
{
	for (size_t i = 0; i < p->cfg->listen_n; i++)
		if (p->cfg->listen[i].role == role)
			return;
	FAIL_AT(p, place(p, section, "enabled", 0),
		"[%s] is enabled, but no [listen NAME] has \"role = %s\"; add one, or set "
		"\"enabled = no\" in [%s]",
		section, section, section);
}

static void check_roles(struct cfg_parse *p)
{
	if (!p->cfg->server && !p->cfg->bootstrap)
		FAIL_AT(p, place(p, "server", "enabled", 0),
			"neither [server] nor [bootstrap] is enabled; there is nothing to do");
	if (p->cfg->server)
		check_role(p, CFG_ROLE_SERVER, "server");
	if (p->cfg->bootstrap)
		check_role(p, CFG_ROLE_BOOTSTRAP, "bootstrap");
}

enum family { FAMILY_4, FAMILY_6, FAMILY_BOTH };

struct where {
	enum family family;
	bool any;
	uint8_t ip[16];
	const char *scope; /* "%eth0" or "" */
};

static struct where where_of(const struct cfg_listen *l)
{
	static const uint8_t zero[16];
	struct where w = {.family = FAMILY_4, .any = true, .scope = ""};
	size_t n = strcspn(l->address, "%");
	char host[sizeof(l->address)];

	if (strcmp(l->address, "*") == 0) {
		w.family = FAMILY_BOTH;
		return w;
	}
	if (inet_pton(AF_INET, l->address, w.ip) != 1) {
		w.family = FAMILY_6;
		w.scope = &l->address[n];
		if (span_to_str(span_make(l->address, n), host, sizeof(host)) ||
			inet_pton(AF_INET6, host, w.ip) != 1)
			w.any = false;
	}
	w.any = w.any && memcmp(w.ip, zero, sizeof(zero)) == 0;
	return w;
}

/* Whether the kernel would refuse the second of them. */
static bool collide(const struct cfg_listen *x, const struct cfg_listen *y)
{
	struct where a = where_of(x), b = where_of(y);

	bool same = cfg_is_stream(x->transport) == cfg_is_stream(y->transport);

	if (!same || x->port != y->port || x->port == 0)
		return false;
	if (a.family != b.family && a.family != FAMILY_BOTH && b.family != FAMILY_BOTH)
		return false;
	if (a.any || b.any)
		return true;
	return memcmp(a.ip, b.ip, sizeof(a.ip)) == 0 && strcmp(a.scope, b.scope) == 0;
}

static void check_collisions(struct cfg_parse *p, size_t at)
{
	const struct cfg_listen *l = p->cfg->listen;

	for (size_t i = 0; i < at; i++)
		if (collide(&l[i], &l[at]))
			FAIL_AT(p, p->listen_at[at],
				"[listen %s] (%s port %u) and [listen %s] (%s port %u) collide; "
				"give one another \"port\"",
				l[at].name, l[at].address, l[at].port, l[i].name, l[i].address,
				l[i].port);
}

/* A socket on which nobody would answer. */
static void check_enabled(struct cfg_parse *p, size_t at)
{
	const struct cfg_listen *l = &p->cfg->listen[at];
	bool server = l->role == CFG_ROLE_SERVER;
	const char *role = server ? "server" : "bootstrap";

	if (!(server ? p->cfg->server : p->cfg->bootstrap))
		FAIL_AT(p, p->listen_at[at],
			"[listen %s] has \"role = %s\", but [%s] is not enabled; remove one of "
			"them",
			l->name, role, role);
}

static void check_require(struct cfg_parse *p, size_t at)
{
	const struct cfg_listen *l = &p->cfg->listen[at];
	bool channel = cfg_is_channel(l->transport);

	if ((l->require == CFG_REQUIRE_DTLS || l->require == CFG_REQUIRE_BOTH) && !channel)
		FAIL_AT(p, place(p, "listen", "require", at),
			"\"require\" wants DTLS, but \"transport\" is \"%s\": nobody could come; "
			"set "
			"\"transport = dtls\"",
			cfg_transport_name(l->transport));
	if (l->nosec && (channel || l->require != CFG_REQUIRE_ANY))
		FAIL_AT(p, place(p, "listen", "nosec", at),
			"\"nosec\" contradicts \"%s\": whoever comes there is protected; set "
			"\"nosec = "
			"no\"",
			channel ? "transport" : "require");
}

static void check_file(struct cfg_parse *p, size_t at, const char *key, const char *value)
{
	size_t n = strlen(CFG_CREDENTIAL);

	if (value[0] == '\0' || value[0] == '/' ||
		(strncmp(value, CFG_CREDENTIAL, n) == 0 && value[n] && !strchr(&value[n], '/')))
		return;
	FAIL_AT(p, place(p, "listen", key, at),
		"\"%s\" must be an absolute path, or " CFG_CREDENTIAL
		"NAME for what systemd hands over (LoadCredential=)",
		key);
}

/* What a listener proves itself by goes together, and is for those that have channels. */
static void check_identity(struct cfg_parse *p, size_t at)
{
	const struct cfg_listen *l = &p->cfg->listen[at];
	const struct {
		const char *key, *value;
		bool needs_key;
	} files[] = {{"certificate_file", l->certificate_file, true},
		{"key_file", l->key_file, false}, {"ca_file", l->ca_file, true},
		{"crl_file", l->crl_file, true},
		{"raw_public_keys", l->raw_public_keys ? "/" : "", true}};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct cfg_place where = place(p, "listen", files[i].key, at);
		check_file(p, at, files[i].key, files[i].value);
		if (files[i].value[0] && !cfg_is_channel(l->transport))
			FAIL_AT(p, where,
				"\"%s\" is for \"transport = dtls\" or tls, and this is \"%s\"",
				files[i].key, cfg_transport_name(l->transport));
		else if (files[i].value[0] && files[i].needs_key && !l->key_file[0])
			FAIL_AT(p, where, "\"%s\" needs \"key_file\" as well", files[i].key);
	}
	if (l->key_file[0] && !l->certificate_file[0] && !l->raw_public_keys)
		FAIL_AT(p, place(p, "listen", "key_file", at),
			"\"key_file\" needs \"certificate_file\", or \"raw_public_keys = yes\"");
	if ((l->ca_file[0] && !l->certificate_file[0]) || (l->crl_file[0] && !l->ca_file[0]))
		FAIL_AT(p, place(p, "listen", l->ca_file[0] ? "ca_file" : "crl_file", at),
			"\"%s\" needs \"%s\" as well", l->ca_file[0] ? "ca_file" : "crl_file",
			l->ca_file[0] ? "certificate_file" : "ca_file");
}

static void check_listeners(struct cfg_parse *p)
{
	for (size_t i = 0; i < p->cfg->listen_n; i++) {
		const struct cfg_listen *l = &p->cfg->listen[i];
		check_collisions(p, i);
		check_enabled(p, i);
		check_require(p, i);
		check_identity(p, i);
		if (l->nosec && l->role == CFG_ROLE_BOOTSTRAP)
			FAIL_AT(p, place(p, "listen", "nosec", i),
				"\"nosec\" is for \"role = server\": bootstrap would hand out keys "
				"unprotected; set \"nosec = no\"");
	}
}

/* As the plan that it becomes: OSCORE over UDP or TCP. */
static void check_uri(struct cfg_parse *p)
{
	const char *uri = p->cfg->uri;
	bool tcp = strncmp(uri, "coap+tcp://", 11) == 0;
	size_t n = tcp ? 11 : 7;

	if (uri[0] == '\0')
		return;
	if ((!tcp && strncmp(uri, "coap://", 7) != 0) || !uri[n] || strpbrk(uri + n, "/?# \t"))
		FAIL_AT(p, place(p, "bootstrap", "uri", 0),
			"\"uri\" is \"%s\", but must be coap://HOST or coap://HOST:PORT, or "
			"coap+tcp:// for TCP, without a path",
			uri);
	else if (!strchr(p->cfg->binding, tcp ? 'T' : 'U'))
		FAIL_AT(p, place(p, "bootstrap", "binding", 0),
			"\"uri\" is for %s, but \"binding\" is \"%s\"; give it %c",
			tcp ? "TCP" : "UDP", p->cfg->binding, tcp ? 'T' : 'U');
}

/* Q is of LwM2M 1.0, the others are the transports of 1.1 that we speak. */
static void check_binding(struct cfg_parse *p)
{
	const char *b = p->cfg->binding;
	bool ok = strpbrk(b, "UTSN") && strspn(b, "UTSNQ") == strlen(b);

	for (size_t i = 0; b[i] && ok; i++)
		ok = strchr(&b[i + 1], b[i]) == NULL;
	if (!ok)
		FAIL_AT(p, place(p, "bootstrap", "binding", 0),
			"\"binding\" must be one or more of U, T, S and N, each once, and perhaps "
			"Q; \"U\" is UDP, \"T\" TCP");
}

static void check_path(struct cfg_parse *p, const char *section, const char *key, const char *value)
{
	if (value[0] != '/')
		FAIL_AT(p, place(p, section, key, 0),
			"\"%s\" must be an absolute path; begin it "
			"with '/'",
			key);
}

/* What lies in the state directory is copied with it. */
static void check_anchor(struct cfg_parse *p)
{
	const char *dir = p->cfg->dir, *anchor = p->cfg->anchor;
	size_t n = strlen(dir);

	if (anchor[0] == '\0')
		return;
	check_path(p, "storage", "anchor", anchor);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (strncmp(anchor, dir, n) == 0 && (anchor[n] == '/' || anchor[n] == '\0'))
		FAIL_AT(p, place(p, "storage", "anchor", 0),
			"\"anchor\" must be outside of \"dir\" (%s): a copy of the one must not "
			"take the other along",
			dir);
}

static void check_one_gateway(struct cfg_parse *p, size_t at)
{
	const struct cfg_gateway *g = &p->cfg->gateway[at];
	bool server = g->role == CFG_ROLE_SERVER;
	const char *role = server ? "server" : "bootstrap";

	if (!(server ? p->cfg->server : p->cfg->bootstrap))
		FAIL_AT(p, p->gateway_at[at],
			"[gateway %s] has \"role = %s\", but [%s] is not enabled; remove one of "
			"them",
			g->name, role, role);
	if (g->nosec && !server)
		FAIL_AT(p, place(p, "gateway", "nosec", at),
			"\"nosec\" is for \"role = server\": bootstrap would hand out keys "
			"unprotected; set \"nosec = no\"");
	if (g->mtu_bytes && g->mtu_bytes < GATEWAY_MTU_MIN)
		FAIL_AT(p, place(p, "gateway", "mtu", at),
			"\"mtu\" is %u, but no message is so short; %d at least, or 0",
			g->mtu_bytes, GATEWAY_MTU_MIN);
	if (g->ack_timeout_ms && g->ack_timeout_ms < PACE_ACK_TIMEOUT_MIN)
		FAIL_AT(p, place(p, "gateway", "ack_timeout", at),
			"\"ack_timeout\" is %u, but must be %d at least, or 0", g->ack_timeout_ms,
			PACE_ACK_TIMEOUT_MIN);
	if (g->type == CFG_GATEWAY_SOCKET && g->socket[0] != '/')
		FAIL_AT(p, place(p, "gateway", "socket", at),
			"\"socket\" must be an absolute path; begin it with '/'");
}

/* An option that only another type has is an error rather than nothing. */
static void check_only(struct cfg_parse *p, size_t at)
{
	size_t n;
	const struct cfg_option *o = cfg_schema(&n);
	const struct cfg_gateway *g = &p->cfg->gateway[at];

	for (size_t i = 0; i < n; i++)
		if (cfg_named(&o[i]) == CFG_NAMED_GATEWAY && p->option[i][1 + at].file &&
			!cfg_counts(&o[i], g))
			FAIL_AT(p, p->option[i][1 + at],
				"\"%s\" is for \"type = %s\", but [gateway %s] has \"type = %s\"",
				o[i].key, cfg_gateway_type_name(cfg_only(&o[i])), g->name,
				cfg_gateway_type_name(g->type));
}

static void check_two_gateways(struct cfg_parse *p, size_t a, size_t b)
{
	const struct cfg_gateway *x = &p->cfg->gateway[a], *y = &p->cfg->gateway[b];

	if (gateway_number(x->name) == gateway_number(y->name))
		FAIL_AT(p, p->gateway_at[b],
			"the name of [gateway %s] has the same number as that of [gateway %s]; "
			"choose another",
			y->name, x->name);
	if (x->type == CFG_GATEWAY_SOCKET && y->type == CFG_GATEWAY_SOCKET &&
		strcmp(x->socket, y->socket) == 0)
		FAIL_AT(p, place(p, "gateway", "socket", b),
			"[gateway %s] and [gateway %s] have the same \"socket\"", x->name, y->name);
}

static void check_gateways(struct cfg_parse *p)
{
	for (size_t i = 0; i < p->cfg->gateway_n; i++) {
		check_one_gateway(p, i);
		check_only(p, i);
		for (size_t j = 0; j < i; j++)
			check_two_gateways(p, j, i);
	}
}

void cfg_check(struct cfg_parse *p)
{
	default_listeners(p);
	check_roles(p);
	check_listeners(p);
	check_gateways(p);
	check_uri(p);
	check_binding(p);
	check_path(p, "storage", "dir", p->cfg->dir);
	check_anchor(p);
	check_path(p, "admin", "socket", p->cfg->socket);
}
