/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here tells a stranger more than that a handshake failed: a PSK identity that nobody has
 * goes through the same steps as a wrong key. */
#include "transport/tls.h"

#include "base/secret.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_MAX = 16384 };
enum { TICKET_KEYS = 80, TICKET_KEYS_MS = 24 * 3600 * 1000, TICKET_S = 24 * 3600 };

/* RFC 7925 and LwM2M: with a pre-shared key; what is not in this list is not served. */
static const char suites[] = "PSK-AES128-CCM8:PSK-AES128-CBC-SHA256";
/* Where the listener has an identity. */
static const char suites_own[] = "PSK-AES128-CCM8:ECDHE-ECDSA-AES128-CCM8:PSK-AES128-CBC-SHA256:"
				 "ECDHE-ECDSA-AES128-SHA256";
static const char suites_13[] = "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256:"
				"TLS_AES_128_GCM_SHA256";

/* OpenSSL counts a tag of 8 bytes as 64 bits of security and would refuse these suites at any level
 * but 0, which allows everything. So the lists above say which suites there are, and all else has
 * to be worth 112 bits, as at level 2. */
static int secure_enough(
	const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other, void *ex)
{
	(void)ssl, (void)ctx, (void)nid, (void)other, (void)ex;
	switch (op) {
	case SSL_SECOP_CIPHER_SUPPORTED:
	case SSL_SECOP_CIPHER_SHARED:
	case SSL_SECOP_CIPHER_CHECK:
		return bits >= 64;
	case SSL_SECOP_COMPRESSION:
		return 0;
	case SSL_SECOP_VERSION:
	case SSL_SECOP_TICKET:
		return 1;
	default:
		return bits >= 112;
	}
}

/* The key of that identity, or one that nobody has, and who it is. False: there is no randomness.
 */
static bool find_key(struct tls_who *who, struct span identity, struct channel_psk *psk)
{
	const struct tls *t = who->tls;
	*psk = (struct channel_psk){.mark = 0};
	bool known = identity.n && identity.n <= CHANNEL_IDENTITY_MAX &&
		     t->how->psk(t->arg, who->listener, identity, psk);
	who->asked = true;
	who->mark = known ? psk->mark : 0;
	psk->key_n = known ? psk->key_n : 16;
	return known || RAND_bytes(psk->key, psk->key_n) == 1;
}

/* Until TLS 1.2, where identities are text to OpenSSL. */
static unsigned on_psk(SSL *ssl, const char *identity, unsigned char *key, unsigned max)
{
	struct tls_who *who = SSL_get_app_data(ssl);
	struct channel_psk psk;
	if (SSL_version(ssl) == TLS1_3_VERSION)
		return 0;
	bool good = find_key(who, span_make(identity, strlen(identity)), &psk) && psk.key_n <= max;
	unsigned n = good ? psk.key_n : 0;
	memcpy(key, psk.key, n);
	secret_wipe(&psk, sizeof(psk));
	return n;
}

/* A session of TLS 1.3 that stands for the key; the suite says no more than its hash, SHA-256. */
static SSL_SESSION *session_of(SSL *ssl, const struct channel_psk *psk)
{
	static const uint8_t suite[] = {0x13, 0x01};
	const SSL_CIPHER *c = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *s = SSL_SESSION_new();
	if (s && c && SSL_SESSION_set1_master_key(s, psk->key, psk->key_n) == 1 &&
		SSL_SESSION_set_cipher(s, c) == 1 &&
		SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) == 1)
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

/* TLS 1.3. A ticket comes the same way as an identity, and is longer than any. */
static int on_psk_13(SSL *ssl, const unsigned char *identity, size_t n, SSL_SESSION **out)
{
	struct tls_who *who = SSL_get_app_data(ssl);
	struct channel_psk psk;
	*out = NULL;
	if (n > CHANNEL_IDENTITY_MAX)
		return 1;
	if (find_key(who, span_make(identity, n), &psk))
		*out = session_of(ssl, &psk);
	secret_wipe(&psk, sizeof(psk));
	return *out != NULL;
}

/* The suites that we offer have the server know the key too. */
static unsigned on_own(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
	unsigned char *key, unsigned max)
{
	struct tls_who *who = SSL_get_app_data(ssl);
	struct channel_psk psk = {0};
	char own[CHANNEL_IDENTITY_MAX + 1];
	unsigned n = 0;
	(void)hint;
	if (who->tls->how->own(who->tls->arg, who->to, own, &psk) && strlen(own) < identity_max &&
		psk.key_n <= max) {
		who->asked = true;
		who->mark = 1;
		strcpy(identity, own);
		memcpy(key, psk.key, n = psk.key_n);
	}
	secret_wipe(&psk, sizeof(psk));
	return n;
}

/* A ticket says whose it is, and serves only as long as that credential does, and not longer than
 * the certificate. It is made when the client has proven its key. */
struct ticket {
	uint64_t mark;
	int64_t until_s;
};

static int on_ticket_made(SSL *ssl, void *arg)
{
	struct tls_who *who = SSL_get_app_data(ssl);
	(void)arg;
	tls_peer_proven(ssl, who);
	struct ticket k = {who->mark, who->peer ? who->until_s : INT64_MAX};
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &k, sizeof(k));
}

static SSL_TICKET_RETURN on_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
	size_t name_n, SSL_TICKET_STATUS status, void *arg)
{
	struct tls_who *who = SSL_get_app_data(ssl);
	bool renew = status == SSL_TICKET_SUCCESS_RENEW;
	void *data = NULL;
	size_t n = 0;
	struct ticket k = {0};
	(void)name, (void)name_n, (void)arg;
	if (status != SSL_TICKET_SUCCESS && !renew)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (SSL_SESSION_get0_ticket_appdata(session, &data, &n) == 1 && n == sizeof(k))
		memcpy(&k, data, n);
	if (!k.mark || time(NULL) >= k.until_s ||
		!who->tls->how->known(who->tls->arg, who->listener, k.mark))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	who->mark = k.mark;
	who->until_s = k.until_s;
	return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/* RFC 8323 section 8.2: who names protocols has to name this one; who names none may mean it. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
	const unsigned char *in, unsigned in_n, void *arg)
{
	struct reader r = rd_make(span_make(in, in_n));
	(void)ssl, (void)arg;
	while (!r.err && rd_left(&r)) {
		struct span name = rd_bytes(&r, rd_u8(&r));
		if (r.err || !span_eq_str(name, "coap"))
			continue;
		*out = name.p;
		*out_n = (unsigned char)name.n;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool draw_ticket_keys(SSL_CTX *c)
{
	uint8_t keys[TICKET_KEYS];
	bool good = RAND_bytes(keys, sizeof(keys)) == 1 &&
		    SSL_CTX_set_tlsext_ticket_keys(c, keys, sizeof(keys)) == 1;
	secret_wipe(keys, sizeof(keys));
	return good;
}

static bool set_up(const struct tls *t, SSL_CTX *c, const char *list)
{
	bool dtls = t->dtls;
	int low = dtls ? DTLS1_2_VERSION : TLS1_2_VERSION;
	SSL_CTX_set_security_level(c, 2);
	SSL_CTX_set_security_callback(c, secure_enough);
	SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (dtls) /* no message is longer, and the buffer stays with the session */
		SSL_CTX_set_max_send_fragment(c, NET_DATAGRAM_MAX);
	SSL_CTX_set_max_cert_list(c, MESSAGE_MAX); /* what is put together of fragments */
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); /* tickets are the peer's to keep */
	SSL_CTX_set_timeout(c, TICKET_S);
	if (t->how->psk)
		SSL_CTX_set_psk_server_callback(c, on_psk);
	if (t->how->own)
		SSL_CTX_set_psk_client_callback(c, on_own);
	SSL_CTX_set_psk_find_session_callback(c, on_psk_13);
	SSL_CTX_set_alpn_select_cb(c, on_alpn, NULL);
	if (t->cookie_make) {
		SSL_CTX_set_cookie_generate_cb(c, t->cookie_make);
		SSL_CTX_set_cookie_verify_cb(c, t->cookie_check);
	}
	return SSL_CTX_set_min_proto_version(c, low) == 1 &&
	       SSL_CTX_set_max_proto_version(c, dtls ? DTLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(c, list) == 1 &&
	       SSL_CTX_set_ciphersuites(c, suites_13) == 1 &&
	       SSL_CTX_set1_groups_list(c, "P-256:X25519") == 1 &&
	       SSL_CTX_set_session_ticket_cb(c, on_ticket_made, on_ticket, NULL) == 1 &&
	       SSL_CTX_set_session_id_context(c, (const uint8_t *)"lanyard", 7) == 1 &&
	       draw_ticket_keys(c);
}

static enum err ctx_new(const struct tls *t, const char *list, SSL_CTX **out, char *why)
{
	SSL_CTX *c = SSL_CTX_new(t->dtls ? DTLS_method() : TLS_method());
	if (!c)
		return ERR_NOMEM;
	ERR_clear_error();
	if (set_up(t, c, list)) {
		*out = c;
		return ERR_OK;
	}
	snprintf(why, 256, "this OpenSSL cannot serve %s: %s", t->dtls ? "DTLS" : "TLS",
		ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_CTX_free(c);
	return ERR_UNSUPPORTED;
}

enum err tls_init(struct tls *t, bool dtls, const struct net_secure *how, void *arg, char *why)
{
	t->how = how;
	t->arg = arg;
	t->dtls = dtls;
	return ctx_new(t, suites, &t->ctx, why);
}

void tls_fini(struct tls *t)
{
	SSL_CTX_free(t->ctx);
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		SSL_CTX_free(t->own[i]);
	BIO_meth_free(t->stream);
	*t = (struct tls){.ctx = NULL};
}

/* Sessions and handshakes that are under way keep the one they began with. Tickets do not: they
 * were made under other trust. */
enum err tls_identify(struct tls *t, uint16_t listener, const struct net_identity *id, char *why)
{
	SSL_CTX *c = NULL;
	enum err err = id->key ? ctx_new(t, suites_own, &c, why) : ERR_OK;
	if (!err && c)
		err = tls_files_load(c, id, why);
	if (err) {
		SSL_CTX_free(c);
		return err;
	}
	if (c)
		tls_peer_set_up(c);
	SSL_CTX_free(t->own[listener]);
	t->own[listener] = c;
	return ERR_OK;
}

/* Where there is no randomness the old ones serve on. */
static void renew_ticket_keys(struct tls *t, uint64_t now_ms)
{
	if (t->keys_ms && now_ms - t->keys_ms < TICKET_KEYS_MS)
		return;
	t->keys_ms = now_ms;
	(void)draw_ticket_keys(t->ctx);
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		if (t->own[i])
			(void)draw_ticket_keys(t->own[i]);
}

SSL *tls_accepting(struct tls *t, struct tls_who *who, uint64_t now_ms)
{
	SSL_CTX *own = t->own[who->listener % NET_LISTENERS_MAX];
	renew_ticket_keys(t, now_ms);
	SSL *ssl = SSL_new(own ? own : t->ctx);
	if (!ssl)
		return NULL;
	who->tls = t;
	SSL_set_app_data(ssl, who);
	SSL_set_accept_state(ssl);
	return ssl;
}

/* TLS 1.3 would also do without a key of ours. */
SSL *tls_connecting(struct tls *t, struct tls_who *who)
{
	static const uint8_t alpn[] = "\4coap";
	SSL *ssl = SSL_new(t->ctx);
	if (!ssl)
		return NULL;
	who->tls = t;
	SSL_set_app_data(ssl, who);
	SSL_set_connect_state(ssl);
	if (SSL_is_dtls(ssl) || (SSL_set_max_proto_version(ssl, TLS1_2_VERSION) == 1 &&
					!SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1)))
		return ssl;
	SSL_free(ssl);
	return NULL;
}

uint64_t tls_mark(SSL *ssl, struct tls_who *who)
{
	tls_peer_proven(ssl, who);
	return who->asked || SSL_session_reused(ssl) ? who->mark : 0;
}

struct channel_failure tls_failure(const struct tls_who *who)
{
	struct channel_failure f = {
		who->fault, who->mark, span_make(who->owner.name, who->owner.name_n)};
	if (f.why)
		return f;
	if (who->peer)
		f.why = CHANNEL_FAULT_PROOF;
	else if (!who->asked)
		f.why = CHANNEL_FAULT_OFFER;
	else
		f.why = who->mark ? CHANNEL_FAULT_KEY : CHANNEL_FAULT_IDENTITY;
	return f;
}

/* What OpenSSL knows and we were not asked. */
static void note_missing(const SSL *ssl)
{
	struct tls_who *who = SSL_get_app_data(ssl);
	if (who && ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		who->fault = CHANNEL_FAULT_MISSING;
}

enum tls_step tls_step(SSL *ssl, int result)
{
	int e = SSL_get_error(ssl, result);
	note_missing(ssl);
	ERR_clear_error();
	switch (e) {
	case SSL_ERROR_WANT_READ:
		return TLS_STEP_WAIT;
	case SSL_ERROR_WANT_WRITE:
		return TLS_STEP_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_STEP_CLOSED;
	default:
		return TLS_STEP_FAILED;
	}
}
