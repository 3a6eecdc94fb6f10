/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/device_fleet.h"

#include "base/secret.h"
#include "cmd/device_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 64 << 10, FLEET_MAX = 512 << 20 };

static enum err complain(const char *where, const char *why)
{
	fprintf(stderr, "lanyard-device: %s%s%s\n", where, where[0] ? ": " : "", why);
	return ERR_STATE;
}

/* What an option says wins over the file. */
static void overlay(struct dev_credentials *c, const struct dev_credentials *given)
{
	if (given->endpoint[0])
		memcpy(c->endpoint, given->endpoint, sizeof(c->endpoint));
	if (given->secret_n)
		memcpy(c->master_secret, given->master_secret, c->secret_n = given->secret_n);
	if (given->salt_n)
		memcpy(c->master_salt, given->master_salt, c->salt_n = given->salt_n);
	if (given->has_id_context) {
		memcpy(c->id_context, given->id_context, c->id_context_n = given->id_context_n);
		c->has_id_context = true;
	}
	if (given->has_sender_id) {
		c->sender_id = given->sender_id;
		c->has_sender_id = true;
	}
	if (given->has_recipient_id) {
		c->recipient_id = given->recipient_id;
		c->has_recipient_id = true;
	}
}

static enum err set_uris(const struct device_options *o, struct dev_credentials *c)
{
	enum err e = ERR_OK;
	if (o->bootstrap_server) {
		c->server_uri[0] = 0;
		e = dev_credentials_set(
			c, SPAN_LIT("bootstrap_uri"), span_str(o->bootstrap_server));
	}
	if (e == ERR_OK && o->server)
		e = dev_credentials_set(c, SPAN_LIT("server_uri"), span_str(o->server));
	return e ? complain(
			   "", "a URI must be coap://host:port, or of coap+tcp, coaps or coaps+tcp")
		 : ERR_OK;
}

static enum err one(const struct device_options *o, device_each_fn *each, void *arg)
{
	struct dev_credentials c = {0};
	char why[DEV_REASON_MAX];
	enum err e = ERR_OK;
	if (o->config) {
		struct span text;
		e = device_file_read(o->config, CONFIG_MAX, &text);
		if (e)
			return complain(o->config, err_text(e));
		e = dev_credentials_parse(text, &c, why);
		secret_wipe((void *)(uintptr_t)text.p, text.n);
		free((void *)(uintptr_t)text.p);
		if (e)
			return complain(o->config, why);
	}
	overlay(&c, &o->credentials);
	e = set_uris(o, &c);
	if (e == ERR_OK && dev_credentials_check(&c, why) != ERR_OK)
		e = complain(o->config ? o->config : "", why);
	if (e == ERR_OK)
		e = each(arg, 0, &c);
	secret_wipe(&c, sizeof(c));
	return e;
}

/* A line of a role whose server was not named on the command line is not ours. */
static bool wanted(const struct dev_credentials *c)
{
	return c->bootstrap_uri[0] || c->server_uri[0];
}

static enum err file_line(
	const struct device_options *o, struct span line, size_t at, struct dev_credentials *c)
{
	char why[DEV_REASON_MAX], where[64];
	snprintf(where, sizeof(where), "line %zu of the fleet", at);
	if (dev_credentials_json(line, o->bootstrap_server, o->server, c, why) != ERR_OK)
		return complain(where, why);
	if (wanted(c) && dev_credentials_check(c, why) != ERR_OK)
		return complain(where, why);
	return ERR_OK;
}

static enum err from_file(const struct device_options *o, device_each_fn *each, void *arg)
{
	struct span all, rest;
	uint32_t index = 0, limit = o->count_given ? o->count : UINT32_MAX;
	enum err e = device_file_read(o->fleet, FLEET_MAX, &all);
	if (e)
		return complain(o->fleet, err_text(e));
	rest = all;
	for (size_t line = 1; rest.n && e == ERR_OK && index < limit; line++) {
		struct dev_credentials c;
		size_t n = 0;
		while (n < rest.n && rest.p[n] != '\n')
			n++;
		struct span text = span_sub(rest, 0, n);
		rest = span_sub(rest, n + 1, rest.n);
		if (!text.n)
			continue;
		e = file_line(o, text, line, &c);
		if (e == ERR_OK && wanted(&c))
			e = each(arg, index++, &c);
		secret_wipe(&c, sizeof(c));
	}
	secret_wipe((void *)(uintptr_t)all.p, all.n);
	free((void *)(uintptr_t)all.p);
	if (e == ERR_OK && !index)
		return complain(o->fleet, "no line for the server given");
	return e;
}

static enum err from_seed(const struct device_options *o, device_each_fn *each, void *arg)
{
	struct osc_crypto *crypto;
	struct dev_credentials c;
	enum dev_role role = o->bootstrap_server ? DEV_ROLE_BOOTSTRAP : DEV_ROLE_SERVER;
	enum err e = osc_crypto_new(&crypto);
	if (e)
		return complain("crypto", err_text(e));
	for (uint32_t i = 0; i < o->count && e == ERR_OK; i++) {
		e = dev_credentials_derive(crypto, o->prefix, span_str(o->fleet_seed), i, role, &c);
		if (e)
			e = complain(o->prefix, "not a prefix of endpoint names");
		if (e == ERR_OK)
			e = set_uris(o, &c);
		if (e == ERR_OK)
			e = each(arg, i, &c);
	}
	secret_wipe(&c, sizeof(c));
	osc_crypto_free(crypto);
	return e;
}

enum err device_fleet_each(const struct device_options *o, device_each_fn *each, void *arg)
{
	if (o->fleet)
		return from_file(o, each, arg);
	return o->fleet_seed ? from_seed(o, each, arg) : one(o, each, arg);
}

static enum err print_one(void *arg, uint32_t index, const struct dev_credentials *c)
{
	const struct device_options *o = arg;
	uint8_t line[1024];
	struct writer w = wr_make(line, sizeof(line));
	(void)index;
	bool bootstrap = o->fleet_seed ? o->bootstrap_server != NULL : !c->server_uri[0];
	dev_credentials_write_json(c, bootstrap ? DEV_ROLE_BOOTSTRAP : DEV_ROLE_SERVER, &w);
	bool good = !w.err && fwrite(line, 1, w.n, stdout) == w.n;
	secret_wipe(line, sizeof(line));
	return good ? ERR_OK : ERR_IO;
}

enum err device_fleet_print(const struct device_options *o)
{
	enum err e = device_fleet_each(o, print_one, (void *)(uintptr_t)o);
	return fflush(stdout) == 0 ? e : ERR_IO;
}
