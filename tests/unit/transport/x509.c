/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of clients over TLS on loopback, made here, some of them as nobody should make them:
 * what is read from them, what is refused, and when something may be made of them. */
#include "transport/tls.h"

#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, MARK = 4711 };

static char dir[] = "/tmp/lanyard-x509-XXXXXX";

struct world {
	struct event_base *base;
	struct net *net;
	size_t looks, proofs, failed, inputs;
	bool late; /* there is no credential before the key is proven */
	bool trusted;
	enum channel_fault refuse, why;
	char names[2400];
};

static bool on_psk(void *arg, uint16_t listener, struct span identity, struct channel_psk *out)
{
	(void)arg, (void)listener, (void)identity, (void)out;
	return false;
}

static bool on_known(void *arg, uint16_t listener, uint64_t mark)
{
	(void)arg, (void)listener;
	return mark == MARK;
}

static enum channel_fault on_peer(
	void *arg, uint16_t listener, const struct channel_peer *p, struct channel_owner *out)
{
	struct world *w = arg;
	struct writer s = wr_make(w->names, sizeof(w->names) - 1);
	CHECK(listener == 2 && !p->raw_key.n, "a certificate at that listener");
	w->looks += !p->proven;
	w->proofs += p->proven;
	w->trusted = p->trusted;
	for (size_t i = 0; i < p->name_n; i++) {
		wr_bytes(&s, p->name[i]);
		wr_str(&s, "|");
	}
	w->names[s.n] = '\0';
	*out = (struct channel_owner){.mark = w->late && !p->proven ? 0 : MARK};
	return w->refuse;
}

static void on_failed(void *arg, const struct peer *who, const struct channel_failure *f)
{
	struct world *w = arg;
	(void)who;
	w->failed++;
	w->why = f->why;
}

static void on_input(void *arg, const struct peer *from, struct span datagram)
{
	struct world *w = arg;
	(void)datagram;
	w->inputs += net_mark(w->net, from) == MARK;
}

static void on_turn(void *arg)
{
	struct world *w = arg;
	net_flush(w->net);
}

static const char *path(const char *name)
{
	static char out[4][128];
	static unsigned turn;
	char *p = out[turn++ % 4];
	snprintf(p, sizeof(out[0]), "%s/%s", dir, name);
	return p;
}

static void world_init(struct world *w)
{
	char why[256] = "";
	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	REQUIRE(w->base && !net_new(w->base, on_input, on_turn, w, &w->net), "net_new");
	net_secure(w->net,
		&(struct net_secure){
			.psk = on_psk, .known = on_known, .peer = on_peer, .failed = on_failed});
	struct net_identity id = {
		.certificate = path("own.pem"), .key = path("own.key"), .ca = path("ca.pem")};
	REQUIRE(!net_identify(w->net, 2, false, &id, why), why);
	REQUIRE(!net_listen_tls(w->net, 2, "127.0.0.1", 0, -1, why), why);
}

static void world_fini(struct world *w)
{
	net_free(w->net);
	event_base_free(w->base);
}

/* ---- certificates */

struct made {
	EVP_PKEY *key;
	X509 *x;
};

static void made_free(struct made *m)
{
	EVP_PKEY_free(m->key);
	X509_free(m->x);
}

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	REQUIRE(e && X509_add_ext(x, e, -1), value);
	X509_EXTENSION_free(e);
}

/* What the text form could not say: names with any bytes. */
static void add_name(X509 *x, int type, struct span name, int times)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	for (int i = 0; i < times; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();
		REQUIRE(g && s && ASN1_STRING_set(s, name.p, (int)name.n), "a name");
		GENERAL_NAME_set0_value(g, type, s);
		sk_GENERAL_NAME_push(all, g);
	}
	REQUIRE(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1, "names");
	GENERAL_NAMES_free(all);
}

/* Unsigned as yet. */
static struct made begin(struct span cn, bool rsa)
{
	struct made m = {rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), X509_new()};
	REQUIRE(m.key && m.x && X509_set_version(m.x, 2) &&
			ASN1_INTEGER_set(X509_get_serialNumber(m.x), 7) &&
			X509_gmtime_adj(X509_getm_notBefore(m.x), -60) &&
			X509_gmtime_adj(X509_getm_notAfter(m.x), 3600) &&
			X509_set_pubkey(m.x, m.key),
		"a certificate");
	if (cn.n)
		REQUIRE(X509_NAME_add_entry_by_NID(X509_get_subject_name(m.x), NID_commonName,
				V_ASN1_UTF8STRING, cn.p, (int)cn.n, -1, 0),
			"its common name");
	return m;
}

static void sign(struct made *m, const struct made *ca)
{
	REQUIRE(X509_set_issuer_name(m->x, X509_get_subject_name(ca->x)) &&
			X509_sign(m->x, ca->key, EVP_sha256()),
		"signed");
}

static void keep(const struct made *m, const char *pem, const char *key)
{
	FILE *f = fopen(path(pem), "w");
	REQUIRE(f && PEM_write_X509(f, m->x) && !fclose(f), pem);
	int fd = key ? open(path(key), O_CREAT | O_WRONLY, 0600) : -1;
	f = key ? fdopen(fd, "w") : NULL;
	REQUIRE(!key || (f && PEM_write_PrivateKey(f, m->key, NULL, NULL, 0, NULL, NULL) &&
				!fclose(f)),
		"a key");
}

static struct made ca;

static void make_all(void)
{
	REQUIRE(mkdtemp(dir), "a directory");
	ca = begin(SPAN_LIT("ca"), false);
	add_extension(ca.x, NID_basic_constraints, "critical,CA:TRUE");
	sign(&ca, &ca);
	keep(&ca, "ca.pem", NULL);
	struct made own = begin(SPAN_LIT("own"), false);
	sign(&own, &ca);
	keep(&own, "own.pem", "own.key");
	made_free(&own);
}

static void remove_all(void)
{
	unlink(path("ca.pem"));
	unlink(path("own.pem"));
	unlink(path("own.key"));
	rmdir(dir);
	made_free(&ca);
}

/* ---- the other end */

/* Whether the handshake came to its end for the client and the server has taken what it said. With
 * TLS 1.2 the client knows. */
static bool connects(struct world *w, X509 *x, EVP_PKEY *key)
{
	static const uint8_t csm[] = {0x00, 0xe1, 0x00, 0x01}; /* and a GET */
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(net_port(w->net, 2)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	REQUIRE(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
	REQUIRE(!fcntl(fd, F_SETFL, O_NONBLOCK), "non-blocking");
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(c, 0);
	SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
	REQUIRE(!x || (SSL_CTX_use_certificate(c, x) == 1 && SSL_CTX_use_PrivateKey(c, key) == 1),
		"the client's certificate");
	SSL *ssl = SSL_new(c);
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	time_t end = now.tv_sec + PATIENCE_MS / 1000;
	bool done = false, broken = false;
	while (!w->inputs && !w->failed && now.tv_sec < end) {
		int n = done || broken ? 1 : SSL_do_handshake(ssl);
		if (n == 1 && !done && !broken) {
			done = true;
			SSL_write(ssl, csm, sizeof(csm));
		}
		broken |= n != 1 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ;
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		(void)poll(NULL, 0, 1);
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	SSL_free(ssl);
	SSL_CTX_free(c);
	close(fd);
	ERR_clear_error();
	return w->inputs > 0;
}

/* ---- what is read */

#define A50  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

static const struct {
	const char *what;
	struct span cn;
	int type; /* of the other names; 0: there are none */
	struct span name;
	int times;
	const char *want;
} names[] = {
	{"a common name", SPAN_LIT("me"), 0, SPAN_EMPTY, 0, "me|"},
	{"no name at all", SPAN_EMPTY, 0, SPAN_EMPTY, 0, ""},
	{"a common name with a NUL in it", SPAN_LIT("me\0.example"), 0, SPAN_EMPTY, 0, ""},
	{"a common name with a newline in it", SPAN_LIT("me\nx"), 0, SPAN_EMPTY, 0, ""},
	{"a DNS name", SPAN_LIT("me"), GEN_DNS, SPAN_LIT("a.example"), 1, "me|a.example|"},
	{"a URI", SPAN_EMPTY, GEN_URI, SPAN_LIT("urn:imei:1"), 1, "urn:imei:1|"},
	{"a DNS name with a NUL in it", SPAN_LIT("me"), GEN_DNS, SPAN_LIT("a\0b"), 1, "me|"},
	{"an empty DNS name", SPAN_LIT("me"), GEN_DNS, SPAN_EMPTY, 1, "me|"},
	{"a mail address is no name", SPAN_LIT("me"), GEN_EMAIL, SPAN_LIT("a@b"), 1, "me|"},
	{"the longest", SPAN_EMPTY, GEN_URI, SPAN_LIT(A250 "bbbb"), 1, A250 "bbbb|"},
	{"a longer one", SPAN_LIT("me"), GEN_URI, SPAN_LIT(A250 "bbbbb"), 1, "me|"},
	{"more than are looked at", SPAN_LIT("me"), GEN_DNS, SPAN_LIT("d"), 20,
		"me|d|d|d|d|d|d|d|"},
	{"as much as can be", SPAN_EMPTY, GEN_DNS, SPAN_LIT(A250), 20,
		A250 "|" A250 "|" A250 "|" A250 "|" A250 "|" A250 "|" A250 "|" A250 "|"},
};

/* Proves: SEC-06 */
static void test_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct world w;
		struct made m = begin(names[i].cn, false);
		if (names[i].type)
			add_name(m.x, names[i].type, names[i].name, names[i].times);
		sign(&m, &ca);
		world_init(&w);
		CHECK(connects(&w, m.x, m.key), names[i].what);
		CHECK_BYTES(span_str(w.names), span_str(names[i].want), names[i].what);
		CHECK(w.trusted && w.looks == 1 && !w.proofs, "it is looked at once");
		made_free(&m);
		world_fini(&w);
	}
}

/* ---- what is refused */

enum wrong { W_NONE, W_SELF, W_RSA, W_EXPIRED, W_EARLY, W_LARGE, W_SERVER, W_SHA1 };

static const struct {
	const char *what;
	enum wrong wrong;
	enum channel_fault refuse, want;
	size_t looks;
} refused[] = {
	{"nothing wrong", W_NONE, 0, CHANNEL_FAULT_NONE, 1},
	{"by whoever is asked", W_NONE, CHANNEL_FAULT_NAME, CHANNEL_FAULT_NAME, 1},
	{"signed by itself, which is for whoever is asked to say", W_SELF, 0, CHANNEL_FAULT_NONE,
		1},
	{"signed by itself, and nobody's", W_SELF, CHANNEL_FAULT_ISSUER, CHANNEL_FAULT_ISSUER, 1},
	{"expired", W_EXPIRED, 0, CHANNEL_FAULT_TIME, 1},
	{"not valid yet", W_EARLY, 0, CHANNEL_FAULT_TIME, 1},
	{"a key of RSA", W_RSA, 0, CHANNEL_FAULT_WEAK, 1},
	{"signed with SHA-1", W_SHA1, 0, CHANNEL_FAULT_WEAK, 1},
	{"meant for servers", W_SERVER, 0, CHANNEL_FAULT_ISSUER, 1},
	{"longer than is read", W_LARGE, 0, CHANNEL_FAULT_OFFER, 0},
};

static struct made spoiled(enum wrong wrong)
{
	static uint8_t filler[9000];
	struct made m = begin(SPAN_LIT("me"), wrong == W_RSA);
	memset(filler, 'x', sizeof(filler));
	if (wrong == W_EXPIRED)
		X509_gmtime_adj(X509_getm_notAfter(m.x), -30);
	if (wrong == W_EARLY)
		X509_gmtime_adj(X509_getm_notBefore(m.x), 600);
	if (wrong == W_LARGE)
		add_name(m.x, GEN_DNS, SPAN_OF(filler), 1);
	if (wrong == W_SERVER)
		add_extension(m.x, NID_ext_key_usage, "serverAuth");
	sign(&m, wrong == W_SELF ? &m : &ca);
	if (wrong == W_SHA1)
		X509_sign(m.x, ca.key, EVP_sha1());
	return m;
}

/* Proves: SEC-04, SEC-06 */
static void test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct world w;
		struct made m = spoiled(refused[i].wrong);
		world_init(&w);
		w.refuse = refused[i].refuse;
		CHECK(connects(&w, m.x, m.key) == !refused[i].want, refused[i].what);
		CHECK(w.failed == (refused[i].want != 0) && w.why == refused[i].want,
			refused[i].what);
		CHECK(w.looks == refused[i].looks && !w.proofs, "and nothing is made of it");
		made_free(&m);
		world_fini(&w);
	}
	struct world w;
	world_init(&w);
	CHECK(!connects(&w, NULL, NULL) && w.why == CHANNEL_FAULT_MISSING && !w.looks,
		"none at all");
	world_fini(&w);
}

/* ---- whose key it is */

/* A key with another's public half. */
static EVP_PKEY *forged(const EVP_PKEY *whose)
{
	EVP_PKEY *mine = EVP_EC_gen("P-256"), *out = NULL;
	BIGNUM *priv = NULL;
	uint8_t point[80];
	size_t n = 0;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	REQUIRE(mine && b && EVP_PKEY_get_bn_param(mine, OSSL_PKEY_PARAM_PRIV_KEY, &priv) &&
			EVP_PKEY_get_octet_string_param(
				whose, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
		"parts");
	OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, n);
	OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, priv);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	REQUIRE(EVP_PKEY_fromdata_init(c) == 1 &&
			EVP_PKEY_fromdata(c, &out, EVP_PKEY_KEYPAIR, params) == 1,
		"a key that is none");
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(priv);
	EVP_PKEY_free(mine);
	return out;
}

/* Certificates are no secrets: nothing is made of one before its key is proven. Proves: SEC-01 */
static void test_proof(void)
{
	struct world w;
	struct made m = begin(SPAN_LIT("me"), false);
	sign(&m, &ca);
	EVP_PKEY *not_its = forged(m.key);
	for (int late = 0; late < 2; late++) {
		world_init(&w);
		w.late = late;
		CHECK(connects(&w, m.x, m.key) && w.looks == 1 && w.proofs == (size_t)late,
			"with its key, it is made where it has to be");
		world_fini(&w);
		world_init(&w);
		w.late = late;
		CHECK(!connects(&w, m.x, not_its) && w.looks == 1 && !w.proofs,
			"without its key, nothing is");
		CHECK(w.why == CHANNEL_FAULT_PROOF, "and it is told");
		world_fini(&w);
	}
	EVP_PKEY_free(not_its);
	made_free(&m);
}

int main(void)
{
	make_all();
	test_names();
	test_refused();
	test_proof();
	remove_all();
	return test_done();
}
