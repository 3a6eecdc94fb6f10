/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and raw public keys of clients: whether they are good, and whose they are. Whatever
 * is wrong with one, the client gets the alert handshake_failure: after those that say more,
 * devices give up for good (LwM2M Transport 5.2.10), and a stranger learns nothing. The operator is
 * told. */
#include "transport/tls.h"

#include <string.h>
#include <time.h>

enum {
	CHAIN_BYTES_MAX = 8192, /* of a Certificate message */
	DEPTH_MAX = 4,          /* of CAs between a certificate and its anchor */
	EC_BITS_MIN = 255,
	RSA_BITS_MIN = 2048,
	TEXT_MAX = (CHANNEL_NAMES_MAX + 1) * CHANNEL_NAME_MAX, /* all that it says */
};

/* ---- what it says */

/* Names and subject, kept together. */
struct said {
	struct channel_peer peer;
	uint8_t *raw_key;
	struct writer w;
	uint8_t text[TEXT_MAX];
};

static void said_fini(struct said *s)
{
	OPENSSL_free(s->raw_key);
}

/* What is no name that an endpoint could have is left out: a NUL in it would make it another's. */
static void add_name(struct said *s, struct span name)
{
	struct channel_peer *p = &s->peer;
	size_t at = s->w.n;
	if (!name.n || name.n > CHANNEL_NAME_MAX || p->name_n == CHANNEL_NAMES_MAX)
		return;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] == 0x7f)
			return;
	wr_bytes(&s->w, name);
	if (!s->w.err)
		p->name[p->name_n++] = span_make(&s->text[at], name.n);
}

static void add_common_name(struct said *s, const X509 *x)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	uint8_t *utf8 = NULL;
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return;
	int n = ASN1_STRING_to_UTF8(
		&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (n > 0)
		add_name(s, span_make(utf8, (size_t)n));
	OPENSSL_free(utf8);
}

static void add_alternatives(struct said *s, const X509 *x)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		if (g->type != GEN_DNS && g->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *t =
			g->type == GEN_DNS ? g->d.dNSName : g->d.uniformResourceIdentifier;
		add_name(s, span_make(ASN1_STRING_get0_data(t), (size_t)ASN1_STRING_length(t)));
	}
	GENERAL_NAMES_free(all);
}

static void add_subject(struct said *s, const X509 *x)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;
	size_t at = s->w.n;
	long n = 0;
	if (b && X509_NAME_print_ex(b, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) > 0)
		n = BIO_get_mem_data(b, &text);
	if (n > 0 && n <= CHANNEL_NAME_MAX) {
		wr_bytes(&s->w, span_make(text, (size_t)n));
		s->peer.subject = s->w.err ? SPAN_EMPTY : span_make(&s->text[at], (size_t)n);
	}
	BIO_free(b);
}

static void said_begin(struct said *s)
{
	s->peer = (struct channel_peer){.name_n = 0};
	s->raw_key = NULL;
	s->w = wr_make(s->text, sizeof(s->text));
}

static void say_certificate(struct said *s, const X509 *x)
{
	unsigned n = sizeof(s->peer.sha256);
	said_begin(s);
	if (X509_digest(x, EVP_sha256(), s->peer.sha256, &n) != 1)
		return;
	add_subject(s, x);
	add_common_name(s, x);
	add_alternatives(s, x);
}

#if TLS_RAW_KEYS
static void say_raw_key(struct said *s, const EVP_PKEY *key)
{
	said_begin(s);
	int n = i2d_PUBKEY(key, &s->raw_key);
	s->peer.raw_key = n > 0 ? span_make(s->raw_key, (size_t)n) : SPAN_EMPTY;
}
#endif

/* ---- whether it is good */

/* LwM2M has curves of 255 bits and more; a CA may still use RSA. */
static bool strong(const EVP_PKEY *key, bool ca)
{
	if (!key)
		return false;
	if (ca && EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) >= EC_BITS_MIN;
}

static bool strong_chain(const STACK_OF(X509) * chain)
{
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (!strong(X509_get0_pubkey(sk_X509_value(chain, i)), true))
			return false;
	return true;
}

static enum channel_fault fault_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CHANNEL_FAULT_TIME;
	case X509_V_ERR_CERT_REVOKED:
		return CHANNEL_FAULT_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return CHANNEL_FAULT_CRL;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return CHANNEL_FAULT_WEAK;
	default:
		return CHANNEL_FAULT_ISSUER;
	}
}

/* Nobody that we know has signed it: then an endpoint may still have this very certificate. */
static bool lacks_issuer(int error)
{
	return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

static bool in_time(const X509 *x)
{
	return X509_cmp_current_time(X509_get0_notAfter(x)) > 0 &&
	       X509_cmp_current_time(X509_get0_notBefore(x)) < 0;
}

static int64_t expiry_s(const X509 *x)
{
	struct tm tm;
	return ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static enum channel_fault ask(struct tls_who *who, const struct said *s)
{
	const struct net_secure *how = who->tls->how;
	if (!how->peer)
		return CHANNEL_FAULT_NAME;
	return how->peer(who->tls->arg, who->listener, &s->peer, &who->owner);
}

static enum channel_fault certificate(struct tls_who *who, X509_STORE_CTX *store, X509 *x)
{
	struct said s;
	int error = X509_verify_cert(store) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(store);
	bool chained = error == X509_V_OK && X509_STORE_CTX_get0_chain(store);
	enum channel_fault fault = chained ? CHANNEL_FAULT_NONE : fault_of(error);
	if (!strong(X509_get0_pubkey(x), false) ||
		(chained && !strong_chain(X509_STORE_CTX_get0_chain(store))))
		fault = CHANNEL_FAULT_WEAK;
	say_certificate(&s, x);
	s.peer.trusted = !fault;
	enum channel_fault whose = ask(who, &s);
	said_fini(&s);
	who->trusted = !fault;
	who->until_s = expiry_s(x);
	if (!fault || (fault == CHANNEL_FAULT_ISSUER && lacks_issuer(error) && !whose))
		fault = whose ? whose : in_time(x) ? CHANNEL_FAULT_NONE : CHANNEL_FAULT_TIME;
	return fault;
}

static enum channel_fault raw_key(struct tls_who *who, const X509_STORE_CTX *store)
{
#if TLS_RAW_KEYS
	struct said s;
	const EVP_PKEY *key = X509_STORE_CTX_get0_rpk((X509_STORE_CTX *)store);
	if (!key)
		return CHANNEL_FAULT_MISSING;
	say_raw_key(&s, key);
	who->until_s = INT64_MAX;
	enum channel_fault fault = s.peer.raw_key.n ? ask(who, &s) : CHANNEL_FAULT_WEAK;
	said_fini(&s);
	return fault;
#else
	(void)who, (void)store;
	return CHANNEL_FAULT_MISSING;
#endif
}

/* In the place of OpenSSL's own check, which is a part of it. The error is one that becomes
 * handshake_failure. */
static int on_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_who *who = SSL_get_app_data(ssl);
	X509 *x = X509_STORE_CTX_get0_cert(store);
	(void)arg;
	who->asked = true;
	who->fault = x ? certificate(who, store, x) : raw_key(who, store);
	who->peer = !who->fault;
	who->mark = who->fault ? 0 : who->owner.mark;
	ERR_clear_error();
	X509_STORE_CTX_set_error(
		store, who->fault ? X509_V_ERR_APPLICATION_VERIFICATION : X509_V_OK);
	return who->peer;
}

void tls_peer_proven(SSL *ssl, struct tls_who *who)
{
	struct said s;
	if (!who->peer || who->mark || who->fault)
		return;
	const X509 *x = SSL_get0_peer_certificate(ssl);
	said_begin(&s);
	if (x)
		say_certificate(&s, x);
#if TLS_RAW_KEYS
	else if (SSL_get0_peer_rpk(ssl))
		say_raw_key(&s, SSL_get0_peer_rpk(ssl));
#endif
	s.peer.trusted = who->trusted;
	s.peer.proven = true;
	who->fault = ask(who, &s);
	who->mark = who->fault ? 0 : who->owner.mark;
	if (!who->fault && !who->mark)
		who->fault = CHANNEL_FAULT_STORAGE;
	said_fini(&s);
}

/* SNI: with a name that is not its own the certificate is shown all the same, for the alert
 * unrecognized_name would stop a device for good; only a name that is its own is confirmed. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *own = SSL_get_certificate(ssl);
	(void)alert, (void)arg;
	bool ours = name && own && X509_check_host(own, name, strlen(name), 0, NULL) == 1;
	return ours ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void tls_peer_set_up(SSL_CTX *c)
{
	X509_STORE_set_flags(SSL_CTX_get_cert_store(c), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(c, DEPTH_MAX);
	SSL_CTX_set_max_cert_list(c, CHAIN_BYTES_MAX);
	SSL_CTX_set_cert_verify_callback(c, on_verify, NULL);
	SSL_CTX_set_tlsext_servername_callback(c, on_name);
}
