/* SPDX-License-Identifier: Apache-2.0 */
/* All sessions: who may begin one, where they are, when they are due. */
#include "transport/dtls.h"

#include "base/secret.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A cookie is good in its minute and in the next. */
enum { COOKIE_MS = 60000, COOKIE_BYTES = 8 };

uint64_t dtls_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct span key_at(const void *item)
{
	const struct dtls_session *s = item;
	return span_make(&s->io.at, sizeof(s->io.at));
}

static struct dtls_session *find(const struct map *m, const struct peer *at)
{
	return map_get(m, span_make(at, sizeof(*at)));
}

/* ---- time */

void dtls_arm(struct dtls *t)
{
	uint64_t due = wheel_next_ms(&t->wheel), now = dtls_now_ms();
	if (due >= t->armed_ms)
		return;
	t->armed_ms = due;
	uint64_t wait = due > now ? due - now : 0;
	struct timeval tv = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000)};
	(void)event_add(t->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct dtls *t = arg;
	uint64_t now = dtls_now_ms();
	(void)fd, (void)what;
	for (struct timer *due; (due = wheel_expire(&t->wheel, now));)
		dtls_session_due((struct dtls_session *)due, now);
	t->armed_ms = UINT64_MAX;
	dtls_arm(t);
	event_active(t->turn_event, EV_READ, 0); /* what was sent again is to be flushed */
}

/* ---- the end of sessions */

static void free_dead(struct dtls *t, bool tell)
{
	for (struct dtls_session *s; (s = t->dead);) {
		t->dead = s->next_dead;
		if (tell && (s->open || s->client) && *t->closed)
			(*t->closed)(t->arg, &s->peer);
		dtls_session_free(s);
	}
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct dtls *t = arg;
	(void)fd, (void)what;
	free_dead(t, true);
	event_active(t->turn_event, EV_READ, 0);
}

/* ---- those that begin */

/* Among those that begin. ERR_NOMEM; it is in nothing then. */
static enum err enter(struct dtls_session *s, uint64_t now_ms)
{
	struct dtls *t = s->hub;
	enum err err = map_put(&t->begun, s);
	if (err)
		return err;
	err = crowd_add(&t->begins, &s->member, crowd_of(&s->io.at), now_ms);
	if (err)
		map_remove(&t->begun, s);
	return err;
}

/* Of the address that it goes to, and ours that was spoken to. Nobody who does not read what is
 * sent there can know it. */
static uint64_t cookie_of(const struct dtls_session *s, uint64_t minute)
{
	struct {
		struct peer at;
		uint64_t minute;
	} text;
	memset(&text, 0, sizeof(text));
	text.at = s->io.at;
	text.minute = minute;
	return siphash24(s->hub->cookie_key, span_make(&text, sizeof(text)));
}

static int on_cookie(SSL *ssl, unsigned char *out, unsigned *n)
{
	const struct tls_who *who = SSL_get_app_data(ssl);
	const struct dtls_session *s =
		(const void *)((const char *)who - offsetof(struct dtls_session, who));
	uint64_t cookie = cookie_of(s, dtls_now_ms() / COOKIE_MS);
	memcpy(out, &cookie, COOKIE_BYTES);
	*n = COOKIE_BYTES;
	return 1;
}

static int on_cookie_back(SSL *ssl, const unsigned char *got, unsigned n)
{
	const struct tls_who *who = SSL_get_app_data(ssl);
	const struct dtls_session *s =
		(const void *)((const char *)who - offsetof(struct dtls_session, who));
	uint64_t minute = dtls_now_ms() / COOKIE_MS;
	for (uint64_t back = 0; n == COOKIE_BYTES && back < 2; back++) {
		uint64_t cookie = cookie_of(s, minute - back);
		if (secret_eq(span_make(&cookie, COOKIE_BYTES), span_make(got, n)))
			return 1;
	}
	return 0;
}

static uint16_t next_connection(struct dtls *t)
{
	t->next_connection++;
	if (!t->next_connection)
		t->next_connection = 1;
	return t->next_connection;
}

static struct dtls_session *of_member(struct crowd_member *m)
{
	return m ? (void *)((char *)m - offsetof(struct dtls_session, member)) : NULL;
}

/* Who has to go before that address may begin; NULL: there is room. */
static struct dtls_session *in_the_way(const struct dtls *t, const struct peer *from)
{
	return of_member(crowd_victim(
		&t->begins, crowd_of(from), t->how.handshakes, t->how.handshakes_each));
}

/* Where many come at once, those that have begun a moment ago are left to come to their end: a
 * newcomer asks again. Else nobody would. */
static bool may_begin(const struct dtls *t, const struct peer *from)
{
	const struct dtls_session *s = in_the_way(t, from);
	return !s || dtls_now_ms() - s->member.since_ms >= t->how.spared_ms;
}

/* It has shown that it hears us: from here on there is something of it. */
static void begin(struct dtls_place *p, struct dtls_session *s, struct span random)
{
	struct dtls *t = p->hub;
	struct dtls_session *old = find(&t->begun, &s->io.at);
	uint64_t now = dtls_now_ms();
	if (old)
		dtls_session_close(old, false);
	while ((old = in_the_way(t, &s->io.at)))
		dtls_session_close(old, false);
	s->peer = s->io.at;
	s->peer.bearer = BEARER_DTLS;
	s->peer.connection = next_connection(t);
	s->due_ms = now + t->how.handshake_ms;
	memcpy(s->random, random.p, sizeof(s->random));
	if (enter(s, now))
		dtls_session_free(s);
	else
		dtls_session_feed(s, SPAN_EMPTY);
}

/* A ClientHello: answered by a cookie, of which nothing is kept, or one that brings it. */
static void hello(
	struct dtls_place *p, const struct peer *from, struct span datagram, struct span random)
{
	if (!may_begin(p->hub, from)) {
		p->hub->stats->dtls_refused++;
		return;
	}
	BIO_ADDR *nobody = BIO_ADDR_new();
	if (!p->next)
		p->next = dtls_session_new(p);
	struct dtls_session *s = p->next;
	if (nobody && s) {
		s->io.at = *from;
		s->io.in = datagram;
		ERR_clear_error();
		if (DTLSv1_listen(s->ssl, nobody) > 0) {
			p->next = NULL;
			begin(p, s, random);
		} else {
			s->io.in = SPAN_EMPTY;
		}
	}
	ERR_clear_error();
	BIO_ADDR_free(nobody);
}

/* A client need not know which of its own addresses its messages leave from. */
static struct dtls_session *find_either(
	const struct map *m, const struct dtls_place *p, const struct peer *from)
{
	struct dtls_session *s = find(m, from);
	struct peer at = *from;
	if (s || !p->client)
		return s;
	at.local_n = 0;
	memset(at.local, 0, sizeof(at.local));
	return find(m, &at);
}

/* What was begun gets all that can belong to it; OpenSSL drops what does not. The old session goes
 * on beside it. */
void dtls_input(void *place, const struct peer *from, struct span datagram)
{
	struct dtls_place *p = place;
	struct dtls *t = p->hub;
	struct dtls_head head;
	if (dtls_head_read(datagram, &head)) {
		t->stats->dtls_strays++;
		return;
	}
	struct dtls_session *begun = find_either(&t->begun, p, from);
	if (head.hello && p->client) {
		t->stats->dtls_strays++;
		return;
	}
	if (head.hello && !(begun && span_eq(head.random, span_make(begun->random, DTLS_RANDOM)))) {
		hello(p, from, datagram, head.random);
		return;
	}
	if (begun && begun->sealed + head.sealed <= DTLS_SEALED_MAX) {
		begun->sealed = (uint16_t)(begun->sealed + head.sealed);
		dtls_session_feed(begun, datagram);
	}
	struct dtls_session *open = find_either(&t->open, p, from);
	if (open && open != begun && head.epoch)
		dtls_session_feed(open, datagram);
	if (!begun && !open)
		t->stats->dtls_strays++;
}

/* ---- those that are open */

void dtls_opened(struct dtls_session *s)
{
	struct dtls *t = s->hub;
	struct dtls_session *old = find(&t->open, &s->io.at);
	s->who.mark = tls_mark(s->ssl, &s->who);
	if (!s->who.mark) { /* it could not be stored whose it is */
		dtls_session_failed(s);
		return;
	}
	if (old)
		dtls_session_close(old, false);
	struct span mark = span_make(&s->who.mark, sizeof(s->who.mark));
	while ((old = of_member(
			crowd_victim(&t->opens, mark, t->how.sessions, t->how.sessions_each))))
		dtls_session_close(old, true);
	map_remove(&t->begun, s);
	crowd_del(&t->begins, &s->member);
	s->open = true;
	s->due_ms = dtls_now_ms() + t->how.idle_ms;
	if (crowd_add(&t->opens, &s->member, mark, dtls_now_ms()) || map_put(&t->open, s))
		dtls_session_close(s, true);
	else
		dtls_session_arm(s, dtls_now_ms());
	t->stats->dtls_opened++;
	if (s->held && !s->over && SSL_write(s->ssl, s->held, (int)s->held_n) <= 0)
		ERR_clear_error(); /* lost, as any datagram may be */
	free(s->held);
	s->held = NULL;
}

/* ---- those that we open */

static enum err hold(struct dtls_session *s, struct span datagram)
{
	uint8_t *copy = malloc(datagram.n ? datagram.n : 1);
	if (!copy)
		return ERR_NOMEM;
	if (datagram.n)
		memcpy(copy, datagram.p, datagram.n);
	free(s->held);
	s->held = copy;
	s->held_n = datagram.n;
	return ERR_OK;
}

static enum err dial(
	struct dtls *t, const struct peer *to, const struct peer *at, struct span datagram)
{
	struct dtls_session *s = dtls_session_new(&t->place[to->listener]);
	enum err err = s ? hold(s, datagram) : ERR_NOMEM;
	if (!err) {
		s->io.at = *at;
		s->peer = *to;
		s->due_ms = dtls_now_ms() + t->how.handshake_ms;
		err = enter(s, dtls_now_ms());
	}
	if (err) {
		dtls_session_free(s);
		return err;
	}
	dtls_session_feed(s, SPAN_EMPTY);
	return ERR_OK;
}

void dtls_hang_up(struct dtls *t, const struct peer *who)
{
	struct peer at = *who;
	at.bearer = BEARER_UDP;
	struct dtls_session *s = find(&t->open, &at), *b = find(&t->begun, &at);
	if (s && s->client)
		dtls_session_close(s, true);
	if (b && b->client)
		dtls_session_close(b, false);
}

/* NULL: it is gone, or another one has its address. */
static struct dtls_session *session_of(const struct dtls *t, const struct peer *who)
{
	struct peer at = *who;
	at.bearer = BEARER_UDP;
	at.connection = 0;
	struct dtls_session *s = find(&t->open, &at);
	return s && s->peer.connection == who->connection ? s : NULL;
}

enum err dtls_send(struct dtls *t, const struct peer *to, struct span datagram)
{
	struct dtls_session *s = session_of(t, to);
	if (datagram.n > NET_DATAGRAM_MAX)
		return ERR_RANGE;
	if (!s && dtls_has(t, to->listener) && t->place[to->listener].client && !to->connection) {
		struct peer at = *to;
		at.bearer = BEARER_UDP;
		s = find(&t->begun, &at);
		return s ? hold(s, datagram) : dial(t, to, &at, datagram);
	}
	if (!s)
		return ERR_NOTFOUND;
	ERR_clear_error();
	int n = SSL_write(s->ssl, datagram.p, (int)datagram.n);
	if (n > 0)
		return ERR_OK;
	if (tls_step(s->ssl, n) == TLS_STEP_FAILED)
		dtls_session_close(s, false);
	return ERR_NOTFOUND;
}

uint64_t dtls_mark(const struct dtls *t, const struct peer *who)
{
	const struct dtls_session *s = session_of(t, who);
	return s ? s->who.mark : 0;
}

/* ---- all of it */

void dtls_serve(struct dtls *t, uint16_t index, struct udp *udp, bool client)
{
	t->place[index] =
		(struct dtls_place){.hub = t, .udp = udp, .index = index, .client = client};
}

/* What is kept ready for the next that comes was made for the old one. */
enum err dtls_identify(struct dtls *t, uint16_t index, const struct net_identity *id, char *why)
{
	enum err err = tls_identify(&t->tls, index, id, why);
	if (!err) {
		dtls_session_free(t->place[index].next);
		t->place[index].next = NULL;
	}
	return err;
}

bool dtls_has(const struct dtls *t, uint16_t index)
{
	return index < NET_LISTENERS_MAX && t->place[index].hub;
}

enum err dtls_new(struct event_base *base, net_input_fn *input, net_closed_fn **closed, void *arg,
	struct event *turn_event, struct net_stats *stats, const struct net_secure *how,
	struct dtls **out, char *why)
{
	struct dtls *t = calloc(1, sizeof(*t));
	struct rng rng = rng_system();
	uint8_t seed[16];
	if (!t)
		return ERR_NOMEM;
	t->base = base;
	t->input = input;
	t->closed = closed;
	t->arg = arg;
	t->turn_event = turn_event;
	t->stats = stats;
	t->how = *how;
	t->armed_ms = UINT64_MAX;
	rng_fill(&rng, seed, sizeof(seed));
	rng_fill(&rng, t->cookie_key, sizeof(t->cookie_key));
	map_init(&t->open, key_at, seed);
	map_init(&t->begun, key_at, seed);
	crowd_init(&t->opens, seed);
	crowd_init(&t->begins, seed);
	wheel_init(&t->wheel, dtls_now_ms());
	t->tls.cookie_make = on_cookie;
	t->tls.cookie_check = on_cookie_back;
	t->method = dtls_io_method();
	t->tick = evtimer_new(base, on_tick, t);
	t->reap = event_new(base, -1, 0, on_reap, t);
	enum err err = t->method && t->tick && t->reap ? tls_init(&t->tls, true, &t->how, arg, why)
						       : ERR_NOMEM;
	if (err) {
		dtls_free(t);
		return err;
	}
	*out = t;
	return ERR_OK;
}

static void close_all(struct crowd *c, bool alert)
{
	for (struct dtls_session *s; (s = of_member(c->all.oldest));)
		dtls_session_close(s, alert);
}

void dtls_release(struct dtls *t)
{
	close_all(&t->opens, true);
}

void dtls_free(struct dtls *t)
{
	if (!t)
		return;
	close_all(&t->opens, false);
	close_all(&t->begins, false);
	free_dead(t, false);
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++)
		dtls_session_free(t->place[i].next);
	if (t->tick)
		event_free(t->tick);
	if (t->reap)
		event_free(t->reap);
	tls_fini(&t->tls);
	BIO_meth_free(t->method);
	map_fini(&t->open);
	map_fini(&t->begun);
	crowd_fini(&t->opens);
	crowd_fini(&t->begins);
	secret_wipe(t->cookie_key, sizeof(t->cookie_key));
	free(t);
}
