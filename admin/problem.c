/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *type, *title;
} titles[] = {
	{"bad-json", "The body is not the JSON we expect"},
	{"bad-request", "The request is malformed"},
	{"busy", "Too much is under way"},
	{"cancelled", "It was given up"},
	{"conflict", "It contradicts what is there"},
	{"device-error", "The device refused"},
	{"expired", "The device did not wake in time"},
	{"idempotency-mismatch", "This Idempotency-Key belongs to another request"},
	{"idempotency-running", "The first request with this key is under way"},
	{"internal", "The server failed"},
	{"invalid", "A value is not acceptable"},
	{"key-limit", "Its keys are used up"},
	{"limit", "A limit is reached"},
	{"method-not-allowed", "This resource does not do that"},
	{"no-address", "The device cannot be reached"},
	{"no-credentials", "It has no such credentials"},
	{"no-plan", "It has no plan of its own"},
	{"no-update", "It has no firmware update"},
	{"not-found", "There is no such thing"},
	{"not-observable", "It cannot be observed"},
	{"not-observed", "It is not observed"},
	{"not-registered", "The device is not registered"},
	{"not-sealed", "The database is not sealed"},
	{"outcome-unknown", "It is not known whether the device did it"},
	{"overload", "Too much is under way"},
	{"precondition-failed", "It is not as you expect it"},
	{"reserved", "It belongs to the bootstrap server"},
	{"sealed", "The database may be a copy"},
	{"shutting-down", "The server is stopping"},
	{"storage-unavailable", "Nothing can be stored now"},
	{"timeout", "The device did not answer in time"},
	{"too-large", "It is too large"},
	{"unknown-device", "There is no such device behind it"},
	{"unknown-endpoint", "There is no such endpoint"},
	{"unknown-image", "There is no such firmware image"},
	{"unknown-operation", "There is no such operation"},
	{"unknown-path", "There is no such resource"},
	{"unsupported", "This is not something we do"},
};

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{409, "Conflict"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{507, "Insufficient Storage"},
};

bool adm_fail_set(
	struct adm_fail *f, int status, const char *type, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (f->status)
		return false;
	f->status = status;
	f->type = type;
	snprintf(f->field, sizeof(f->field), "%s", field ? field : "");
	va_start(ap, fmt);
	vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
	return false;
}

const char *adm_status_text(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return status < 400 ? "OK" : "Error";
}

const char *adm_problem_type(size_t i)
{
	return i < sizeof(titles) / sizeof(titles[0]) ? titles[i].type : NULL;
}

static const char *title(int status, const char *type)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i].type, type) == 0)
			return titles[i].title;
	return adm_status_text(status);
}

void adm_problem_begin(
	struct jo *o, int status, const char *type, const char *detail, const char *field)
{
	char urn[96];

	snprintf(urn, sizeof(urn), "urn:lanyard:problem:%s", type);
	jo_object(o, NULL);
	jo_str(o, "type", urn);
	jo_str(o, "title", title(status, type));
	jo_i64(o, "status", status);
	if (detail && *detail)
		jo_str(o, "detail", detail);
	if (field && *field)
		jo_str(o, "field", field);
}
