/* SPDX-License-Identifier: Apache-2.0 */
/* The operations towards a device over a real socket: Create, both Writes, Delete, Discover,
 * Write-Attributes, and bodies that are no JSON. */
#include "tests/unit/admin/fake.h"

#define DATA       "/v1/endpoints/d/data"
#define DISCOVER   "/v1/endpoints/d/discover"
#define ATTRIBUTES "/v1/endpoints/d/attributes"

enum { NO_CALL = -1 };

static const struct row {
	const char *what;
	const char *method, *target, *type, *body;
	int status;
	const char *reply; /* part of the body, or NULL */
	int kind;          /* of the operation that is called, or NO_CALL */
	const char *text;  /* what it saw, or NULL */
} rows[] = {
	/* Devices behind a gateway (GW-03, GW-05) */
	{"read of a device behind a gateway (GW-03)", "GET", DATA "/d01/3303/0/5700", NULL, "", 204,
		NULL, ADM_READ, "/d01/3303/0/5700"},
	{"its name escaped", "GET", DATA "/d%3A1/3303/0", NULL, "", 204, NULL, ADM_READ,
		"/d:1/3303/0"},
	{"write there", "PUT", DATA "/d01/3303/0/5750", NULL, "{\"value\":\"x\"}", 204, NULL,
		ADM_WRITE, "/d01/3303/0/5750 /3303/0/5750=string:x"},
	{"discover there", "GET", DISCOVER "/d01/3303", NULL, "", 204, NULL, ADM_DISCOVER,
		"/d01/3303 depth -1"},
	{"attributes there", "PUT", ATTRIBUTES "/d01/3303/0", NULL, "{\"pmin\":10}", 204, NULL,
		ADM_ATTRIBUTES, "/d01/3303/0 pmin=10"},
	{"execute there", "POST", "/v1/endpoints/d/execute/d01/3303/0/5605", NULL, "", 204, NULL,
		ADM_EXECUTE, "/d01/3303/0/5605 "},
	{"observe there", "PUT", "/v1/endpoints/d/observations/d01/3303/0", NULL, "", 204, NULL,
		ADM_OBSERVE, "/d01/3303/0"},
	{"a composite of several (GW-05)", "POST", "/v1/endpoints/d/read-composite", NULL,
		"{\"paths\":[\"/3/0/9\",\"/d01/3303/0\"]}", 204, NULL, ADM_READ_COMPOSITE,
		"/ /3/0/9=none: /d01/3303/0=none:"},
	{"a composite that writes (GW-05)", "POST", "/v1/endpoints/d/write-composite", NULL,
		"{\"values\":{\"/d01/3303/0/5750\":\"x\",\"/3/0/14\":\"y\"}}", 204, NULL,
		ADM_WRITE_COMPOSITE, "/ /d01/3303/0/5750=string:x /3/0/14=string:y"},
	{"a wrong value in one", "POST", "/v1/endpoints/d/write-composite", NULL,
		"{\"values\":{\"/d01/3303/0/5750\":1}}", 422, "\"field\":\"/d01/3303/0/5750\"",
		NO_CALL, NULL},
	{"a device alone", "GET", DATA "/d01", NULL, "", 400, "the path leads to the root", NO_CALL,
		NULL},
	{"two prefixes", "GET", DATA "/d01/d02/3", NULL, "", 400, "\"field\":\"path\"", NO_CALL,
		NULL},
	{"a prefix of 40 characters", "GET", DATA "/abcdefghijklmnopqrstuvwxyz0123456789abcd/3",
		NULL, "", 400, "\"field\":\"path\"", NO_CALL, NULL},
	/* Create (DM-13) */
	{"create", "POST", DATA "/3303", NULL, "{\"instance\":5,\"resources\":{\"5701\":\"C\"}}",
		204, NULL, ADM_CREATE, "/3303 /3303/5/5701=string:C"},
	{"create, the device chooses", "POST", DATA "/3303", NULL,
		"{\"resources\":{\"5701\":\"C\"}}", 204, NULL, ADM_CREATE,
		"/3303 /3303/65535/5701=string:C"},
	{"create, instance null", "POST", DATA "/3303", NULL,
		"{\"instance\":null,\"resources\":{\"5701\":\"C\"}}", 204, NULL, ADM_CREATE,
		"/3303 /3303/65535/5701=string:C"},
	{"create, instance 0", "POST", DATA "/3303", NULL, "{\"instance\":0,\"resources\":{}}", 204,
		NULL, ADM_CREATE, "/3303 /3303/0=none:"},
	{"create, instance 65534 without resources", "POST", DATA "/3303", NULL,
		"{\"instance\":65534}", 204, NULL, ADM_CREATE, "/3303 /3303/65534=none:"},
	{"create with nothing told", "POST", DATA "/3303", NULL, "{}", 204, NULL, ADM_CREATE,
		"/3303 /3303/65535=none:"},
	{"create, a multiple resource", "POST", DATA "/32000", NULL,
		"{\"resources\":{\"1\":{\"0\":1,\"7\":2}}}", 204, NULL, ADM_CREATE,
		"/32000 /32000/65535/1/0=integer:1 /32000/65535/1/7=integer:2"},
	{"create, as application/json", "POST", DATA "/3303", "application/json; charset=utf-8",
		"{}", 204, NULL, ADM_CREATE, NULL},
	{"create, format", "POST", DATA "/3303?format=tlv&wait=7", NULL, "{}", 204, NULL,
		ADM_CREATE, NULL},
	{"create, a format for one value", "POST", DATA "/3303?format=text", NULL, "{}", 400,
		"\"field\":\"format\"", NO_CALL, NULL},
	{"create, instance 65535", "POST", DATA "/3303", NULL, "{\"instance\":65535}", 422,
		"\"field\":\"instance\"", NO_CALL, NULL},
	{"create, instance as text", "POST", DATA "/3303", NULL, "{\"instance\":\"5\"}", 422,
		"\"field\":\"instance\"", NO_CALL, NULL},
	{"create, a negative instance", "POST", DATA "/3303", NULL, "{\"instance\":-1}", 422,
		"\"field\":\"instance\"", NO_CALL, NULL},
	{"create, resources as a list", "POST", DATA "/3303", NULL, "{\"resources\":[]}", 422,
		"\"field\":\"resources\"", NO_CALL, NULL},
	{"create, a bad resource id", "POST", DATA "/3303", NULL, "{\"resources\":{\"x\":1}}", 422,
		"\"field\":\"resources\"", NO_CALL, NULL},
	{"create, a value of a wrong type", "POST", DATA "/3303", NULL,
		"{\"instance\":5,\"resources\":{\"5701\":1}}", 422, "\"field\":\"/3303/5/5701\"",
		NO_CALL, NULL},
	{"create, a value of a wrong type where the device chooses", "POST", DATA "/3303", NULL,
		"{\"resources\":{\"5701\":1}}", 422, "\"field\":\"resources.5701\"", NO_CALL, NULL},
	{"create, an unknown member", "POST", DATA "/3303", NULL, "{\"id\":5}", 422,
		"known are instance, resources", NO_CALL, NULL},
	{"create, no body", "POST", DATA "/3303", NULL, "", 400, "bad-json", NO_CALL, NULL},
	{"create, a text", "POST", DATA "/3303", "text/plain", "5", 415, "unsupported", NO_CALL,
		NULL},
	{"create, an unknown parameter", "POST", DATA "/3303?depth=1", NULL, "{}", 400,
		"bad-request", NO_CALL, NULL},
	/* Write that adds (DM-06 to DM-08) */
	{"partial write of an instance", "POST", DATA "/3/0", NULL,
		"{\"resources\":{\"14\":\"+02:00\"}}", 204, NULL, ADM_WRITE_PARTIAL,
		"/3/0 /3/0/14=string:+02:00"},
	{"partial write of a multiple resource", "POST", DATA "/3/0/7", NULL,
		"{\"value\":{\"2\":9}}", 204, NULL, ADM_WRITE_PARTIAL, "/3/0/7 /3/0/7/2=integer:9"},
	{"partial write, with a type", "POST", DATA "/32000/0/1", NULL,
		"{\"value\":{\"0\":\"3:0\"},\"type\":\"objlnk\"}", 204, NULL, ADM_WRITE_PARTIAL,
		"/32000/0/1 /32000/0/1/0=objlnk:3:0"},
	{"partial write of a single resource", "POST", DATA "/3/0/14", NULL,
		"{\"value\":\"+02:00\"}", 422, "PUT writes a value", NO_CALL, NULL},
	{"partial write of instances of a single resource", "POST", DATA "/3/0/14", NULL,
		"{\"value\":{\"0\":\"a\"}}", 422, "has a single value", NO_CALL, NULL},
	{"partial write of one value of an unknown resource", "POST", DATA "/32000/0/1", NULL,
		"{\"value\":1}", 422, "\"field\":\"/32000/0/1\"", NO_CALL, NULL},
	{"partial write of no instances", "POST", DATA "/32000/0/1", NULL, "{\"value\":{}}", 422,
		"\"field\":\"/32000/0/1\"", NO_CALL, NULL},
	{"partial write without a value", "POST", DATA "/32000/0/1", NULL, "{}", 422,
		"\"field\":\"value\"", NO_CALL, NULL},
	{"partial write of no resources", "POST", DATA "/3/0", NULL, "{\"resources\":{}}", 422,
		"\"field\":\"resources\"", NO_CALL, NULL},
	{"partial write, an unknown member", "POST", DATA "/3/0", NULL,
		"{\"instance\":1,\"resources\":{\"14\":\"a\"}}", 422, "known are resources",
		NO_CALL, NULL},
	{"partial write of a resource instance", "POST", DATA "/32000/0/1/0", NULL, "{\"value\":1}",
		400, "a resource instance; this takes an object to a resource", NO_CALL, NULL},
	{"partial write of the root", "POST", DATA "/", NULL, "{}", 400, "the root", NO_CALL, NULL},
	{"partial write, as text", "POST", DATA "/3/0/7?format=text", NULL, "{\"value\":{\"2\":9}}",
		400, "\"field\":\"format\"", NO_CALL, NULL},
	{"partial write, octets", "POST", DATA "/5/0/0", "application/octet-stream", "x", 415,
		"JSON alone", NO_CALL, NULL},
	/* Write that replaces, with bodies that are no JSON */
	{"write, octets", "PUT", DATA "/5/0/0", "application/octet-stream", "{\"a\":", 204, NULL,
		ADM_WRITE, "/5/0/0 /5/0/0=opaque:eyJhIjo="},
	{"write, no octets at all", "PUT", DATA "/5/0/0", "Application/Octet-Stream", "", 204, NULL,
		ADM_WRITE, "/5/0/0 /5/0/0=opaque:"},
	{"write, octets to an unknown resource", "PUT", DATA "/32000/0/1",
		"application/octet-stream", "ab", 204, NULL, ADM_WRITE,
		"/32000/0/1 /32000/0/1=opaque:YWI="},
	{"write, octets to an unknown resource instance", "PUT", DATA "/32000/0/1/2",
		"application/octet-stream", "ab", 204, NULL, ADM_WRITE,
		"/32000/0/1/2 /32000/0/1/2=opaque:YWI="},
	{"write, octets to a string", "PUT", DATA "/3/0/14", "application/octet-stream", "ab", 415,
		"no opaque one", NO_CALL, NULL},
	{"write, octets to an instance", "PUT", DATA "/5/0", "application/octet-stream", "ab", 415,
		"leads to several", NO_CALL, NULL},
	{"write, octets to a multiple resource", "PUT", DATA "/3/0/7", "application/octet-stream",
		"ab", 415, "leads to several", NO_CALL, NULL},
	{"write, text", "PUT", DATA "/3/0/14", "text/plain;charset=utf-8", "+02:00", 204, NULL,
		ADM_WRITE, "/3/0/14 /3/0/14=string:+02:00"},
	{"write, text that is an integer", "PUT", DATA "/1/0/1", "text/plain", "-300", 204, NULL,
		ADM_WRITE, "/1/0/1 /1/0/1=integer:-300"},
	{"write, text that is a boolean", "PUT", DATA "/1/0/6", "text/plain", "1", 204, NULL,
		ADM_WRITE, "/1/0/6 /1/0/6=boolean:1"},
	{"write, text that is opaque", "PUT", DATA "/5/0/0", "text/plain", "AAH/", 204, NULL,
		ADM_WRITE, "/5/0/0 /5/0/0=opaque:AAH/"},
	{"write, text to an unknown resource", "PUT", DATA "/32000/0/1", "text/plain", "5", 204,
		NULL, ADM_WRITE, "/32000/0/1 /32000/0/1=string:5"},
	{"write, text of a wrong type", "PUT", DATA "/1/0/1", "text/plain", "5 s", 422,
		"\"field\":\"/1/0/1\"", NO_CALL, NULL},
	{"write, true as text", "PUT", DATA "/1/0/6", "text/plain", "true", 422, "must be 0 or 1",
		NO_CALL, NULL},
	{"write, text with a line end", "PUT", DATA "/1/0/1", "text/plain", "5\n", 422,
		"must be an integer", NO_CALL, NULL},
	{"write, text that is no UTF-8", "PUT", DATA "/3/0/14", "text/plain", "\xff", 422,
		"\"field\":\"/3/0/14\"", NO_CALL, NULL},
	{"write, text to an instance", "PUT", DATA "/3/0", "text/plain", "a", 415,
		"leads to several", NO_CALL, NULL},
	{"write, JSON by another name", "PUT", DATA "/3/0/14", "application/x-www-form-urlencoded",
		"{\"value\":\"a\"}", 204, NULL, ADM_WRITE, "/3/0/14 /3/0/14=string:a"},
	{"write, an instance as text", "PUT", DATA "/3/0?format=text", NULL,
		"{\"resources\":{\"14\":\"a\"}}", 400, "\"field\":\"format\"", NO_CALL, NULL},
	{"write, link format", "PUT", DATA "/3/0/14?format=40", NULL, "{\"value\":\"a\"}", 400,
		"one of text, ", NO_CALL, NULL},
	/* Delete (DM-15) */
	{"delete an instance", "DELETE", DATA "/3303/5?wait=3", NULL, "", 204, NULL, ADM_DELETE,
		"/3303/5"},
	{"delete a resource instance", "DELETE", DATA "/3/0/7/2", NULL, "", 204, NULL, ADM_DELETE,
		"/3/0/7/2"},
	{"delete a resource", "DELETE", DATA "/3/0/7", NULL, "", 400, "\"field\":\"path\"", NO_CALL,
		NULL},
	{"delete an object", "DELETE", DATA "/3303", NULL, "", 400, "an object; this takes",
		NO_CALL, NULL},
	{"delete the root", "DELETE", DATA "/", NULL, "", 400, "path", NO_CALL, NULL},
	{"delete, a format", "DELETE", DATA "/3303/5?format=tlv", NULL, "", 400, "takes wait",
		NO_CALL, NULL},
	/* Discover (DM-03, DM-04) */
	{"discover an object", "GET", DISCOVER "/3", NULL, "", 204, NULL, ADM_DISCOVER,
		"/3 depth -1"},
	{"discover, depth 0", "GET", DISCOVER "/3?depth=0", NULL, "", 204, NULL, ADM_DISCOVER,
		"/3 depth 0"},
	{"discover a resource, depth 3", "GET", DISCOVER "/3/0/7?wait=1&depth=3", NULL, "", 204,
		NULL, ADM_DISCOVER, "/3/0/7 depth 3"},
	{"discover, depth 4", "GET", DISCOVER "/3?depth=4", NULL, "", 400, "\"field\":\"depth\"",
		NO_CALL, NULL},
	{"discover, depth empty", "GET", DISCOVER "/3?depth=", NULL, "", 400, "\"field\":\"depth\"",
		NO_CALL, NULL},
	{"discover a resource instance", "GET", DISCOVER "/3/0/7/0", NULL, "", 400,
		"this takes an object to a resource", NO_CALL, NULL},
	{"discover the root", "GET", DISCOVER "/", NULL, "", 400, "the root", NO_CALL, NULL},
	{"discover, a format", "GET", DISCOVER "/3?format=link", NULL, "", 400, "takes wait depth",
		NO_CALL, NULL},
	/* Write-Attributes (DM-10, ATT-01 to ATT-04) */
	{"attributes", "PUT", ATTRIBUTES "/3303/0/5700", NULL,
		"{\"pmin\":10,\"pmax\":60,\"gt\":null}", 204, NULL, ADM_ATTRIBUTES,
		"/3303/0/5700 pmin=10&pmax=60&gt="},
	{"attributes, numbers of all kinds", "PUT", ATTRIBUTES "/3303/0/5700", NULL,
		"{\"gt\":25.5,\"lt\":-3,\"st\":\"0.25\",\"con\":1,\"epmin\":\"1\"}", 204, NULL,
		ADM_ATTRIBUTES, "/3303/0/5700 gt=25.5&lt=-3&st=0.25&con=1&epmin=1"},
	{"attributes, no exponent", "PUT", ATTRIBUTES "/3303/0/5700", NULL, "{\"gt\":1e-7}", 204,
		NULL, ADM_ATTRIBUTES, "/3303/0/5700 gt=0.0000001"},
	{"attributes of an object", "PUT", ATTRIBUTES "/3", NULL, "{\"pmin\":1}", 204, NULL,
		ADM_ATTRIBUTES, "/3 pmin=1"},
	{"attributes of a resource instance", "PUT", ATTRIBUTES "/3/0/7/1?wait=2", NULL,
		"{\"pmax\":1}", 204, NULL, ADM_ATTRIBUTES, "/3/0/7/1 pmax=1"},
	{"attributes, edge of a boolean", "PUT", ATTRIBUTES "/1/0/6", NULL, "{\"edge\":1}", 204,
		NULL, ADM_ATTRIBUTES, "/1/0/6 edge=1"},
	{"attributes, a fraction for pmin", "PUT", ATTRIBUTES "/3", NULL, "{\"pmin\":1.5}", 422,
		"\"field\":\"pmin\"", NO_CALL, NULL},
	{"attributes, pmin below 0", "PUT", ATTRIBUTES "/3", NULL, "{\"pmax\":9,\"pmin\":-1}", 422,
		"\"field\":\"pmin\"", NO_CALL, NULL},
	{"attributes, pmin too large", "PUT", ATTRIBUTES "/3", NULL,
		"{\"pmin\":18446744073709551615}", 422, "\"field\":\"pmin\"", NO_CALL, NULL},
	{"attributes, a truth value", "PUT", ATTRIBUTES "/3", NULL, "{\"con\":true}", 422,
		"\"field\":\"con\"", NO_CALL, NULL},
	{"attributes, edge 2", "PUT", ATTRIBUTES "/1/0/6", NULL, "{\"edge\":2}", 422,
		"\"field\":\"edge\"", NO_CALL, NULL},
	{"attributes, a word", "PUT", ATTRIBUTES "/3", NULL, "{\"pmin\":\"ten\"}", 422,
		"\"field\":\"pmin\"", NO_CALL, NULL},
	{"attributes, an empty text", "PUT", ATTRIBUTES "/3", NULL, "{\"pmin\":\"\"}", 422,
		"\"field\":\"pmin\"", NO_CALL, NULL},
	{"attributes, one inside another's text", "PUT", ATTRIBUTES "/3", NULL,
		"{\"pmin\":\"1&pmax=2\"}", 422, "\"field\":\"pmin\"", NO_CALL, NULL},
	{"attributes, a text that is too long", "PUT", ATTRIBUTES "/3303/0/5700", NULL,
		"{\"gt\":\"1111111111111111111111111111111111111111111111111111111111111111\"}",
		422, "\"field\":\"gt\"", NO_CALL, NULL},
	{"attributes, a number without a form", "PUT", ATTRIBUTES "/3303/0/5700", NULL,
		"{\"gt\":1e300,\"lt\":1e299,\"st\":1e298,\"pmin\":1}", 422, "\"field\":\"gt\"",
		NO_CALL, NULL},
	{"attributes, gt on an instance", "PUT", ATTRIBUTES "/3303/0", NULL, "{\"gt\":1}", 422,
		"\"field\":\"gt\"", NO_CALL, NULL},
	{"attributes, gt on a string", "PUT", ATTRIBUTES "/3/0/0", NULL, "{\"gt\":1}", 422,
		"\"field\":\"gt\"", NO_CALL, NULL},
	{"attributes, lt above gt", "PUT", ATTRIBUTES "/3303/0/5700", NULL, "{\"gt\":1,\"lt\":2}",
		422, "\"field\":\"lt\"", NO_CALL, NULL},
	{"attributes, pmax below pmin is none of our business", "PUT", ATTRIBUTES "/3", NULL,
		"{\"pmin\":9,\"pmax\":1}", 204, NULL, ADM_ATTRIBUTES, NULL},
	{"attributes, one to read only", "PUT", ATTRIBUTES "/3", NULL, "{\"dim\":1}", 422,
		"known are pmin, pmax, gt", NO_CALL, NULL},
	{"attributes, none", "PUT", ATTRIBUTES "/3", NULL, "{}", 422, "give an attribute", NO_CALL,
		NULL},
	{"attributes, no body", "PUT", ATTRIBUTES "/3", NULL, "", 400, "bad-json", NO_CALL, NULL},
	{"attributes, text", "PUT", ATTRIBUTES "/3", "text/plain", "pmin=1", 415, "JSON alone",
		NO_CALL, NULL},
	{"attributes of the root", "PUT", ATTRIBUTES "/", NULL, "{\"pmin\":1}", 400, "the root",
		NO_CALL, NULL},
	{"attributes, a format", "PUT", ATTRIBUTES "/3?format=tlv", NULL, "{\"pmin\":1}", 400,
		"takes wait", NO_CALL, NULL},
	/* other methods */
	{"data by PATCH", "PATCH", DATA "/3", NULL, "", 405, "GET, PUT, POST, DELETE", NO_CALL,
		NULL},
	{"discover by POST", "POST", DISCOVER "/3", NULL, "", 405, "it takes GET", NO_CALL, NULL},
	{"attributes by GET", "GET", ATTRIBUTES "/3", NULL, "", 405, "it takes PUT", NO_CALL, NULL},
	{"read, links are no values", "GET", DATA "/3?format=link", NULL, "", 400,
		"one of text, opaque, tlv", NO_CALL, NULL},
};

static void check_row(const struct row *r)
{
	const struct reply *got;
	bool called, good;

	fake_reset();
	got = ask_as(r->method, r->target, r->type, span_str(r->body));
	called = strcmp(fake.call, "dm") == 0;
	good = got->status == r->status && got->body && (!r->reply || strstr(got->body, r->reply));
	good = good && called == (r->kind != NO_CALL) && (!called || (int)fake.dm.kind == r->kind);
	good = good && (!r->text || strcmp(fake.text, r->text) == 0);
	good = good &&
	       (r->status < 400 || strstr(got->text, "Content-Type: application/problem+json\r\n"));
	good = good && (r->status != 405 || strstr(got->text, "\r\nAllow: "));
	CHECK(good, r->what);
	if (!good)
		printf("  %s\n  call=%s kind=%d text=%s\n", got->text, fake.call, fake.dm.kind,
			fake.text);
}

static const struct created_row {
	const char *what, *target, *body, *location;
	const char *path;   /* in the body; NULL: none */
	const char *header; /* NULL: none */
} created_rows[] = {
	{"the device tells where", DATA "/3303", "{}", "3303/1", "\"path\":\"/3303/1\"",
		"\r\nLocation: /v1/endpoints/d/data/3303/1\r\n"},
	{"the device tells nothing", DATA "/3303", "{\"instance\":5}", "", "\"path\":\"/3303/5\"",
		"\r\nLocation: /v1/endpoints/d/data/3303/5\r\n"},
	{"the device chose another", DATA "/3303", "{\"instance\":5}", "3303/6",
		"\"path\":\"/3303/6\"", "\r\nLocation: /v1/endpoints/d/data/3303/6\r\n"},
	{"nobody knows", DATA "/3303", "{}", "", NULL, NULL},
	{"what was told is no path", DATA "/3303", "{}", "3303/x\r\nSet-Cookie: a", NULL, NULL},
	{"what was told is of another object", DATA "/3303", "{\"instance\":5}", "3304/1",
		"\"path\":\"/3303/5\"", "data/3303/5\r\n"},
	{"what was told is too long", DATA "/3303", "{}", "3303/1/2", NULL, NULL},
	{"a name that needs escapes", "/v1/endpoints/a%2Fb%20%C3%A9/data/3303", "{}", "3303/1",
		"\"endpoint\":\"a/b \xc3\xa9\",\"path\":\"/3303/1\"",
		"\r\nLocation: /v1/endpoints/a%2Fb%20%C3%A9/data/3303/1\r\n"},
};

static void check_created(const struct created_row *r)
{
	const struct reply *got;

	fake_reset();
	fake.result = (struct adm_result){.status = 201,
		.has_response = true,
		.code = MSG_CREATED,
		.content_format = -1,
		.location = span_str(r->location)};
	got = ask("POST", r->target, r->body);
	CHECK(got->status == 201 && strstr(got->body, "\"code\":\"2.01\"") &&
			(r->path ? strstr(got->body, r->path) != NULL
				 : !strstr(got->body, "\"path\"")) &&
			(r->header ? strstr(got->text, r->header) != NULL
				   : !strstr(got->text, "Location:")) &&
			!strstr(got->text, "Set-Cookie"),
		r->what);
}

/* Who does not wait finds it among the operations. */
static void check_waiting(void)
{
	const struct reply *got;
	char target[64];
	const char *at;

	fake_reset();
	fake.defer = true;
	fake.result = (struct adm_result){.status = 201,
		.has_response = true,
		.code = MSG_CREATED,
		.content_format = -1,
		.location = SPAN_LIT("3303/9")};
	got = ask("POST", DATA "/3303?wait=0", "{}");
	at = strstr(got->text, "Location: /v1/operations/");
	CHECK(got->status == 202 && at &&
			strstr(got->body, "\"kind\":\"create\",\"path\":\"/3303\""),
		"nothing is created yet");
	REQUIRE(at, "the operation has a place");
	snprintf(target, sizeof(target), "%.*s", (int)strcspn(at + 10, "\r"), at + 10);
	fake_end_deferred(1);
	got = ask("GET", target, NULL);
	CHECK(strstr(got->body, "\"path\":\"/3303/9\",\"state\":\"done\"") &&
			strstr(got->body, "\"status\":201,\"result\":{\"endpoint\":\"d\","
					  "\"path\":\"/3303/9\",\"code\":\"2.01\"}"),
		"where it was created is kept");
	fake_reset();
	fake.result = (struct adm_result){.status = 502,
		.type = "device-error",
		.has_response = true,
		.code = MSG_BAD_REQUEST};
	got = ask("POST", DATA "/3303", "{\"instance\":5}");
	CHECK(got->status == 502 && strstr(got->body, "\"code\":\"4.00\"") &&
			!strstr(got->text, "Location:"),
		"the device refused to create");
}

static const struct links_row {
	const char *what;
	int32_t cf;
	const char *payload, *want; /* the array */
} links_rows[] = {
	{"links with attributes", LWM_CF_LINK, "</3>;ver=1.1,</3/0>;pmin=10,</3/0/7>;dim=8;pmax=60",
		"[{\"path\":\"/3\",\"name\":\"Device\",\"attributes\":{\"ver\":\"1.1\"}},"
		"{\"path\":\"/3/0\",\"attributes\":{\"pmin\":\"10\"}},"
		"{\"path\":\"/3/0/7\",\"name\":\"Power Source "
		"Voltage\",\"attributes\":{\"dim\":\"8\",\"pmax\":\"60\"}}]"},
	{"none", LWM_CF_LINK, "", "[]"},
	{"a link without attributes", LWM_CF_LINK, "</3/0/1>",
		"[{\"path\":\"/3/0/1\",\"name\":\"Model Number\",\"attributes\":{}}]"},
	{"a flag, quotes and a character of JSON", LWM_CF_LINK, "</3>;obs;rt=\"a,\\\"b\"",
		"[{\"path\":\"/"
		"3\",\"name\":\"Device\",\"attributes\":{\"obs\":true,\"rt\":\"a,\\\"b\"}}]"},
	{"the old form", LWM_CF_LINK, "lwm2m=1.0,</3>",
		"[{\"path\":\"/\",\"attributes\":{\"lwm2m\":\"1.0\"}},"
		"{\"path\":\"/3\",\"name\":\"Device\",\"attributes\":{}}]"},
	{"of two the first", LWM_CF_LINK, "</3>;pmin=1;pmin=2",
		"[{\"path\":\"/3\",\"name\":\"Device\",\"attributes\":{\"pmin\":\"1\"}}]"},
	{"below an alternate path", LWM_CF_LINK, "</lwm2m/3/0>",
		"[{\"path\":\"/lwm2m/3/0\",\"attributes\":{}}]"},
	{"without a format", -1, "</3>",
		"[{\"path\":\"/3\",\"name\":\"Device\",\"attributes\":{}}]"},
	{"another format", LWM_CF_TLV, "</3>",
		"[{\"path\":\"/3\",\"error\":\"the device did not answer in link format\","
		"\"raw_hex\":\"3c2f333e\"}]"},
	{"cut short", LWM_CF_LINK, "</3>,</3/0",
		"[{\"path\":\"/3\",\"error\":\"the payload is no link format\","
		"\"raw_hex\":\"3c2f333e2c3c2f332f30\"}]"},
	{"a comma too much", LWM_CF_LINK, "</3>,",
		"[{\"path\":\"/3\",\"error\":\"the payload is no link format\","
		"\"raw_hex\":\"3c2f333e2c\"}]"},
};

static void check_links(const struct links_row *r)
{
	const struct reply *got;
	char want[512];

	fake_reset();
	fake.result = (struct adm_result){.status = 200,
		.has_response = true,
		.code = MSG_CONTENT,
		.content_format = r->cf,
		.payload = span_str(r->payload)};
	got = ask("GET", DISCOVER "/3", NULL);
	snprintf(want, sizeof(want),
		"{\"endpoint\":\"d\",\"path\":\"/3\",\"code\":\"2.05\",\"links\":%s}\n", r->want);
	CHECK(got->status == 200 && strcmp(got->body, want) == 0, r->what);
	if (strcmp(got->body, want) != 0)
		printf("  got  %s  want %s", got->body, want);
}

enum { FIRMWARE_BYTES = 700 * 1000 };
static uint8_t firmware[FIRMWARE_BYTES];
static char in_base64[1100 * 1000];

/* A firmware image, as it is and as base64. */
static void check_firmware(void)
{
	static const size_t sizes[] = {100 * 1000, FIRMWARE_BYTES};

	for (size_t i = 0; i < FIRMWARE_BYTES; i++)
		firmware[i] = (uint8_t)(i * i >> 3);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct span image = span_make(firmware, sizes[i]);
		struct writer w = wr_make(in_base64, sizeof(in_base64));
		uint32_t sum = 0;

		for (size_t k = 0; k < image.n; k++)
			sum = sum * 31 + image.p[k];
		wr_str(&w, "{\"value\":\"");
		wr_base64(&w, image);
		wr_str(&w, "\"}");
		fake_reset();
		CHECK(ask_as("PUT", DATA "/5/0/0", NULL, wr_span(&w))->status == 204 &&
				fake.value_n == image.n && fake.value_sum == sum,
			"firmware in base64");
		fake_reset();
		CHECK(ask_as("PUT", DATA "/5/0/0", "application/octet-stream", image)->status ==
					204 &&
				fake.value_n == image.n && fake.value_sum == sum,
			"firmware as it is");
	}
}

static void check_passed_on(void)
{
	fake_reset();
	(void)ask("POST", DATA "/3303?format=11542&wait=7", "{}");
	CHECK(fake.dm.content_format == LWM_CF_TLV && fake.dm.depth == -1,
		"the format is passed on");
	fake_reset();
	(void)ask("DELETE", DATA "/3303/1", NULL);
	CHECK(fake.dm.content_format == -1 && fake.dm.record_n == 0, "a Delete has neither");
}

/* Nothing of a body comes back or goes to the log. */
static void check_secret(void)
{
	static const struct {
		const char *method, *target, *type, *body;
	} asks[] = {
		{"POST", DATA "/3303", NULL, "{\"sesame\":1}"},
		{"POST", DATA "/3303", NULL, "{\"instance\":\"sesame\"}"},
		{"POST", DATA "/3303", NULL, "{\"resources\":{\"sesame\":1}}"},
		{"POST", DATA "/1/0", NULL, "{\"resources\":{\"1\":\"sesame\"}}"},
		{"POST", DATA "/3/0/7", NULL, "{\"value\":\"sesame\"}"},
		{"PUT", DATA "/1/0/1", "text/plain", "sesame"},
		{"PUT", DATA "/3/0/14", "application/octet-stream", "sesame"},
		{"PUT", ATTRIBUTES "/3", NULL, "{\"sesame\":1}"},
		{"PUT", ATTRIBUTES "/3", NULL, "{\"pmin\":\"sesame\"}"},
	};

	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		const struct reply *r;

		fake_reset();
		fake.log[0] = '\0';
		r = ask_as(asks[i].method, asks[i].target, asks[i].type, span_str(asks[i].body));
		CHECK(r->status >= 400 && r->status < 500 && !strstr(r->text, "sesame") &&
				!strstr(fake.log, "sesame") && fake.log[0],
			asks[i].body);
	}
}

int main(void)
{
	fake_start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	for (size_t i = 0; i < sizeof(created_rows) / sizeof(created_rows[0]); i++)
		check_created(&created_rows[i]);
	check_waiting();
	for (size_t i = 0; i < sizeof(links_rows) / sizeof(links_rows[0]); i++)
		check_links(&links_rows[i]);
	check_firmware();
	check_passed_on();
	check_secret();
	fake_stop();
	return test_done();
}
