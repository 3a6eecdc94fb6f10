/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/lanyardd_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 256, PATH_LEN = 4096, FILES = 4 };

/* Those of a listener. */
struct files {
	const char *key[FILES]; /* as the options are called */
	char path[FILES][PATH_LEN];
	bool absent; /* systemd has handed nothing over */
	struct net_identity id;
};

static void resolve(struct files *f, size_t i, const char *key, const char *value)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t n = strlen(CFG_CREDENTIAL);
	bool handed = strncmp(value, CFG_CREDENTIAL, n) == 0;
	f->key[i] = key;
	f->absent |= handed && !dir;
	if (handed)
		snprintf(f->path[i], PATH_LEN, "%s/%s", dir ? dir : "$CREDENTIALS_DIRECTORY",
			&value[n]);
	else
		snprintf(f->path[i], PATH_LEN, "%s", value);
}

static void files_of(struct files *f, const struct cfg_listen *l)
{
	const char *p[FILES];
	f->absent = false;
	resolve(f, 0, "certificate_file", l->certificate_file);
	resolve(f, 1, "key_file", l->key_file);
	resolve(f, 2, "ca_file", l->ca_file);
	resolve(f, 3, "crl_file", l->crl_file);
	for (size_t i = 0; i < FILES; i++)
		p[i] = f->path[i][0] ? f->path[i] : NULL;
	f->id = (struct net_identity){.certificate = p[0],
		.key = p[1],
		.ca = p[2],
		.crl = p[3],
		.raw_keys = l->raw_public_keys};
}

/* The option whose file is at fault, as the reason names it. */
static const char *at_fault(const struct files *f, enum err err, const char *why)
{
	if (err == ERR_UNSUPPORTED && f->id.raw_keys)
		return "raw_public_keys";
	for (size_t i = 0; i < FILES; i++)
		if (f->path[i][0] && strstr(why, f->path[i]))
			return f->key[i];
	return "key_file";
}

static void tell(const struct daemon_identity *d, size_t at, const char *key, const char *why)
{
	const char *name = d->cfg->listen[at].name;
	char file[CFG_TEXT_MAX], text[WHY_MAX + 128];
	uint32_t line;
	(void)cfg_where(d->config, name, key, file, &line);
	snprintf(text, sizeof(text), "\"%s\" of [listen %s]: %s", key, name, why);
	d->tell(NULL, file, line, text);
}

static void warn(const struct cfg_listen *l, const char *why)
{
	if (why[0])
		log_fields(LOG_LEVEL_WARNING, why, log_word("name", l->name));
}

bool daemon_identity_possible(const struct daemon_identity *d)
{
	const char *version;
	char why[WHY_MAX];
	bool good = true;
	for (size_t i = 0; i < d->cfg->listen_n; i++) {
		if (!d->cfg->listen[i].raw_public_keys || net_has_raw_keys(&version))
			continue;
		snprintf(
			why, sizeof(why), "it needs OpenSSL 3.2 or newer, and this is %s", version);
		tell(d, i, "raw_public_keys", why);
		good = false;
	}
	return good;
}

bool daemon_identity_check(const struct daemon_identity *d)
{
	static struct files f;
	char why[WHY_MAX];
	bool good = true;
	for (size_t i = 0; i < d->cfg->listen_n; i++) {
		const struct cfg_listen *l = &d->cfg->listen[i];
		if (!l->key_file[0])
			continue;
		files_of(&f, l);
		if (f.absent) {
			log_fields(LOG_LEVEL_NOTICE,
				"systemd has handed over no credentials here, so certificates and "
				"keys are not checked",
				log_word("name", l->name));
			continue;
		}
		enum err err = net_identity_check(&f.id, why);
		if (err)
			tell(d, i, at_fault(&f, err, why), why);
		else
			warn(l, why);
		good = good && !err;
	}
	return good;
}

bool daemon_identity_load(const struct daemon_identity *d, struct net *n, size_t at)
{
	static struct files f;
	const struct cfg_listen *l = &d->cfg->listen[at];
	char why[WHY_MAX];
	if (!cfg_is_channel(l->transport))
		return true;
	files_of(&f, l);
	enum err err =
		net_identify(n, (uint16_t)at, l->transport == CFG_TRANSPORT_DTLS, &f.id, why);
	if (err)
		tell(d, at, at_fault(&f, err, why), why);
	else
		warn(l, why);
	return !err;
}

void daemon_identity_reload(const struct daemon_identity *d, struct net *n)
{
	for (size_t i = 0; i < d->cfg->listen_n; i++)
		if (!daemon_identity_load(d, n, i))
			log_fields(LOG_LEVEL_ERROR, "the listener keeps the certificate it had",
				log_word("name", d->cfg->listen[i].name));
}

void daemon_tell_failed(
	const char *why, const struct channel_failure *f, const struct peer *who, uint64_t now_ms)
{
	static struct log_rate rate = {.interval_ms = 100, .burst = 20, .tokens = 20};
	char peer[96];
	struct writer p = wr_make(peer, sizeof(peer) - 1);
	if (!why || !log_enabled(LOG_LEVEL_INFO) || !log_rate_pass(&rate, now_ms))
		return;
	wr_peer(&p, who);
	log_fields(LOG_LEVEL_INFO, "handshake refused", log_word("reason", why),
		log_text("endpoint", f->name), log_text("peer", wr_span(&p)));
}
