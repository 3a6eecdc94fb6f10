/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/idempotency.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_N = 2 };

struct idem {
	struct idem *next, **pprev;
	uint64_t key[TAG_N], request[TAG_N]; /* hashes under two keys: 128 bits */
	int64_t begun_s;
	int status; /* 0: the first call is still running */
	bool lost;  /* its answer was too long */
	const char *content_type;
	char location[48];
	uint8_t *body;
	size_t n;
};

static int64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

static void entry_free(struct adm *a, struct idem *e)
{
	*e->pprev = e->next;
	if (e->next)
		e->next->pprev = e->pprev;
	else
		a->idem.last = e->pprev;
	a->idem.n--;
	free(e->body);
	free(e);
}

/* Those whose time is over go, and the oldest until there are at most `max`. One that is running
 * stays: there are never as many as requests may wait. */
static void forget(struct adm *a, size_t max)
{
	int64_t since = now_s() - a->idempotency_keep_s;
	struct idem *next;

	for (struct idem *e = a->idem.first; e; e = next) {
		next = e->next;
		if (e->begun_s > since && a->idem.n <= max)
			return;
		if (e->status)
			entry_free(a, e);
	}
}

static void hash(const struct adm *a, struct span s, uint64_t out[static TAG_N])
{
	out[0] = siphash24(a->idem_key, s);
	out[1] = siphash24(a->idem_key + 16, s);
}

static void hash_key(const struct adm_req *r, struct span key, uint64_t out[static TAG_N])
{
	uint8_t text[IDEM_KEY_MAX + 16];
	struct writer w = wr_make(text, sizeof(text));

	wr_u32(&w, (uint32_t)r->peer.uid);
	wr_bytes(&w, key);
	hash(r->adm, wr_span(&w), out);
}

static bool hash_request(struct adm_req *r, uint64_t out[static TAG_N])
{
	uint64_t body[TAG_N];
	struct span type = req_input_header(r, "Content-Type");
	size_t cap = r->uri.n + type.n + 64;
	struct writer w = wr_make(arena_alloc(&r->arena, cap), cap);

	hash(r->adm, r->body, body);
	wr_str(&w, r->method);
	wr_u8(&w, ' ');
	wr_bytes(&w, r->uri);
	wr_u8(&w, ' ');
	wr_bytes(&w, type);
	for (size_t i = 0; i < TAG_N; i++)
		wr_u64(&w, body[i]);
	if (w.err || !w.p)
		return adm_fail_set(&r->fail, 500, "internal", NULL, "out of memory");
	hash(r->adm, wr_span(&w), out);
	return true;
}

static struct idem *find(const struct adm *a, const uint64_t key[static TAG_N])
{
	struct idem *e = a->idem.first;

	while (e && memcmp(e->key, key, sizeof(e->key)))
		e = e->next;
	return e;
}

static bool key_good(struct adm_req *r, struct span key)
{
	bool good = key.n >= 1 && key.n <= IDEM_KEY_MAX;

	for (size_t i = 0; good && i < key.n; i++)
		good = key.p[i] >= 0x20 && key.p[i] < 0x7f;
	if (good)
		return true;
	return adm_fail_set(&r->fail, 400, "bad-request", "Idempotency-Key",
		"Idempotency-Key must be 1 to 255 visible ASCII characters");
}

static void replay(struct adm_req *r, const struct idem *e)
{
	struct jo o = {0};

	memcpy(r->location, e->location, sizeof(r->location));
	req_header(r, "Idempotent-Replayed", "", "true");
	jo_raw(&o, span_make(e->body, e->n));
	req_answer(r, e->status, e->content_type, &o);
}

/* One that came before. */
static void again(struct adm_req *r, const struct idem *e, const uint64_t request[static TAG_N])
{
	if (memcmp(e->request, request, sizeof(e->request)))
		req_problem(r, 422, "idempotency-mismatch",
			"this Idempotency-Key was used for another request");
	else if (!e->status)
		req_problem(r, 409, "idempotency-running",
			"the first request with this Idempotency-Key is not answered yet");
	else if (e->lost)
		req_problem(
			r, 409, "conflict", "it was done, but its answer was too long to be kept");
	else
		replay(r, e);
}

static struct idem *entry_new(
	struct adm *a, const uint64_t key[static TAG_N], const uint64_t request[static TAG_N])
{
	struct idem *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	memcpy(e->key, key, sizeof(e->key));
	memcpy(e->request, request, sizeof(e->request));
	e->begun_s = now_s();
	e->pprev = a->idem.last;
	*a->idem.last = e;
	a->idem.last = &e->next;
	a->idem.n++;
	return e;
}

bool idem_begin(struct adm_req *r)
{
	struct span header = req_input_header(r, "Idempotency-Key");
	uint64_t key[TAG_N], request[TAG_N];
	const struct idem *e;

	if (!header.p || (strcmp(r->method, "POST") && strcmp(r->method, "PUT")))
		return true;
	if (!key_good(r, header) || !hash_request(r, request)) {
		req_fail(r);
		return false;
	}
	hash_key(r, header, key);
	forget(r->adm, IDEM_MAX);
	e = find(r->adm, key);
	if (e) {
		again(r, e, request);
		return false;
	}
	forget(r->adm, IDEM_MAX - 1);
	r->idem = entry_new(r->adm, key, request);
	if (!r->idem)
		req_problem(r, 500, "internal", "out of memory");
	return r->idem != NULL;
}

void idem_answered(struct adm_req *r, int status, const char *content_type, struct span body)
{
	struct idem *e = r->idem;

	if (!e)
		return;
	r->idem = NULL;
	if (status == 500 || status == 503 || status == 507) {
		entry_free(r->adm, e);
		return;
	}
	e->status = status;
	e->content_type = content_type;
	memcpy(e->location, r->location, sizeof(e->location));
	e->lost = body.n > IDEM_ANSWER_MAX;
	if (e->lost || !body.n)
		return;
	e->body = malloc(body.n);
	e->lost = !e->body;
	if (!e->lost)
		memcpy(e->body, body.p, body.n);
	e->n = e->lost ? 0 : body.n;
}

void idem_fini(struct adm *a)
{
	while (a->idem.first)
		entry_free(a, a->idem.first);
}
