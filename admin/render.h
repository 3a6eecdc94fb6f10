/* SPDX-License-Identifier: Apache-2.0 */
/* Values of devices as JSON: what REST answers and events say alike.
 *
 * string and corelnk are JSON strings; integer, unsigned and time (seconds since 1970) are integers
 * over the whole 64-bit range; float is a number; boolean is true or false; opaque is base64;
 * objlnk is "oid:iid". */
#ifndef LANYARD_ADMIN_RENDER_H
#define LANYARD_ADMIN_RENDER_H

#include "admin/out.h"
#include "lwm2m/format.h"

/* The array of a payload's values, as malloc'd text with a closing NUL:
 * [{"path":"/3/0/9","name":"Battery Level","type":"integer","value":80}, ...]
 * `base` is the path that was asked for, `content_format` -1 if the device told none,
 * `opts` says when it came (relative times count from then) and the alternate path of its names. A
 * value that cannot be shown has "error" and its bytes as "raw_hex" instead of "value"; a payload
 * that cannot be read is one such entry for `base`. ERR_NOMEM. */
MUST_USE enum err adm_render_values(const struct lwm_path *base, int32_t content_format,
	struct span payload, const struct lwm_codec_opts *opts, char **json);

/* A notification, as the JSON of its event: {"path","code","content_format","payload_hex","values",
 * "value"}; "value" only for a single Resource. malloc'd, with a closing NUL. ERR_NOMEM. */
MUST_USE enum err adm_render_notification(const struct lwm_path *base, uint8_t code,
	int32_t content_format, struct span payload, const struct lwm_codec_opts *opts,
	char **json);

/* Records that a device sent by itself: {"content_format","values":[...]}. ERR_NOMEM. */
MUST_USE enum err adm_render_send(int32_t content_format, const struct lwm_record *v, size_t n,
	const struct lwm_versions *versions, char **json);

/* For admin/: the members "values" and, for a single Resource, "value". */
void render_values(struct jo *o, const struct lwm_path *base, int32_t content_format,
	struct span payload, const struct lwm_codec_opts *opts);
/* The member "links" of a Discover's payload: [{"path":"/3/0/7","name":"Power Source Voltage",
 * "attributes":{"dim":"8"}},...]; the name is that of an object or a resource that is known;
 * attributes are strings, a flag is true. A payload that cannot be read is one entry with "error",
 * as above. */
void render_links(struct jo *o, const struct lwm_path *base, int32_t content_format,
	struct span payload, const struct lwm_versions *versions);
/* Such an entry: {"path","error","raw_hex"}. */
void render_unreadable(
	struct jo *o, const struct lwm_path *base, struct span payload, const char *why);
void jo_path(struct jo *o, const char *key, const struct lwm_path *p);
/* The members "path", and "prefix" of what is behind a gateway. */
void jo_target(struct jo *o, struct span prefix, const struct lwm_path *p);
/* "2.05" */
void jo_code(struct jo *o, const char *key, uint8_t code);

#endif
