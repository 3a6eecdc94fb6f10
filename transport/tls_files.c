/* SPDX-License-Identifier: Apache-2.0 */
/* A listener's own certificate and key, and whom it trusts, from PEM files. Nothing of a key is
 * told or left in memory. */
#include "transport/tls.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WHY = 256, PEM_MAX = 64 << 10, CRL_MAX = 32 << 20, CHAIN_MAX = 8 };

static enum err fail(enum err err, char *why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum err fail(enum err err, char *why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, WHY, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return err;
}

/* ---- bytes of a file */

struct pem {
	const char *path;
	uint8_t *p;
	size_t cap;
	BIO *bio;
};

static void pem_fini(struct pem *f)
{
	BIO_free(f->bio);
	if (f->p)
		secret_wipe(f->p, f->cap);
	free(f->p);
	*f = (struct pem){.path = NULL};
}

/* A key of which others know is none. Its group may read it: that is how a service's keys are given
 * to it. */
static enum err check_mode(const char *path, const struct stat *st, bool secret, char *why)
{
	enum { OTHERS = 037 };
	if (!S_ISREG(st->st_mode))
		return fail(ERR_IO, why, "%s is no regular file", path);
	if (secret && (st->st_mode & OTHERS))
		return fail(ERR_RANGE, why,
			"%s holds a private key and is open to others (mode %04o); chmod 0600 %s",
			path, st->st_mode & 07777, path);
	return ERR_OK;
}

static enum err read_all(int fd, struct pem *f, size_t size, size_t *n, char *why)
{
	f->cap = size + 1;
	f->p = malloc(f->cap);
	if (!f->p)
		return ERR_NOMEM;
	*n = 0;
	for (ssize_t got = 1; got && *n < f->cap; *n += (size_t)got) {
		got = read(fd, &f->p[*n], f->cap - *n);
		if (got < 0)
			return fail(ERR_IO, why, "%s cannot be read: %s", f->path, strerror(errno));
	}
	return *n > size ? fail(ERR_IO, why, "%s changes while it is read", f->path) : ERR_OK;
}

/* `f` is to be ended in any case. */
static enum err pem_open(struct pem *f, const char *path, bool secret, size_t max, char *why)
{
	struct stat st;
	size_t n = 0;
	*f = (struct pem){.path = path};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail(ERR_IO, why, "%s cannot be read: %s", path, strerror(errno));
	enum err err = fstat(fd, &st)
			       ? fail(ERR_IO, why, "%s cannot be read: %s", path, strerror(errno))
			       : check_mode(path, &st, secret, why);
	if (!err && (size_t)st.st_size > max)
		err = fail(ERR_IO, why, "%s is larger than %zu bytes", path, max);
	if (!err)
		err = read_all(fd, f, (size_t)st.st_size, &n, why);
	close(fd);
	if (!err) {
		f->bio = BIO_new_mem_buf(f->p, (int)n);
		err = f->bio ? ERR_OK : ERR_NOMEM;
	}
	return err;
}

/* Nobody is asked for a password. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

/* ---- the listener's own */

static bool is_p256(const EVP_PKEY *key)
{
	char group[32];
	size_t n;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static enum err load_key(SSL_CTX *c, const char *path, char *why)
{
	struct pem f;
	EVP_PKEY *key = NULL;
	enum err err = pem_open(&f, path, true, PEM_MAX, why);
	if (!err) {
		key = PEM_read_bio_PrivateKey(f.bio, NULL, no_password, NULL);
		if (!key)
			err = fail(ERR_SYNTAX, why,
				"%s holds no private key in PEM, or one that wants a password",
				path);
		else if (!is_p256(key))
			err = fail(ERR_SYNTAX, why, "the key in %s is not of the curve secp256r1",
				path);
		else if (SSL_CTX_use_PrivateKey(c, key) != 1)
			err = fail(ERR_SYNTAX, why, "the key in %s does not fit the certificate",
				path);
	}
	EVP_PKEY_free(key);
	pem_fini(&f);
	return err;
}

/* The time is the operator's to mend: that is told, and no reason not to start. */
static void warn_of_time(const X509 *x, const char *path, char *why)
{
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		snprintf(why, WHY, "the certificate in %s has expired", path);
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		snprintf(why, WHY, "the certificate in %s is not valid yet", path);
}

static enum err add_certificate(SSL_CTX *c, X509 *x, bool first, const char *path, char *why)
{
	if (!first)
		return SSL_CTX_add1_chain_cert(c, x) == 1
			       ? ERR_OK
			       : fail(ERR_SYNTAX, why, "%s: %s", path,
					 ERR_reason_error_string(ERR_peek_last_error()));
	if (!is_p256(X509_get0_pubkey(x)))
		return fail(ERR_SYNTAX, why,
			"the first certificate in %s is not for a key of the curve secp256r1",
			path);
	if (SSL_CTX_use_certificate(c, x) != 1)
		return fail(ERR_SYNTAX, why, "the first certificate in %s cannot be used: %s", path,
			ERR_reason_error_string(ERR_peek_last_error()));
	warn_of_time(x, path, why);
	return ERR_OK;
}

static enum err load_certificates(SSL_CTX *c, const char *path, char *why)
{
	struct pem f;
	size_t n = 0;
	enum err err = pem_open(&f, path, false, PEM_MAX, why);
	for (X509 *x; !err && (x = PEM_read_bio_X509(f.bio, NULL, no_password, NULL)); n++) {
		err = n == CHAIN_MAX ? fail(ERR_SYNTAX, why, "%s holds more than %d certificates",
					       path, CHAIN_MAX)
				     : add_certificate(c, x, n == 0, path, why);
		X509_free(x);
	}
	if (!err && !n)
		err = fail(ERR_SYNTAX, why, "%s holds no certificate in PEM", path);
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err = fail(ERR_SYNTAX, why, "%s: what follows certificate %zu cannot be read", path,
			n);
	ERR_clear_error();
	pem_fini(&f);
	return err;
}

/* ---- whom it trusts */

static enum err load_anchors(SSL_CTX *c, const char *path, char *why)
{
	struct pem f;
	size_t n = 0;
	X509_STORE *store = SSL_CTX_get_cert_store(c);
	enum err err = pem_open(&f, path, false, CRL_MAX, why);
	for (X509 *x; !err && (x = PEM_read_bio_X509(f.bio, NULL, no_password, NULL)); n++) {
		if (X509_STORE_add_cert(store, x) != 1)
			err = ERR_NOMEM;
		X509_free(x);
	}
	if (!err && (!n || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		err = fail(ERR_SYNTAX, why, "%s: %s", path,
			n ? "what follows its last certificate cannot be read"
			  : "it holds no certificate in PEM");
	ERR_clear_error();
	pem_fini(&f);
	return err;
}

static enum err load_crls(SSL_CTX *c, const char *path, char *why)
{
	struct pem f;
	size_t n = 0;
	X509_STORE *store = SSL_CTX_get_cert_store(c);
	enum err err = pem_open(&f, path, false, CRL_MAX, why);
	for (X509_CRL *l; !err && (l = PEM_read_bio_X509_CRL(f.bio, NULL, no_password, NULL));
		n++) {
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(l);
		if (X509_STORE_add_crl(store, l) != 1)
			err = ERR_NOMEM;
		else if (next && X509_cmp_current_time(next) < 0)
			snprintf(why, WHY,
				"a list in %s is outdated: no certificate of its CA is taken",
				path);
		X509_CRL_free(l);
	}
	if (!err && (!n || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		err = fail(ERR_SYNTAX, why, "%s: %s", path,
			n ? "what follows its last list cannot be read"
			  : "it holds no revocation list (CRL) in PEM");
	ERR_clear_error();
	pem_fini(&f);
	if (!err)
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return err;
}

/* ---- raw public keys */

#if TLS_RAW_KEYS
/* Who asks for nothing gets a certificate, if there is one. */
static enum err allow_raw_keys(SSL_CTX *c, bool certificate)
{
	static const unsigned char types[] = {TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};
	size_t n = certificate ? 2 : 1;
	return SSL_CTX_set1_server_cert_type(c, types, n) == 1 &&
			       SSL_CTX_set1_client_cert_type(c, types, n) == 1
		       ? ERR_OK
		       : ERR_NOMEM;
}
#else
static enum err allow_raw_keys(SSL_CTX *c, bool certificate)
{
	(void)c, (void)certificate;
	return ERR_UNSUPPORTED;
}
#endif

bool net_has_raw_keys(const char **version)
{
	*version = OpenSSL_version(OPENSSL_VERSION);
	return TLS_RAW_KEYS && OpenSSL_version_num() >= 0x30200000L;
}

enum err tls_files_load(SSL_CTX *c, const struct net_identity *id, char *why)
{
	const char *version;
	enum err err = ERR_OK;
	why[0] = '\0';
	if (id->raw_keys && !net_has_raw_keys(&version))
		return fail(ERR_UNSUPPORTED, why,
			"raw public keys need OpenSSL 3.2 or newer, and this is %s", version);
	if (id->certificate)
		err = load_certificates(c, id->certificate, why);
	if (!err && id->key)
		err = load_key(c, id->key, why);
	if (!err && id->certificate && SSL_CTX_check_private_key(c) != 1)
		err = fail(ERR_SYNTAX, why, "the key in %s does not fit the certificate in %s",
			id->key, id->certificate);
	if (!err && id->ca)
		err = load_anchors(c, id->ca, why);
	if (!err && id->crl)
		err = load_crls(c, id->crl, why);
	if (!err && id->raw_keys)
		err = allow_raw_keys(c, id->certificate != NULL);
	if (err && !why[0])
		fail(err, why, "%s", err_text(err));
	return err;
}

enum err net_identity_check(const struct net_identity *id, char *why)
{
	SSL_CTX *c = SSL_CTX_new(TLS_method());
	enum err err = c ? tls_files_load(c, id, why) : ERR_NOMEM;
	SSL_CTX_free(c);
	return err;
}
