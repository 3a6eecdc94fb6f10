/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies into what the operations table takes. Each reader returns false with `fail` set;
 * spans of what it filled live in the arena or, where told, in the body's object. None of them
 * echoes what was sent. */
#ifndef LANYARD_ADMIN_BODY_H
#define LANYARD_ADMIN_BODY_H

#include "admin/json.h"
#include "admin/ops.h"

enum { BODY_PATHS_MAX = 64 };

/* PUT /v1/endpoints/{ep}. An empty body is an empty object. */
MUST_USE bool body_settings(
	struct span text, struct arena *a, struct adm_settings *out, struct adm_fail *fail);
/* PUT .../credentials/oscore. The arena holds secrets: it is wiped by arena_fini. */
MUST_USE bool body_oscore(
	struct span text, struct arena *a, struct adm_oscore *out, struct adm_fail *fail);
/* POST .../oscore/decode: {"message":"hex"}, for a response with "request", or "kid" and
 * "partial_iv". */
MUST_USE bool body_decode(
	struct span text, struct arena *a, struct adm_decode *out, struct adm_fail *fail);
/* PUT .../credentials/psk; likewise. */
bool body_psk(struct span text, struct arena *a, struct adm_psk *out, struct adm_fail *fail);
/* PUT .../credentials/x509 and .../credentials/rpk. */
bool body_peer(struct span text, bool raw_key, struct arena *a, struct adm_peer *out,
	struct adm_fail *fail);
/* A line of POST /v1/import: {"endpoint", what body_settings takes, "credentials":{"oscore": what
 * body_oscore takes, or an array of one for each role}, "plan"}. */
MUST_USE bool body_import(
	struct span text, struct arena *a, struct adm_import *out, struct adm_fail *fail);
/* PUT .../data/{at}: an Object Instance {"resources":{...}}, or a Resource (Instance)
 * {"value":...}, with "type" for one the model does not know, or that it has wrong: then the value
 * is held against that type alone, else against the model's type and range. */
MUST_USE bool body_values(struct span text, const struct lwm_path *at,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail);
/* POST .../data/{at} of an Object Instance or multiple Resource: the same bodies, but a Resource is
 * given by instances. */
MUST_USE bool body_partial(struct span text, const struct lwm_path *at,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail);
/* POST .../data/{object}: {"instance":5,"resources":{...}}. Without "instance" the records have
 * LWM_ID_NONE there; without resources there is one record, of an empty instance. */
MUST_USE bool body_create(struct span text, const struct lwm_path *object,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail);
/* POST .../read-composite: {"paths":["/3/0/9","/1"]}, 1 to BODY_PATHS_MAX of them. */
MUST_USE bool body_paths(struct span text, struct lwm_records *out, struct adm_fail *fail);
/* POST .../write-composite: {"values":{"/3/0/14":"+02:00","/3/0/7/1":null}}; null takes a Resource
 * Instance away. */
MUST_USE bool body_composite(struct span text, const struct lwm_versions *versions,
	struct lwm_records *out, struct adm_fail *fail);
/* PUT .../data/{at} with a body that is no JSON: the one value of a Resource (Instance), as its
 * bytes (Opaque, or unknown to the model) or, with `text`, as text/plain of the model's type. The
 * record refers to `raw`. */
MUST_USE bool body_raw(struct span raw, bool text, const struct lwm_path *at,
	const struct lwm_versions *versions, struct lwm_records *out, struct adm_fail *fail);
/* PUT .../attributes/{at}: {"pmin":10,"gt":null} into "pmin=10&gt=", in the arena. What the values
 * may be is for lwm_attrs_parse to say; `fail` names the attribute. */
MUST_USE bool body_attributes(struct span text, const struct lwm_path *at, struct arena *a,
	struct span *out, struct adm_fail *fail);
/* POST .../execute: {"arguments":"0='a',1"} or nothing. Checked against the grammar (OMA LwM2M
 * Core 6.3.5); a digit twice is refused. */
MUST_USE bool body_execute(
	struct span text, struct arena *a, struct span *arguments, struct adm_fail *fail);
/* Where nothing is to be said: no body, or an empty object. */
MUST_USE bool body_empty(struct span text, struct adm_fail *fail);
/* POST /v1/unseal: {"only_copy":true} and nothing else: it cannot be meant otherwise. */
MUST_USE bool body_unseal(struct span text, struct adm_fail *fail);
/* {"method":"push"|"pull","image":NAME} or {"method":"pull","uri":URI} */
MUST_USE bool body_firmware(
	struct span text, struct arena *a, struct adm_firmware *out, struct adm_fail *fail);

#endif
