/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people. */
#include "base/text.h"
#include "coap/msg.h"
#include "coap/opt.h"

#include <inttypes.h>

const char *msg_type_name(uint8_t type)
{
	static const char *const names[] = {
		[MSG_CON] = "CON", [MSG_NON] = "NON", [MSG_ACK] = "ACK", [MSG_RESET] = "RST"};

	return names[type & 3];
}

void wr_opt_json(struct writer *w, const struct opt *o)
{
	const struct opt_info *info = opt_info(o->num);

	wr_fmt(w, "{\"number\":%u", (unsigned)o->num);
	if (info)
		wr_fmt(w, ",\"name\":\"%s\"", info->name);
	wr_str(w, ",\"value\":");
	if (info && info->format == OPT_FORMAT_STRING) {
		wr_json_string(w, o->val);
	} else if (info && info->format == OPT_FORMAT_UINT && o->val.n <= 8) {
		struct reader r = rd_make(o->val);
		wr_fmt(w, "%" PRIu64, rd_uint(&r, o->val.n));
	} else {
		wr_str(w, "\"");
		wr_hex(w, o->val);
		wr_str(w, "\"");
	}
	wr_str(w, "}");
}
