/* SPDX-License-Identifier: Apache-2.0 */
/* CPU of messages of a group, and how much of it is the signature: what OpenSSL alone takes for
 * the same key and as many bytes, in the same run. */
#include "oscore/group.h"

/* OpenSSL has a type of the name of one of our errors. */
#define ERR_STATE openssl_ERR_STATE
#include <openssl/evp.h>
#undef ERR_STATE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAYLOAD = 64, TIMES = 250, RUNS = 25, SIGNED_BYTES = 320 };

static struct osc_crypto *crypto;

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "group: %s\n", what);
	exit(1);
}

static double cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The machine is shared: all tasks in turn, and the best time of each. */
struct task {
	const char *what;
	void (*once)(void *);
	void *arg;
	int part; /* the task it is compared with; -1: none */
	double best;
};

static void run_all(struct task *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t[i].best = 1e9;
	for (size_t run = 0; run < RUNS * n; run++) {
		struct task *x = &t[run % n];
		double from = cpu_us();
		for (int i = 0; i < TIMES; i++)
			x->once(x->arg);
		double us = (cpu_us() - from) / TIMES;
		x->best = us < x->best ? us : x->best;
	}
}

/* ---- OpenSSL alone */

struct primitive {
	EVP_PKEY *key;
	const EVP_MD *digest;
	uint8_t signature[128];
	size_t n;
};

static const uint8_t text[SIGNED_BYTES];

static void sign_once(void *arg)
{
	struct primitive *p = arg;
	EVP_MD_CTX *x = EVP_MD_CTX_new();
	p->n = sizeof(p->signature);
	need(EVP_DigestSignInit(x, NULL, p->digest, NULL, p->key) == 1 &&
			EVP_DigestSign(x, p->signature, &p->n, text, sizeof(text)) == 1,
		"sign");
	EVP_MD_CTX_free(x);
}

static void verify_once(void *arg)
{
	struct primitive *p = arg;
	EVP_MD_CTX *x = EVP_MD_CTX_new();
	need(EVP_DigestVerifyInit(x, NULL, p->digest, NULL, p->key) == 1 &&
			EVP_DigestVerify(x, p->signature, p->n, text, sizeof(text)) == 1,
		"verify");
	EVP_MD_CTX_free(x);
}

/* ---- the messages */

struct kind {
	const char *name;
	int signature;
	EVP_PKEY *key[2];
	uint8_t cred[2][128];
	size_t cred_n[2];
};

struct end {
	struct osc_group *g;
	struct osc_member *other;
};

static struct end client, server;
static struct msg asked, answered;
static struct osc_group_binding binding;
static struct osc_group_option option;
static uint8_t asked_bytes[512], answered_bytes[512];

static const uint8_t payload[PAYLOAD];

/* A CCS: {8: {1: {1: kty, -1: crv, -2: x, -3: y}}} */
static void make_cred(struct kind *k, int i)
{
	struct writer w = wr_make(k->cred[i], sizeof(k->cred[i]));
	uint8_t point[65];
	size_t n = sizeof(point);
	wr_bytes(&w, SPAN_LIT("\xa1\x08\xa1\x01"));
	if (k->signature == OSC_EDDSA) {
		need(EVP_PKEY_get_raw_public_key(k->key[i], point, &n) == 1, "public key");
		wr_bytes(&w, SPAN_LIT("\xa3\x01\x01\x20\x06\x21\x58\x20"));
		wr_bytes(&w, span_make(point, 32));
	} else {
		need(EVP_PKEY_get_octet_string_param(k->key[i], "pub", point, n, &n) == 1 &&
				n == 65,
			"public key");
		wr_bytes(&w, SPAN_LIT("\xa4\x01\x02\x20\x01\x21\x58\x20"));
		wr_bytes(&w, span_make(point + 1, 32));
		wr_bytes(&w, SPAN_LIT("\x22\x58\x20"));
		wr_bytes(&w, span_make(point + 33, 32));
	}
	k->cred_n[i] = w.n;
}

static void private_half(const struct kind *k, int i, uint8_t out[static 32])
{
	size_t n = 32;
	BIGNUM *d = NULL;
	if (k->signature == OSC_EDDSA) {
		need(EVP_PKEY_get_raw_private_key(k->key[i], out, &n) == 1, "private key");
		return;
	}
	need(EVP_PKEY_get_bn_param(k->key[i], "priv", &d) == 1 && BN_bn2binpad(d, out, 32) == 32,
		"private key");
	BN_free(d);
}

static void open_end(struct end *e, const struct kind *k, int i)
{
	static const uint8_t ids[2] = {1, 2};
	uint8_t private[32];
	private_half(k, i, private);
	struct osc_group_params p = {.group_enc = ALG_AES_CCM_16_64_128,
		.signature = k->signature,
		.aead = ALG_AES_CCM_16_64_128,
		.agreement = OSC_ECDH_SS_256,
		.hkdf = ALG_HKDF_SHA256,
		.format = OSC_CRED_CCS,
		.master_secret = SPAN_LIT("0123456789abcdef"),
		.gid = SPAN_LIT("grp"),
		.gm_cred = span_make(k->cred[0], k->cred_n[0]),
		.sender_id = span_make(&ids[i], 1),
		.sender_cred = span_make(k->cred[i], k->cred_n[i]),
		.private_key = SPAN_OF(private),
		.members_max = 1};
	need(osc_group_new(crypto, &p, &e->g) == ERR_OK &&
			osc_group_add(crypto, e->g, span_make(&ids[!i], 1),
				span_make(k->cred[!i], k->cred_n[!i]), &e->other) == ERR_OK,
		"group");
}

static void protect_request(void *to)
{
	struct writer buf = wr_make(asked_bytes, sizeof(asked_bytes));
	struct msg m;
	msg_init(&m, MSG_NON, MSG_POST);
	m.payload = SPAN_OF(payload);
	need(msg_add_path(&m, OPT_URI_PATH, "3/0/1") == ERR_OK &&
			osc_group_protect_request(
				crypto, client.g, to, 77, &m, &buf, &asked, &binding) == ERR_OK,
		"protect a request");
}

static void unprotect_request(void *arg)
{
	uint8_t room[512];
	struct writer buf = wr_make(room, sizeof(room));
	struct msg plain;
	(void)arg;
	need(osc_group_option_of(&asked, &option) == ERR_OK, "option");
	need(osc_group_unprotect_request(crypto, server.g, server.other, &option, &asked, &buf,
		     &plain, &binding) == ERR_OK,
		"unprotect a request");
}

static void protect_response(void *to)
{
	struct writer buf = wr_make(answered_bytes, sizeof(answered_bytes));
	struct osc_group_reply how = {.to = to};
	struct msg m;
	msg_init(&m, MSG_NON, MSG_CONTENT);
	m.payload = SPAN_OF(payload);
	need(osc_group_protect_response(crypto, server.g, &how, &binding, &m, &buf, &answered) ==
			ERR_OK,
		"protect a response");
}

static void unprotect_response(void *arg)
{
	uint8_t room[512];
	struct writer buf = wr_make(room, sizeof(room));
	struct msg plain;
	uint64_t number;
	(void)arg;
	need(osc_group_unprotect_response(crypto, client.g, client.other, &binding, &answered, &buf,
		     &plain, &number) == ERR_OK,
		"unprotect a response");
}

static void row(const char *name, const struct task *t, const struct task *all)
{
	char title[64];
	snprintf(title, sizeof(title), "group, %s: %s", name, t->what);
	printf("%-44s %12.2f us CPU", title, t->best);
	if (t->part >= 0)
		printf("   %.2f of %s", t->best / all[t->part].best, all[t->part].what);
	printf("\n");
}

/* What is verified is what the task before it has made. */
static void measure(struct kind *k)
{
	struct primitive p = {
		.key = k->key[0], .digest = k->signature == OSC_EDDSA ? NULL : EVP_sha256()};
	open_end(&client, k, 0);
	open_end(&server, k, 1);
	struct task tasks[] = {{"OpenSSL signs", sign_once, &p, -1, 0},
		{"OpenSSL verifies", verify_once, &p, -1, 0},
		{"protect a request", protect_request, NULL, 0, 0},
		{"verify a request", unprotect_request, NULL, 1, 0},
		{"protect a response", protect_response, NULL, 0, 0},
		{"verify a response", unprotect_response, NULL, 1, 0},
		{"protect a pairwise request", protect_request, client.other, -1, 0}};
	size_t n = sizeof(tasks) / sizeof(tasks[0]);
	run_all(tasks, n);
	for (size_t i = 0; i < n; i++)
		row(k->name, &tasks[i], tasks);
	osc_group_free(client.g);
	osc_group_free(server.g);
}

int main(void)
{
	struct kind kinds[] = {{.name = "Ed25519", .signature = OSC_EDDSA},
		{.name = "ES256", .signature = OSC_ES256}};
	need(osc_crypto_new(&crypto) == ERR_OK, "crypto");
	for (size_t i = 0; i < 2; i++) {
		struct kind *k = &kinds[i];
		for (int j = 0; j < 2; j++) {
			k->key[j] = k->signature == OSC_EDDSA
					    ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
					    : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
			need(k->key[j] != NULL, "key");
			make_cred(k, j);
		}
		measure(k);
		EVP_PKEY_free(k->key[0]);
		EVP_PKEY_free(k->key[1]);
	}
	osc_crypto_free(crypto);
	return 0;
}
