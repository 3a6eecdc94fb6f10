/* SPDX-License-Identifier: Apache-2.0 */
/* Profile IDs (PID-02 to PID-05). No text says over which bytes a hash is made, so what a `pid`
 * stands for is learned: a device that sends one that is not known gets 4.09, and comes again with
 * its whole list. That is learned of each device for itself, as nobody else may say what it has,
 * and not stored: after a start the device is asked once more. */
#include "server/server_impl.h"

#include <stdlib.h>
#include <string.h>

/* Of an endpoint: the last `pid` it used. In a list by age, the oldest of which makes room. */
struct srv_profile {
	struct srv_profile *older, *newer;
	struct endpoint *endpoint;
	uint64_t asked; /* hash of what got 4.09; 0: nothing since a list was learned */
	size_t pid_n, links_n;
	uint8_t *text; /* the pid, then the list; NULL: nothing is learned */
};

static uint64_t hash_of(const struct srv *s, struct span pid)
{
	return siphash24(s->profiles.seed, pid) | 1;
}

/* One in quotes is the same as without. */
static struct span bare(struct span pid)
{
	bool quoted = pid.n > 1 && pid.p[0] == '"' && pid.p[pid.n - 1] == '"';
	return quoted ? span_sub(pid, 1, pid.n - 2) : pid;
}

static struct srv_profile *profile_of(const struct srv *s, const struct endpoint *e)
{
	return e ? map_get(&s->profiles.by_endpoint, span_make(&e, sizeof(e))) : NULL;
}

static void unlink_it(struct srv *s, struct srv_profile *k)
{
	*(k->older ? &k->older->newer : &s->profiles.oldest) = k->newer;
	*(k->newer ? &k->newer->older : &s->profiles.newest) = k->older;
}

static void link_newest(struct srv *s, struct srv_profile *k)
{
	k->newer = NULL;
	k->older = s->profiles.newest;
	*(k->older ? &k->older->newer : &s->profiles.oldest) = k;
	s->profiles.newest = k;
}

static void drop_text(struct srv *s, struct srv_profile *k)
{
	s->profiles.bytes -= k->pid_n + k->links_n;
	free(k->text);
	k->text = NULL;
	k->pid_n = k->links_n = 0;
}

void srv_profile_forget(struct srv *s, struct endpoint *e)
{
	struct srv_profile *k = profile_of(s, e);
	if (!k)
		return;
	drop_text(s, k);
	unlink_it(s, k);
	map_remove(&s->profiles.by_endpoint, k);
	free(k);
}

static struct span key_endpoint(const void *item)
{
	const struct srv_profile *k = item;
	return span_make(&k->endpoint, sizeof(k->endpoint));
}

void srv_profiles_init(struct srv *s)
{
	memcpy(s->profiles.seed, s->opts.seed, sizeof(s->profiles.seed));
	map_init(&s->profiles.by_endpoint, key_endpoint, s->opts.seed);
}

void srv_profiles_fini(struct srv *s)
{
	while (s->profiles.oldest)
		srv_profile_forget(s, s->profiles.oldest->endpoint);
	map_fini(&s->profiles.by_endpoint);
}

/* Its place, as the newest; NULL: no memory. */
static struct srv_profile *touch(struct srv *s, struct endpoint *e)
{
	struct srv_profile *k = profile_of(s, e);
	if (k) {
		unlink_it(s, k);
		link_newest(s, k);
		return k;
	}
	if (s->profiles.by_endpoint.count >= SRV_PROFILES_MAX)
		srv_profile_forget(s, s->profiles.oldest->endpoint);
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->endpoint = e;
	if (map_put(&s->profiles.by_endpoint, k)) {
		free(k);
		return NULL;
	}
	link_newest(s, k);
	return k;
}

struct span srv_profile_links(const struct srv *s, const struct endpoint *e, struct span pid)
{
	const struct srv_profile *k = profile_of(s, e);
	struct span p = bare(pid);
	if (!k || !k->text || !span_eq(p, span_make(k->text, k->pid_n)))
		return SPAN_EMPTY;
	return span_make(k->text + k->pid_n, k->links_n);
}

void srv_profile_ask(struct srv *s, struct endpoint *e, struct span pid)
{
	struct srv_profile *k = touch(s, e);
	if (k)
		k->asked = hash_of(s, bare(pid));
}

bool srv_profile_asked(const struct srv *s, const struct endpoint *e, struct span pid)
{
	const struct srv_profile *k = profile_of(s, e);
	return k && k->asked == hash_of(s, bare(pid));
}

/* What does not fit is asked for at each Register. */
void srv_profile_learn(
	struct srv *s, struct endpoint *e, struct span pid, const struct lwm_object_list *l)
{
	struct span p = bare(pid);
	struct srv_profile *k = touch(s, e);
	struct writer w = wr_make(s->text, sizeof(s->text));
	if (!k)
		return;
	drop_text(s, k);
	k->asked = 0;
	if (lwm_object_list_write(l, &w) || w.n > SRV_PROFILE_MAX)
		return;
	while (s->profiles.bytes + p.n + w.n > SRV_PROFILES_BYTES && s->profiles.oldest != k)
		srv_profile_forget(s, s->profiles.oldest->endpoint);
	k->text = malloc(p.n + w.n + 1);
	if (!k->text)
		return;
	struct writer t = wr_make(k->text, p.n + w.n + 1);
	wr_bytes(&t, p);
	wr_bytes(&t, wr_span(&w));
	k->pid_n = p.n;
	k->links_n = w.n;
	s->profiles.bytes += p.n + w.n;
}
