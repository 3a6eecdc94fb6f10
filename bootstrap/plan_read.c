/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan asks to be read (BS-13). */
#include "bootstrap/plan_impl.h"

#include "lwm2m/bs_read.h"
#include "lwm2m/target.h"

#include <stdlib.h>

static bool is_there(const struct bs_plan *p, const struct lwm_path *path)
{
	for (size_t i = 0; i < p->read_n; i++)
		if (lwm_path_eq(&p->read[i], path))
			return true;
	return false;
}

enum err bs_reads_parse(struct json_object *array, struct bs_plan *p, struct bs_refusal *no)
{
	if (!json_object_is_type(array, json_type_array) ||
		json_object_array_length(array) > BS_READS_MAX)
		return bs_complain(
			no, "read", "read must be an array of at most %d paths", (int)BS_READS_MAX);
	p->read = calloc(json_object_array_length(array) + 1, sizeof(*p->read));
	if (!p->read)
		return ERR_NOMEM;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *one = json_object_array_get_idx(array, i);
		struct lwm_path *path = &p->read[p->read_n];
		bool text = json_object_is_type(one, json_type_string);
		struct span s = text ? span_make(json_object_get_string(one),
					       (size_t)json_object_get_string_len(one))
				     : SPAN_EMPTY;
		struct lwm_target at;
		if (lwm_target_parse(s, &at) == ERR_OK && at.prefix.n)
			return bs_within_at(no, "read", i,
				bs_complain(no, "",
					"a bootstrap leaves the devices behind a gateway alone"));
		if (lwm_path_parse(s, path) || !lwm_bs_readable(path) || is_there(p, path))
			return bs_within_at(no, "read", i,
				bs_complain(no, "",
					"/1 or /2, or an instance of them, each once: nothing else "
					"can be read in a bootstrap"));
		p->read_n++;
	}
	return ERR_OK;
}
