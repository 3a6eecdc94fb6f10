/* SPDX-License-Identifier: Apache-2.0 */
/* Which Object Instances of a device go, and which ids the new ones get. */
#include "bootstrap/session.h"

enum { FAR_INSTANCE = 32 };

static bool is_server_account(const struct lwm_bs_instance *i)
{
	return i->ssid && i->ssid != LWM_ID_NONE;
}

/* Of an account that the plan replaces or removes; all are, unless it says otherwise. */
static bool goes(const struct bs_session *s, const struct lwm_bs_instance *i)
{
	return is_server_account(i) && i->iid != LWM_ID_NONE &&
	       (!s->plan->keep_others || bs_plan_names(s->plan, i->ssid));
}

/* Object 2 is merged where the device has shown all of it: entries for what the plan has entries
 * for, and for what goes, make room for the new ones. */
static bool merges_rights(const struct bs_session *s)
{
	return s->plan->keep_others && s->plan->access_n && s->rights.known;
}

static bool right_goes(const struct bs_session *s, const struct lwm_bs_right *r)
{
	const struct lwm_bs_discover *d = &s->found;
	for (size_t i = 0; r->oid == 1 && i < d->server_n; i++)
		if (d->server[i].iid == r->target && goes(s, &d->server[i]))
			return true;
	return bs_gives_rights(s, r->oid, r->target);
}

static bool right_stays(const struct bs_session *s, uint16_t iid)
{
	for (size_t i = 0; i < s->rights.n; i++)
		if (s->rights.v[i].iid == iid)
			return !right_goes(s, &s->rights.v[i]);
	return false;
}

uint16_t bs_access_instance(const struct bs_session *s, size_t at)
{
	uint16_t iid = 0;
	if (!merges_rights(s))
		return (uint16_t)at;
	for (size_t k = 0;; iid++)
		if (!right_stays(s, iid) && k++ == at)
			return iid;
}

/* Object 2: as a whole, or instance by instance. */
static bool right_at(const struct bs_session *s, size_t at, struct lwm_path *p)
{
	*p = (struct lwm_path){.n = 1, .id = {2}};
	if (!merges_rights(s))
		return !at && s->found.access && (!s->plan->keep_others || s->plan->access_n);
	if (at >= s->rights.n || !right_goes(s, &s->rights.v[at]))
		return false;
	*p = (struct lwm_path){.n = 2, .id = {2, s->rights.v[at].iid}};
	return true;
}

enum {
	RIGHTS_AT = LWM_BS_SERVERS_MAX + LWM_BS_INSTANCES_MAX,
	DELETES_MAX = RIGHTS_AT + LWM_BS_RIGHTS_MAX
};

/* What a place in the row of deletes stands for: first Object 1, whole or instance by instance,
 * then instances of the others, then Object 2. */
static bool delete_at(const struct bs_session *s, size_t at, struct lwm_path *p)
{
	const struct lwm_bs_discover *d = &s->found;
	if (!s->plan->keep_others && at == 0) {
		*p = (struct lwm_path){.n = 1, .id = {1}};
		return true;
	}
	if (at >= RIGHTS_AT)
		return right_at(s, at - RIGHTS_AT, p);
	const struct lwm_bs_instance *i = NULL;
	if (at >= LWM_BS_SERVERS_MAX && at - LWM_BS_SERVERS_MAX < d->inst_n)
		i = &d->inst[at - LWM_BS_SERVERS_MAX];
	else if (at < d->server_n && s->plan->keep_others)
		i = &d->server[at];
	if (!i || !goes(s, i))
		return false;
	*p = (struct lwm_path){.n = 2, .id = {i->oid, i->iid}};
	return true;
}

bool bs_next_delete(const struct bs_session *s, size_t *at, struct lwm_path *p)
{
	for (; *at < DELETES_MAX; ++*at)
		if (delete_at(s, *at, p)) {
			++*at;
			return true;
		}
	return false;
}

/* The lowest n instance ids that no instance has which stays. A device that does not show which
 * instance of this object its bootstrap account has, gets some far from where that may be. */
static enum err choose(const struct bs_session *s, uint16_t oid, uint16_t *iid, size_t n)
{
	const struct lwm_bs_discover *d = &s->found;
	const struct lwm_bs_instance *v = oid == 1 ? d->server : d->inst;
	size_t v_n = oid == 1 ? d->server_n : d->inst_n, k = 0;
	bool taken[LWM_BS_INSTANCES_MAX + 1] = {false}, shown = oid == 1;
	for (size_t i = 0; i < v_n; i++) {
		if (v[i].oid != oid || goes(s, &v[i]) || (oid == 1 && !s->plan->keep_others))
			continue;
		shown = shown || !v[i].ssid;
		if (v[i].iid <= LWM_BS_INSTANCES_MAX)
			taken[v[i].iid] = true;
	}
	for (uint16_t at = shown ? 0 : FAR_INSTANCE; k < n && at <= LWM_BS_INSTANCES_MAX; at++)
		if (!taken[at])
			iid[k++] = at;
	return k == n ? ERR_OK : ERR_LIMIT;
}

enum err bs_choose_instances(struct bs_session *s)
{
	bool renews = s->keys[BS_KEYS_BOOTSTRAP].params != NULL,
	     drawn = s->keys[BS_KEYS_SERVER].params;
	uint16_t oscore[BS_KEYS];
	enum err err = choose(s, 0, s->security_iid, s->plan->account_n + renews);
	if (!err)
		err = choose(s, 1, s->server_iid, s->plan->account_n);
	if (!err)
		err = choose(s, 21, oscore, (size_t)drawn + renews);
	if (!err && drawn)
		s->keys[BS_KEYS_SERVER].iid = oscore[0];
	if (!err && renews)
		s->keys[BS_KEYS_BOOTSTRAP].iid = oscore[drawn];
	return err;
}
