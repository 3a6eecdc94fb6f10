/* SPDX-License-Identifier: Apache-2.0 */
/* Every route over a real socket, good and bad. */
#include "tests/unit/admin/fake.h"

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SPKI   "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
#define SECRET "00112233445566778899aabbccddeeff"
#define CRED(more)                                                                                 \
	"{\"master_secret\":\"" SECRET "\",\"sender_id\":\"01\",\"recipient_id\":\"0203\"" more "}"

static const struct row {
	const char *what;
	const char *method, *target, *body;
	int status;
	const char *reply;              /* part of the body, or NULL */
	const char *call, *name, *text; /* what the operation saw, or NULL; "" call: none */
} rows[] = {
	{"status", "GET", "/v1/status", NULL, 200,
		"\"storage\":{\"ok\":true,\"text\":\"good\",\"sealed\":false,\"rollbacks\":2,"
		"\"damaged\":3},"
		"\"listeners\":[{\"name\":\"main\"",
		NULL, NULL, NULL},
	{"status, gateways", "GET", "/v1/status", NULL, 200,
		"\"gateways\":[{\"name\":\"lora\",\"type\":\"socket\",\"role\":\"server\","
		"\"nosec\":false,\"up\":false,\"reason\":\"no bridge is connected\",\"since_s\":60,"
		"\"links\":0,\"queued\":0,\"received\":4,\"sent\":3,\"refused\":0,"
		"\"undelivered\":0,\"faults\":0}]",
		NULL, NULL, NULL},
	{"status, what was refused", "GET", "/v1/status", NULL, 200,
		"\"refusals\":[{\"code\":\"no-context\",\"text\":\"nobody's Sender ID\","
		"\"last\":\"2023-11-14T22:13:20Z\",\"count\":4}]}",
		NULL, NULL, NULL},
	{"backup", "POST", "/v1/backups", NULL, 201, "{\"path\":\"/state/copy.db\",\"bytes\":4096}",
		"backup", "", NULL},
	{"backup, an empty object", "POST", "/v1/backups", "{}", 201, "\"bytes\":4096", "backup",
		"", NULL},
	{"backup, to a place", "POST", "/v1/backups", "{\"path\":\"/tmp/x\"}", 422, "unknown name",
		"", NULL, NULL},
	{"backup by GET", "GET", "/v1/backups", NULL, 405, "POST", "", NULL, NULL},
	{"unseal", "POST", "/v1/unseal", "{\"only_copy\":true}", 204, NULL, "unseal", "", NULL},
	{"unseal, nothing confirmed", "POST", "/v1/unseal", NULL, 400, "bad-json", "", NULL, NULL},
	{"unseal, an empty body", "POST", "/v1/unseal", "{}", 422, "\"field\":\"only_copy\"", "",
		NULL, NULL},
	{"unseal, not the only copy", "POST", "/v1/unseal", "{\"only_copy\":false}", 422,
		"\"field\":\"only_copy\"", "", NULL, NULL},
	{"unseal, a word", "POST", "/v1/unseal", "{\"only_copy\":\"true\"}", 422,
		"\"field\":\"only_copy\"", "", NULL, NULL},
	{"unseal, more than that", "POST", "/v1/unseal", "{\"only_copy\":true,\"x\":1}", 422,
		"unknown name", "", NULL, NULL},
	{"unseal by GET", "GET", "/v1/unseal", NULL, 405, "POST", "", NULL, NULL},
	{"status takes no parameter", "GET", "/v1/status?x=1", NULL, 400, "bad-request", NULL, NULL,
		NULL},
	{"list", "GET", "/v1/endpoints", NULL, 200, "\"name\":\"dev \\\"1\\\"\"", "list", "", ""},
	{"list with parameters", "GET", "/v1/endpoints?limit=5&after=a%2Fb%26&match=x%2a", NULL,
		200, "\"registered\":false", "list", "a/b&", "x*"},
	{"list, limit 0", "GET", "/v1/endpoints?limit=0", NULL, 400, "\"field\":\"limit\"", "",
		NULL, NULL},
	{"list, limit too large", "GET", "/v1/endpoints?limit=1001", NULL, 400, "limit", "", NULL,
		NULL},
	{"list, parameter twice", "GET", "/v1/endpoints?limit=1&limit=2", NULL, 400, "twice", "",
		NULL, NULL},
	{"endpoint", "GET", "/v1/endpoints/dev1", NULL, 200,
		"\"objects\":[\"/1/4\",\"/1/6\",\"/3/0\",\"/5\"]", "get", "dev1", NULL},
	{"endpoint: version and expiry", "GET", "/v1/endpoints/dev1", NULL, 200,
		"\"expires_in_s\":null,\"lwm2m\":\"1.1\"", "get", NULL, NULL},
	{"endpoint, name with a slash, a quote and UTF-8", "GET", "/v1/endpoints/a%2Fb%22%c3%a9%2e",
		NULL, 200, "\"name\":\"a/b\\\"\xc3\xa9.\"", "get", "a/b\"\xc3\xa9.", NULL},
	{"endpoint, name with a plus", "GET", "/v1/endpoints/a+b", NULL, 200, NULL, "get", "a+b",
		NULL},
	{"endpoint, name is no UTF-8", "GET", "/v1/endpoints/%ff", NULL, 400, "UTF-8", "", NULL,
		NULL},
	{"endpoint, NUL in the name", "GET", "/v1/endpoints/a%00", NULL, 400, "invalid", "", NULL,
		NULL},
	{"endpoint, line feed in the name", "GET", "/v1/endpoints/a%0a", NULL, 400, "invalid", "",
		NULL, NULL},
	{"endpoint, empty name", "GET", "/v1/endpoints/", NULL, 400, "invalid", "", NULL, NULL},
	{"endpoint, bad escape", "GET", "/v1/endpoints/%4", NULL, 400, "percent", "", NULL, NULL},
	{"endpoint, dots are a name", "GET", "/v1/endpoints/..", NULL, 200, NULL, "get", "..",
		NULL},
	{"endpoint PUT, empty body", "PUT", "/v1/endpoints/dev1", "", 204, NULL, "put", "dev1", ""},
	{"endpoint PUT, settings", "PUT", "/v1/endpoints/dev1",
		"{\"rd_ep\":\"urn:x\",\"freshness\":\"echo\",\"nosec\":true,\"oscore_version\":\"2."
		"0\"}",
		204, NULL, "put", "dev1", "urn:x"},
	{"endpoint PUT, no power of two", "PUT", "/v1/endpoints/dev1", "{\"block_size\":100}", 422,
		"\"field\":\"block_size\"", "", NULL, NULL},
	{"endpoint PUT, a block too small", "PUT", "/v1/endpoints/dev1", "{\"block_size\":8}", 422,
		"power of two", "", NULL, NULL},
	{"endpoint PUT, a block too large", "PUT", "/v1/endpoints/dev1", "{\"block_size\":2048}",
		422, "\"field\":\"block_size\"", "", NULL, NULL},
	{"endpoint PUT, a message too short", "PUT", "/v1/endpoints/dev1", "{\"message_size\":127}",
		422, "\"field\":\"message_size\"", "", NULL, NULL},
	{"endpoint PUT, too fast", "PUT", "/v1/endpoints/dev1", "{\"ack_timeout_ms\":99}", 422,
		"\"field\":\"ack_timeout_ms\"", "", NULL, NULL},
	{"endpoint PUT, too often", "PUT", "/v1/endpoints/dev1", "{\"max_retransmit\":9}", 422,
		"\"field\":\"max_retransmit\"", "", NULL, NULL},
	{"endpoint PUT, too many at once", "PUT", "/v1/endpoints/dev1", "{\"nstart\":9}", 422,
		"\"field\":\"nstart\"", "", NULL, NULL},
	{"endpoint PUT, a number as text", "PUT", "/v1/endpoints/dev1", "{\"block_size\":\"64\"}",
		422, "\"field\":\"block_size\"", "", NULL, NULL},
	{"endpoint PUT, unknown member", "PUT", "/v1/endpoints/dev1", "{\"fresh\":1}", 422,
		"known are bs_ep", "", NULL, NULL},
	{"endpoint PUT, wrong type", "PUT", "/v1/endpoints/dev1", "{\"nosec\":1}", 422,
		"\"field\":\"nosec\"", "", NULL, NULL},
	{"endpoint PUT, bad choice", "PUT", "/v1/endpoints/dev1", "{\"freshness\":\"ech\"}", 422,
		"auto echo none", "", NULL, NULL},
	{"endpoint PUT, no JSON", "PUT", "/v1/endpoints/dev1", "{", 400, "bad-json", "", NULL,
		NULL},
	{"endpoint PUT, text behind", "PUT", "/v1/endpoints/dev1", "{}x", 400, "bad-json", "", NULL,
		NULL},
	{"endpoint PUT, an array", "PUT", "/v1/endpoints/dev1", "[]", 400, "bad-json", "", NULL,
		NULL},
	{"endpoint DELETE", "DELETE", "/v1/endpoints/dev1", NULL, 204, NULL, "delete", "dev1",
		NULL},
	{"endpoint POST", "POST", "/v1/endpoints/dev1", NULL, 405, "GET, PUT, DELETE", "", NULL,
		NULL},
	{"credentials", "GET", "/v1/endpoints/d/credentials/oscore", NULL, 200,
		"\"sender_id\":\"01\",\"recipient_id\":\"0203\",\"id_context\":null", "contexts",
		"d", NULL},
	{"credentials PUT", "PUT", "/v1/endpoints/d/credentials/oscore", CRED(""), 204, NULL,
		"oscore", "d", "01 0203 10 -10 0 none"},
	{"credentials PUT, all members", "PUT", "/v1/endpoints/d/credentials/oscore",
		CRED(",\"master_salt\":\"\",\"id_context\":\"\",\"aead\":\"AES-CCM-16-64-128\","
		     "\"hkdf\":-11,\"role\":\"bootstrap\",\"sender_seq\":1099511627775,"
		     "\"recipient_seq\":3"),
		204, NULL, "oscore", "d", "01 0203 10 -11 1099511627775 ctx"},
	{"credentials PUT, sequence number beyond 40 bits", "PUT",
		"/v1/endpoints/d/credentials/oscore", CRED(",\"sender_seq\":1099511627776"), 422,
		"\"field\":\"sender_seq\"", "", NULL, NULL},
	{"credentials PUT, equal ids", "PUT", "/v1/endpoints/d/credentials/oscore",
		"{\"master_secret\":\"" SECRET "\",\"sender_id\":\"\",\"recipient_id\":\"\"}", 422,
		"\"field\":\"recipient_id\"", "", NULL, NULL},
	{"credentials PUT, no secret", "PUT", "/v1/endpoints/d/credentials/oscore",
		"{\"sender_id\":\"01\",\"recipient_id\":\"02\"}", 422,
		"\"field\":\"master_secret\"", "", NULL, NULL},
	{"credentials PUT, id of 8 bytes", "PUT", "/v1/endpoints/d/credentials/oscore",
		"{\"master_secret\":\"" SECRET
		"\",\"sender_id\":\"0102030405060708\",\"recipient_id\":\"02\"}",
		422, "\"field\":\"sender_id\"", "", NULL, NULL},
	{"credentials DELETE", "DELETE", "/v1/endpoints/d/credentials/oscore", NULL, 204, NULL,
		"oscore-delete", "d", NULL},
	{"credentials DELETE, bad role", "DELETE", "/v1/endpoints/d/credentials/oscore?role=x",
		NULL, 400, "\"field\":\"role\"", "", NULL, NULL},
	{"keys of DTLS", "GET", "/v1/endpoints/d/credentials/psk", NULL, 200,
		"\"psks\":[{\"role\":\"bootstrap\",\"identity\":\"me\",\"identity_hex\":\"6d65\"},"
		"{\"role\":\"server\",\"identity\":null,\"identity_hex\":\"ff\"}]",
		"psks", "d", NULL},
	{"key of DTLS PUT", "PUT", "/v1/endpoints/d/credentials/psk",
		"{\"identity\":\"me\",\"key\":\"" SECRET "\",\"role\":\"bootstrap\"}", 204, NULL,
		"psk", "d", "6d65"},
	{"key of DTLS PUT, both identities", "PUT", "/v1/endpoints/d/credentials/psk",
		"{\"identity\":\"me\",\"identity_hex\":\"00\",\"key\":\"" SECRET "\"}", 422,
		"\"field\":\"identity_hex\"", "", NULL, NULL},
	{"key of DTLS PUT, an identity with a NUL", "PUT", "/v1/endpoints/d/credentials/psk",
		"{\"identity_hex\":\"6100\",\"key\":\"" SECRET "\"}", 422,
		"\"field\":\"identity_hex\"", "", NULL, NULL},
	{"key of DTLS PUT, empty identity", "PUT", "/v1/endpoints/d/credentials/psk",
		"{\"identity\":\"\",\"key\":\"" SECRET "\"}", 422, "\"field\":\"identity\"", "",
		NULL, NULL},
	{"key of DTLS PUT, no key", "PUT", "/v1/endpoints/d/credentials/psk",
		"{\"identity\":\"me\"}", 422, "\"field\":\"key\"", "", NULL, NULL},
	{"key of DTLS DELETE", "DELETE", "/v1/endpoints/d/credentials/psk?role=bootstrap", NULL,
		204, NULL, "psk-delete", "d", NULL},
	{"certificates", "GET", "/v1/endpoints/d/credentials/x509", NULL, 200,
		"\"certificates\":[{\"role\":\"bootstrap\",\"sha256\":\"6d65\"},"
		"{\"role\":\"server\",\"subject\":\"CN=me\"},{\"role\":\"server\","
		"\"name\":\"me\"}]",
		"x509s", "d", NULL},
	{"certificate PUT, a name", "PUT", "/v1/endpoints/d/credentials/x509",
		"{\"name\":\"urn:x\",\"role\":\"bootstrap\"}", 204, NULL, "x509", "d",
		"2 75726e3a78"},
	{"certificate PUT, a subject", "PUT", "/v1/endpoints/d/credentials/x509",
		"{\"subject\":\"CN=a\"}", 204, NULL, "x509", "d", "1 434e3d61"},
	{"certificate PUT, a fingerprint", "PUT", "/v1/endpoints/d/credentials/x509",
		"{\"sha256\":\"" SHA256 "\"}", 204, NULL, "x509", "d", "0 " SHA256},
	{"certificate PUT, half a fingerprint", "PUT", "/v1/endpoints/d/credentials/x509",
		"{\"sha256\":\"00112233\"}", 422, "\"field\":\"sha256\"", "", NULL, NULL},
	{"certificate PUT, two things", "PUT", "/v1/endpoints/d/credentials/x509",
		"{\"subject\":\"CN=a\",\"name\":\"a\"}", 422, "\"field\":\"name\"", "", NULL, NULL},
	{"certificate PUT, nothing", "PUT", "/v1/endpoints/d/credentials/x509", "{}", 422,
		"\"field\":\"sha256\"", "", NULL, NULL},
	{"certificate PUT, an empty name", "PUT", "/v1/endpoints/d/credentials/x509",
		"{\"name\":\"\"}", 422, "\"field\":\"name\"", "", NULL, NULL},
	{"certificate DELETE", "DELETE", "/v1/endpoints/d/credentials/x509?role=bootstrap", NULL,
		204, NULL, "x509-delete", "d", NULL},
	{"raw public keys", "GET", "/v1/endpoints/d/credentials/rpk", NULL, 200,
		"\"public_keys\":[{\"role\":\"server\",\"public_key\":\"6b6579\"}]", "rpks", "d",
		NULL},
	{"raw public key PUT", "PUT", "/v1/endpoints/d/credentials/rpk",
		"{\"public_key\":\"" SPKI SHA256 SHA256 "\"}", 204, NULL, "rpk", "d",
		"3 " SPKI "00112233445566778899aabbcc"},
	{"raw public key PUT, too short", "PUT", "/v1/endpoints/d/credentials/rpk",
		"{\"public_key\":\"" SPKI SHA256 "\"}", 422, "\"field\":\"public_key\"", "", NULL,
		NULL},
	{"raw public key PUT, of another curve", "PUT", "/v1/endpoints/d/credentials/rpk",
		"{\"public_key\":\"3059301306072a8648ce3d020106082a8648ce3d03010603420004" SHA256
			SHA256 "\"}",
		422, "\"field\":\"public_key\"", "", NULL, NULL},
	{"raw public key DELETE, bad role", "DELETE", "/v1/endpoints/d/credentials/rpk?role=x",
		NULL, 400, "\"field\":\"role\"", "", NULL, NULL},
	{"raw public key DELETE", "DELETE", "/v1/endpoints/d/credentials/rpk", NULL, 204, NULL,
		"rpk-delete", "d", NULL},
	{"unknown credentials", "GET", "/v1/endpoints/d/credentials/x", NULL, 404, "unknown-path",
		"", NULL, NULL},
	{"read", "GET", "/v1/endpoints/d/data/3/0/9?wait=5", NULL, 204, NULL, "dm", "d", "/3/0/9"},
	{"read, the root", "GET", "/v1/endpoints/d/data/", NULL, 400, "the root", "", NULL, NULL},
	{"read, no path", "GET", "/v1/endpoints/d/data", NULL, 404, "unknown-path", "", NULL, NULL},
	{"read, id 65535", "GET", "/v1/endpoints/d/data/65535", NULL, 400, "\"field\":\"path\"", "",
		NULL, NULL},
	{"read, leading zero", "GET", "/v1/endpoints/d/data/03", NULL, 400, "path", "", NULL, NULL},
	{"read, five ids", "GET", "/v1/endpoints/d/data/1/2/3/4/5", NULL, 400, "path", "", NULL,
		NULL},
	{"read, trailing slash", "GET", "/v1/endpoints/d/data/3/", NULL, 400, "path", "", NULL,
		NULL},
	{"read, wait too long", "GET", "/v1/endpoints/d/data/3?wait=301", NULL, 400,
		"\"field\":\"wait\"", "", NULL, NULL},
	{"read, format", "GET", "/v1/endpoints/d/data/3?format=tlv", NULL, 204, NULL, "dm", "d",
		"/3"},
	{"read, bad format", "GET", "/v1/endpoints/d/data/3?format=xml", NULL, 400,
		"\"detail\":\"format must be one of text, opaque, tlv, senml-json, senml-cbor, "
		"cbor, lwm2m-cbor, oma-json, or its number\",\"field\":\"format\"",
		"", NULL, NULL},
	{"read, a format of LwM2M 1.1", "GET", "/v1/endpoints/d/data/3?format=senml-cbor", NULL,
		204, NULL, "dm", "d", NULL},
	{"read, format by number", "GET", "/v1/endpoints/d/data/3?format=11542", NULL, 204, NULL,
		"dm", "d", "/3"},
	{"events, unknown type", "GET", "/v1/events?type=updated,sent", NULL, 400,
		"\"field\":\"type\"", "", NULL, NULL},
	{"write a resource", "PUT", "/v1/endpoints/d/data/3/0/14", "{\"value\":\"+02:00\"}", 204,
		NULL, "dm", "d", "/3/0/14 /3/0/14=string:+02:00"},
	{"write an instance", "PUT", "/v1/endpoints/d/data/1/0",
		"{\"resources\":{\"1\":300,\"6\":false}}", 204, NULL, "dm", "d",
		"/1/0 /1/0/1=integer:300 /1/0/6=boolean:0"},
	{"write an object", "PUT", "/v1/endpoints/d/data/3", "{\"value\":1}", 400, "an object", "",
		NULL, NULL},
	{"write, no body", "PUT", "/v1/endpoints/d/data/3/0/14", NULL, 400, "bad-json", "", NULL,
		NULL},
	{"write, wrong type", "PUT", "/v1/endpoints/d/data/3/0/13", "{\"value\":\"now\"}", 422,
		"\"field\":\"/3/0/13\"", "", NULL, NULL},
	{"execute", "POST", "/v1/endpoints/d/execute/3/0/4", NULL, 204, NULL, "dm", "d", "/3/0/4 "},
	{"execute with arguments", "POST", "/v1/endpoints/d/execute/3/0/4",
		"{\"arguments\":\"0='a',1\"}", 204, NULL, "dm", "d", "/3/0/4 0='a',1"},
	{"execute, bad arguments", "POST", "/v1/endpoints/d/execute/3/0/4", "{\"arguments\":\"x\"}",
		422, "\"field\":\"arguments\"", "", NULL, NULL},
	{"execute an instance", "POST", "/v1/endpoints/d/execute/3/0", NULL, 400, "path", "", NULL,
		NULL},
	{"execute by GET", "GET", "/v1/endpoints/d/execute/3/0/4", NULL, 405, "POST", "", NULL,
		NULL},
	{"devices behind a gateway (GW-01)", "GET", "/v1/endpoints/d/devices", NULL, 200,
		"{\"endpoint\":\"d\",\"devices\":[{\"instance\":0,\"device_id\":\"sensor "
		"\\\"1\\\"\",\"prefix\":\"d01\",\"usable\":true,\"links\":\"</3>;ver=1.2,</3/0>,"
		"</3303/0>\",\"objects\":[\"/3\",\"/3/0\",\"/3303/0\"]},{\"instance\":7,"
		"\"device_id\":\"\",\"prefix\":\"a/b\",\"usable\":false,\"problem\":\"its prefix "
		"has "
		"a character that no segment of a path should have; its object list cannot be "
		"read\",\"links\":\"\",\"objects\":[]}],\"state\":\"known\",",
		"devices", "d", NULL},
	{"observations", "GET", "/v1/endpoints/d/observations", NULL, 200,
		"{\"path\":\"/3303/0/"
		"5700\",\"state\":\"active\",\"notifications\":5,\"last\":null}",
		"observations", "d", NULL},
	{"observe", "PUT", "/v1/endpoints/d/observations/3303/0", NULL, 204, NULL, "dm", "d",
		"/3303/0"},
	{"cancel", "DELETE", "/v1/endpoints/d/observations/3303/0/5700", NULL, 204, NULL, "dm", "d",
		"/3303/0/5700"},
	{"cancel, bad path", "DELETE", "/v1/endpoints/d/observations/x", NULL, 400, "path", "",
		NULL, NULL},
	{"explain", "GET", "/v1/endpoints/d/explain", NULL, 200,
		"{\"code\":\"replay\",\"text\":\"an old request came again\","
		"\"last\":\"2023-11-14T22:13:20Z\",\"count\":2}",
		"explain", "d", NULL},
	{"explain, the verdict", "GET", "/v1/endpoints/d/explain", NULL, 200,
		"{\"endpoint\":\"d\",\"verdict\":{\"code\":\"refused\",\"text\":\"It does not get "
		"through.\"},\"last_contact\":\"2023-11-14T22:14:20Z\",\"last_refusal\":{\"code\":"
		"\"replay\",",
		"explain", "d", NULL},
	{"explain, contexts", "GET", "/v1/endpoints/d/explain", NULL, 200,
		"\"contexts\":[{\"id\":9,\"role\":\"server\",\"recipient_id\":\"0203\",\"window\":"
		"\"to-be-challenged\",\"last_success\":null,\"last_refusal\":{\"code\":\"replay\",",
		"explain", "d", NULL},
	{"explain, numbers", "GET", "/v1/endpoints/d/explain", NULL, 200,
		"\"replays\":2,\"auth_failures\":1,\"numbers_used\":512,\"numbers_limit\":1048576,"
		"\"numbers_percent\":0",
		"explain", "d", NULL},
	{"explain, a name like it", "GET", "/v1/endpoints/stranger/explain", NULL, 404,
		"no endpoint has this name; similar: strange-r", "explain", "stranger", NULL},
	{"bootstrap", "GET", "/v1/bootstrap/d", NULL, 200, "\"state\":\"idle\"", "bootstrap", "d",
		NULL},
	{"bootstrap PUT", "PUT", "/v1/bootstrap/d", "{\"a\": [1]}", 204, NULL, "plan", "d",
		"{\"a\": [1]}"},
	{"bootstrap PUT, no JSON", "PUT", "/v1/bootstrap/d", "{a}", 400, "bad-json", "", NULL,
		NULL},
	{"bootstrap DELETE", "DELETE", "/v1/bootstrap/d", NULL, 204, NULL, "plan-delete", "d",
		NULL},
	{"bootstrap trigger (BS-22)", "POST", "/v1/bootstrap/d/trigger", NULL, 204, NULL, "dm", "d",
		"/1/4/9 "},
	{"a bootstrap that nobody asked for (BS-23)", "POST", "/v1/bootstrap/d/start", NULL, 204,
		NULL, "bootstrap-start", "d", NULL},
	{"bootstrap trigger of another instance", "POST", "/v1/bootstrap/d/trigger?instance=7",
		NULL, 204, NULL, "dm", "d", "/1/7/9 "},
	{"bootstrap trigger, no instance", "POST", "/v1/bootstrap/d/trigger?instance=65535", NULL,
		400, "instance", "get", "d", NULL},
	{"default plan", "GET", "/v1/bootstrap-default", NULL, 200, "{\"plan\":null}", "bootstrap",
		"", NULL},
	{"default plan PUT", "PUT", "/v1/bootstrap-default", "{}", 204, NULL, "plan", "", "{}"},
	{"default plan DELETE", "DELETE", "/v1/bootstrap-default", NULL, 204, NULL, "plan-delete",
		"", NULL},
	{"events, bad number", "GET", "/v1/events?after=x", NULL, 400, "\"field\":\"after\"", "",
		NULL, NULL},
	{"metrics", "GET", "/metrics", NULL, 200,
		"# HELP lanyard_requests_total Requests.\n# TYPE lanyard_requests_total counter\n"
		"lanyard_requests_total{code=\"2.05 \\\"x\\\"\\n\"} 12\n"
		"lanyard_requests_total{code=\"4.04\"} 18446744073709551615\n"
		"# HELP lanyard_up Up.\n# TYPE lanyard_up gauge\nlanyard_up 1\n",
		NULL, NULL, NULL},
	{"metrics by PUT", "PUT", "/metrics", NULL, 405, "GET", NULL, NULL, NULL},
	{"no such path", "GET", "/v2/status", NULL, 404, "urn:lanyard:problem:unknown-path", NULL,
		NULL, NULL},
	{"the root", "GET", "/", NULL, 404, "unknown-path", NULL, NULL, NULL},
	{"a path without end", "GET", "/v1/a/b/c/d/e/f/g/h/i/j/k/l/m/n", NULL, 404, "too long",
		NULL, NULL, NULL},
	{"PATCH", "PATCH", "/v1/status", NULL, 405, "GET", NULL, NULL, NULL},
	{"HEAD", "HEAD", "/v1/status", NULL, 405, NULL, NULL, NULL, NULL},
	{"a method nobody knows", "BREW", "/v1/status", NULL, 405, "it takes GET", NULL, NULL,
		NULL},
};

static void check_row(const struct row *r)
{
	const struct reply *got;
	char what[160];
	bool good;

	fake_reset();
	got = ask(r->method, r->target, r->body);
	good = got->status == r->status && got->body && (!r->reply || strstr(got->body, r->reply));
	good = good && (!r->call || strcmp(fake.call, r->call) == 0);
	good = good && (!r->name || strcmp(fake.name, r->name) == 0);
	good = good && (!r->text || strcmp(fake.text, r->text) == 0);
	snprintf(what, sizeof(what), "%s", r->what);
	CHECK(good, what);
	if (!good)
		printf("  %s\n  call=%s name=%s text=%s\n", got->text, fake.call, fake.name,
			fake.text);
	if (got->status >= 400 && strcmp(r->method, "HEAD") != 0)
		CHECK(strstr(got->text, "Content-Type: application/problem+json\r\n"), r->what);
}

static void check_details(void)
{
	const struct reply *r;

	fake_reset();
	fake.more = true;
	r = ask("GET", "/v1/endpoints?limit=2&match=d%26*", NULL);
	CHECK(strstr(r->body, "],\"next\":\"/v1/endpoints?limit=2&after=dev2&match=d%26%2A\"}"),
		"a page tells where the next is");
	CHECK(strstr(r->text, "\r\nLink: </v1/endpoints?limit=2&after=dev2&match=d%26%2A>; "
			      "rel=\"next\"\r\n"),
		"in a header too");
	CHECK(fake.limit == 2, "the limit is passed on");
	r = ask("DELETE", "/v1/status", NULL);
	CHECK(strstr(r->text, "\r\nAllow: GET\r\n"), "405 has Allow");
	CHECK(strstr(r->body,
		      "{\"type\":\"urn:lanyard:problem:method-not-allowed\",\"title\":\"This "
		      "resource does not do that\",\"status\":405,\"detail\":"),
		"a problem has type, title, status and detail (RFC 9457)");
	(void)ask("GET", "/v1/endpoints/d/data/3?wait=5&format=tlv", NULL);
	CHECK(fake.dm.content_format == LWM_CF_TLV && fake.dm.kind == ADM_READ,
		"the format is passed on");
	(void)ask("GET", "/v1/endpoints/d/data/3", NULL);
	CHECK(fake.dm.content_format == -1, "its default");
	(void)ask("DELETE", "/v1/endpoints/d/credentials/oscore?role=bootstrap", NULL);
	CHECK(fake.bootstrap_role, "the role is passed on");
	(void)ask("PUT", "/v1/endpoints/d", "{\"oscore_version\":\"2.0\",\"nosec\":false}");
	CHECK(fake.settings.has_oscore_version && fake.settings.oscore_version == 20 &&
			fake.settings.has_nosec && !fake.settings.nosec &&
			!fake.settings.has_freshness && !fake.settings.has_bs_ep,
		"settings tell what was given");
	(void)ask("PUT", "/v1/endpoints/d",
		"{\"block_size\":64,\"message_size\":0,\"ack_timeout_ms\":60000}");
	const struct adm_settings *set = &fake.settings;
	CHECK(set->has_block_size && set->pace.block_bytes == 64 && set->has_message_size &&
			!set->pace.message_bytes && set->has_ack_timeout &&
			set->pace.ack_timeout_ms == 60000 && !set->has_max_retransmit &&
			!set->has_nstart,
		"and of sizes and pace, 0 too");
	(void)ask("PUT", "/v1/endpoints/d", "{\"nstart\":8}");
	CHECK(set->has_nstart && set->pace.nstart == 8 && !set->has_block_size,
		"and how many requests at once");
}

static void check_log(void)
{
	char want[160];

	fake_reset();
	(void)ask("DELETE", "/v1/endpoints/a%0ab?x=secret", NULL);
	snprintf(want, sizeof(want), "peer_pid=%ld peer_uid=%ld peer_gid=%ld method=DELETE",
		(long)getpid(), (long)getuid(), (long)getgid());
	CHECK(strstr(fake.log, want), "the log names the peer");
	CHECK(strstr(fake.log, "path=/v1/endpoints/a%0ab status=400"), "and path and status");
	CHECK(!strstr(fake.log, "secret"), "but not the query");
}

/* No spelling mistake in a body makes the secret come back, or go to the log. */
static void check_secret(void)
{
	static const char *const bodies[] = {
		CRED(",\"x\":1"),
		CRED(",\"" SECRET "\":1"),
		CRED(",\"aead\":\"" SECRET "\""),
		CRED(",\"role\":\"" SECRET "\""),
		CRED(",\"sender_seq\":\"" SECRET "\""),
		CRED("") "x",
		"{\"master_secret\":\"" SECRET "0\"}",
		"{\"master_secret\":\"" SECRET "zz\"}",
		"{\"master_secret\":\"" SECRET "\",}",
		"{\"master_secret\":\"" SECRET,
		"{\"master_secret\":[\"" SECRET "\"]}",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct reply *r;

		fake_reset();
		fake.log[0] = '\0';
		r = ask("PUT", "/v1/endpoints/d/credentials/oscore", bodies[i]);
		CHECK((r->status == 400 || r->status == 422) && !strstr(r->text, SECRET) &&
				!strstr(fake.log, SECRET) && fake.log[0],
			bodies[i]);
	}
}

int main(void)
{
	fake_start();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	check_details();
	check_log();
	check_secret();
	fake_stop();
	return test_done();
}
