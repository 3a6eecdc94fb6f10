/* SPDX-License-Identifier: Apache-2.0 */
/* CoRE link format (RFC 6690) as LwM2M uses it: Register, Update, Discover, Bootstrap-Discover. */
#ifndef LANYARD_LWM2M_LINK_H
#define LANYARD_LWM2M_LINK_H

#include "lwm2m/path.h"

struct lwm_link_attr {
	struct span name, value; /* quotes removed, a backslash inside is kept; value.p NULL: a
				    flag */
};

enum { LWM_LINK_ATTRS_MAX = 16 };

struct lwm_link {
	struct span target; /* between < and >, one trailing slash removed; "/" for the root. In the
			       old form `lwm2m=1.0,</0/0>...` a link without target comes first:
			       target.p NULL. */
	struct lwm_link_attr attr[LWM_LINK_ATTRS_MAX];
	uint8_t attr_n; /* further attributes are skipped */
};

/* Takes the next link off the front of *rest. Lenient as FMT-42 and BS-12 ask; a comma with nothing
 * behind it is an error. ERR_NOTFOUND at the end, ERR_SYNTAX; *rest is then unchanged. */
MUST_USE enum err lwm_link_next(struct span *rest, struct lwm_link *out);
/* NULL if absent. */
const struct lwm_link_attr *lwm_link_attr(const struct lwm_link *l, const char *name);

/* An attribute's value without the backslashes that quote what follows them. */
void wr_link_value(struct writer *w, struct span value);

/* The object list of a registration, packed: what is kept of thousands of links. */
struct lwm_instance {
	uint16_t oid, iid; /* iid LWM_ID_NONE: the object has no instance */
};
struct lwm_object_version {
	uint16_t oid;
	uint8_t version; /* 10 times major plus minor; only where `ver` was given */
};

enum { LWM_LIST_MAX = 2048, LWM_ALT_PATH_MAX = 32 };

struct lwm_object_list {
	struct lwm_instance *inst; /* sorted by oid, iid; no repeats */
	struct lwm_object_version *ver;
	uint16_t inst_n, ver_n;
	char alt[LWM_ALT_PATH_MAX +
		 1];      /* "" or "/lwm2m": the root link's target with rt="oma.lwm2m" */
	uint32_t formats; /* bits of lwm_format_table's rows that `ct` listed */
};

/* Reads a Register or Update payload (REG-07 to REG-09; CT-26 to CT-30): /0, /21, /23 and /24 are
 * skipped, so are links that are no object. Arrays come from malloc; lwm_object_list_fini frees.
 * ERR_SYNTAX, ERR_LIMIT (more than LWM_LIST_MAX), ERR_NOMEM; `out` is then empty. */
MUST_USE enum err lwm_object_list_parse(struct span payload, struct lwm_object_list *out);
void lwm_object_list_fini(struct lwm_object_list *l);
/* iid LWM_ID_NONE: the object, whatever its instances. */
bool lwm_object_list_has(const struct lwm_object_list *l, uint16_t oid, uint16_t iid);
/* The version it gives an object; without one, what a client of LwM2M `lwm2m` (10, 11, 12) means
 * (OBJ-02). */
uint8_t lwm_object_list_version(const struct lwm_object_list *l, uint16_t oid, uint8_t lwm2m);
/* What a Create does to it (CT-51); *changed: it was not there. Objects that are never listed are
 * skipped. ERR_LIMIT if the list would not be read again, ERR_NOMEM; it is then unchanged. */
MUST_USE enum err lwm_object_list_add(
	struct lwm_object_list *l, uint16_t oid, uint16_t iid, bool *changed);
/* What a Delete does; true: it was there. An object whose last instance goes stays, without one. */
bool lwm_object_list_remove(struct lwm_object_list *l, uint16_t oid, uint16_t iid);
/* As stored and loaded again: a link-format text in our own plain spelling. ERR_LIMIT if that would
 * not be read again: versions that came with instances become links of their own. */
MUST_USE enum err lwm_object_list_write(const struct lwm_object_list *l, struct writer *w);

/* What Bootstrap-Discover told (BS-10 to BS-12). */
struct lwm_bs_instance {
	uint16_t oid, iid;
	uint16_t ssid; /* 0: none given; LWM_ID_NONE: given as 0 (an unused slot, CT-93), or no
			  number */
};
enum { LWM_BS_INSTANCES_MAX = 64, LWM_BS_SERVERS_MAX = 32 };
struct lwm_bs_discover {
	uint8_t lwm2m;          /* 10, 11, 12; a hint only. 0: not given */
	uint8_t oscore_version; /* of /21, times ten; 0: not given */
	struct lwm_bs_instance inst[LWM_BS_INSTANCES_MAX]; /* of Objects 0 and 21 */
	uint8_t inst_n;
	struct lwm_bs_instance server[LWM_BS_SERVERS_MAX]; /* of Object 1 */
	uint8_t server_n;
	bool access; /* there are instances of Object 2 */
};
/* ERR_SYNTAX, ERR_LIMIT (more instances of /0 and /21, or of /1, than fit); `out` is then
 * untouched. */
MUST_USE enum err lwm_bs_discover_parse(struct span payload, struct lwm_bs_discover *out);

#endif
