/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: instances of Object 2 (BS-28, BS-29). */
#include "bootstrap/plan_impl.h"

#include <stdlib.h>
#include <string.h>

static enum err letters(struct bs_refusal *no, struct json_object *v, bool create, uint8_t *out)
{
	static const char letter[] = "RWEDC";
	*out = 0;
	if (!json_object_is_type(v, json_type_string))
		return bs_complain(no, "", "rights must be letters of R, W, E, D and C");
	for (const char *s = json_object_get_string(v); *s; s++) {
		const char *at = strchr(letter, *s);
		if (!at)
			return bs_complain(no, "", "rights must be letters of R, W, E, D and C");
		*out = (uint8_t)(*out | 1u << (at - letter));
	}
	/* Create is a right to an object, the others are rights to an instance. */
	if (create ? *out & ~BS_RIGHT_CREATE : *out & BS_RIGHT_CREATE)
		return bs_complain(no, "",
			create ? "without an instance there is only the right C"
			       : "C is a right to an object: leave the instance out");
	return ERR_OK;
}

/* A server that the plan does not name may be one that it keeps. */
static bool knows(const struct bs_plan *p, int64_t ssid)
{
	if (ssid < 1 || ssid > 65534)
		return false;
	return p->keep_others || bs_plan_names(p, (uint16_t)ssid);
}

static enum err rights(
	struct plan_in *in, struct json_object *o, const struct bs_plan *p, struct bs_access *a)
{
	struct bs_refusal *no = in->no;
	if (!json_object_is_type(o, json_type_object))
		return bs_complain(no, "", "rights must be an object, of letters by SSID");
	json_object_object_foreach(o, key, v)
	{
		uint64_t ssid = 0;
		uint8_t bits;
		if (strcmp(key, "default") &&
			(span_to_u64(span_str(key), 65534, &ssid) || !knows(p, (int64_t)ssid)))
			return bs_complain(no, key,
				"rights are given to \"default\" or the SSID of an account");
		for (size_t i = 0; i < a->right_n; i++)
			if (a->right[i].ssid == ssid)
				return bs_complain(no, key, "the same account twice");
		if (a->right_n == BS_SERVERS_MAX + 1)
			return bs_complain(no, "", "rights of more accounts than there can be");
		enum err err = bs_within(no, key, letters(no, v, a->iid == UINT16_MAX, &bits));
		if (err)
			return err;
		a->right[a->right_n].ssid = (uint16_t)ssid;
		a->right[a->right_n++].rights = bits;
	}
	if (!a->right_n && a->iid == UINT16_MAX)
		return bs_complain(no, "", "nobody would have the right to create");
	return ERR_OK;
}

static enum err entry(
	struct plan_in *in, struct json_object *o, const struct bs_plan *p, struct bs_access *a)
{
	static const char *const known[] = {"object", "instance", "owner", "rights", NULL};
	struct json_object *v;
	int64_t oid = -1, iid = UINT16_MAX, owner = UINT16_MAX;
	if (!json_object_is_type(o, json_type_object))
		return bs_complain(in->no, "", "an entry of access is an object");
	enum err err = bs_known_members(o, known, in->no);
	if (!err)
		err = bs_number_member(o, "object", 1, 65534, &oid, in->no);
	if (!err)
		err = bs_number_member(o, "instance", 0, 65534, &iid, in->no);
	if (!err)
		err = bs_number_member(o, "owner", 1, 65534, &owner, in->no);
	if (err)
		return err;
	if (oid < 0 || oid == 2 || oid == 21)
		return bs_complain(in->no, "object",
			"object must be there, and neither 2 nor 21: their rights are fixed");
	if (iid == UINT16_MAX && owner != UINT16_MAX)
		return bs_complain(in->no, "owner", "a right to create has no owner");
	if (iid != UINT16_MAX && !knows(p, owner))
		return bs_complain(in->no, "owner", "owner must be the SSID of an account");
	*a = (struct bs_access){
		.oid = (uint16_t)oid, .iid = (uint16_t)iid, .owner = (uint16_t)owner};
	if (!json_object_object_get_ex(o, "rights", &v))
		return iid == UINT16_MAX ? bs_complain(in->no, "rights", "rights must be there")
					 : ERR_OK;
	return bs_within(in->no, "rights", rights(in, v, p, a));
}

enum err bs_access_parse(struct plan_in *in, struct json_object *array, struct bs_plan *p)
{
	if (!json_object_is_type(array, json_type_array) ||
		json_object_array_length(array) > BS_ACCESS_MAX)
		return bs_complain(in->no, "access", "access must be an array of at most %d",
			(int)BS_ACCESS_MAX);
	size_t n = json_object_array_length(array);
	p->access = calloc(n + 1, sizeof(*p->access));
	if (!p->access)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		struct bs_access *a = &p->access[i];
		enum err err = bs_within_at(
			in->no, "access", i, entry(in, json_object_array_get_idx(array, i), p, a));
		if (err)
			return err;
		for (size_t k = 0; k < i; k++)
			if (p->access[k].oid == a->oid && p->access[k].iid == a->iid)
				return bs_within_at(in->no, "access", i,
					bs_complain(in->no, "", "the same instance twice"));
		p->access_n++;
	}
	return ERR_OK;
}
