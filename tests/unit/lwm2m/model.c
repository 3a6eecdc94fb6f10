/* SPDX-License-Identifier: Apache-2.0 */
#include "lwm2m/model.h"

#include "tests/unit/test.h"

static const struct {
	uint16_t oid, rid;
	const char *name;
	int ops;
	bool multiple, mandatory;
	enum lwm_type type;
} rows[] = {
	{0, 0, "LWM2M Server URI", 0, false, true, LWM_STRING},
	{0, 5, "Secret Key", 0, false, true, LWM_OPAQUE},
	{0, 16, "DTLS/TLS Ciphersuite", 0, true, false, LWM_UNSIGNED},
	{0, 17, "OSCORE Security Mode", 0, false, false, LWM_OBJLNK},
	{1, 0, "Short Server ID", LWM_OP_R, false, true, LWM_INTEGER},
	{1, 1, "Lifetime", LWM_OP_R | LWM_OP_W, false, true, LWM_INTEGER},
	{1, 6, "Notification Storing When Disabled or Offline", LWM_OP_R | LWM_OP_W, false, true,
		LWM_BOOLEAN},
	{1, 8, "Registration Update Trigger", LWM_OP_E, false, true, LWM_NONE},
	{1, 12, "Last Bootstrapped", LWM_OP_R, false, false, LWM_TIME},
	{1, 17, "Communication Retry Count", LWM_OP_R | LWM_OP_W, false, false, LWM_UNSIGNED},
	{2, 2, "ACL", LWM_OP_R | LWM_OP_W, true, false, LWM_INTEGER},
	{3, 4, "Reboot", LWM_OP_E, false, true, LWM_NONE},
	{3, 11, "Error Code", LWM_OP_R, true, true, LWM_INTEGER},
	{3, 22, "ExtDevInfo", LWM_OP_R, true, false, LWM_OBJLNK},
	{4, 13, "Coverage Enhancement Level", LWM_OP_R, false, false, LWM_INTEGER},
	{5, 0, "Package", LWM_OP_W, false, true, LWM_OPAQUE},
	{5, 14, "Automatic Upgrade at Download", LWM_OP_R | LWM_OP_W, false, false, LWM_BOOLEAN},
	{6, 0, "Latitude", LWM_OP_R, false, true, LWM_FLOAT},
	{7, 6, "Start", LWM_OP_E, false, true, LWM_NONE},
	{16, 0, "Identity", LWM_OP_R | LWM_OP_W, true, true, LWM_STRING},
	{19, 0, "Data", LWM_OP_R | LWM_OP_W, true, true, LWM_OPAQUE},
	{21, 0, "OSCORE Master Secret", 0, false, true, LWM_OPAQUE},
	{21, 6, "OSCORE ID Context", 0, false, false, LWM_OPAQUE},
	{25, 2, "Routing Table Entry", LWM_OP_R, false, false, LWM_OBJLNK},
	{25, 3, "IoT Device Objects", LWM_OP_R, false, true, LWM_CORELNK},
	{3303, 5700, "Sensor Value", LWM_OP_R, false, true, LWM_FLOAT},
	{3303, 5701, "Sensor Units", LWM_OP_R, false, false, LWM_STRING},
	{3304, 5605, "Reset Min and Max Measured Values", LWM_OP_E, false, false, LWM_NONE},
	{3311, 5850, "On/Off", LWM_OP_R | LWM_OP_W, false, true, LWM_BOOLEAN},
	{3347, 5501, "Digital Input Counter", LWM_OP_R, false, false, LWM_INTEGER},
};

static void test_resources(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct lwm_resource *r = lwm_resource(rows[i].oid, rows[i].rid);
		struct lwm_path p = {4, {rows[i].oid, 7, rows[i].rid, 3}};

		CHECK(r && strcmp(r->name, rows[i].name) == 0, rows[i].name);
		CHECK(r && r->oid == rows[i].oid && r->rid == rows[i].rid, rows[i].name);
		CHECK(r && r->ops == rows[i].ops && r->type == rows[i].type, rows[i].name);
		CHECK(r && r->multiple == rows[i].multiple && r->mandatory == rows[i].mandatory,
			rows[i].name);
		CHECK(lwm_type_at(&p) == rows[i].type, "of an instance");
		p.n = 3;
		CHECK(lwm_type_at(&p) == rows[i].type, "of the resource");
		p.n = 2;
		CHECK(lwm_type_at(&p) == LWM_NONE, "an instance has no type");
	}
	CHECK(!lwm_resource(3, 999) && !lwm_resource(9999, 0) && !lwm_resource(5, 4), "unknown");
}

static const struct {
	uint16_t oid;
	const char *name;
	uint8_t version;
	bool multiple, mandatory;
	size_t resource_n;
} objects[] = {
	{0, "LWM2M Security", 12, true, true, 31},
	{1, "LwM2M Server", 12, true, true, 28},
	{2, "LwM2M Access Control", 11, true, false, 4},
	{3, "Device", 12, false, true, 23},
	{4, "Connectivity Monitoring", 13, false, false, 14},
	{5, "Firmware Update", 12, false, false, 14},
	{6, "Location", 10, false, false, 7},
	{7, "Connectivity Statistics", 10, false, false, 9},
	{16, "Portfolio", 10, true, false, 4},
	{19, "BinaryAppDataContainer", 10, true, false, 6},
	{21, "LWM2M OSCORE", 20, true, false, 7},
	{23, "LwM2M COSE", 10, true, false, 3},
	{24, "MQTT Server", 10, true, false, 9},
	{25, "LwM2M Gateway", 20, true, false, 3},
	{26, "LwM2M Gateway Routing", 10, true, false, 2},
	{3303, "Temperature", 11, true, false, 12},
	{3304, "Humidity", 11, true, false, 12},
	{3311, "Light Control", 10, true, false, 8},
	{3347, "Push button", 11, true, false, 5},
};

/* What holds for every row whatever it says. */
static void check_rows(const struct lwm_object *o)
{
	for (size_t i = 0; i < o->resource_n; i++) {
		const struct lwm_resource *r = &o->resources[i];

		CHECK(r->oid == o->oid, r->name);
		CHECK(i == 0 || o->resources[i - 1].rid < r->rid, "rows are sorted (OBJ-01)");
		CHECK((r->type == LWM_NONE) == (r->ops == LWM_OP_E),
			"only executables lack a type");
		CHECK(r->type != LWM_NONE || !r->multiple, "executables are single, OBJ-03");
	}
}

static void test_objects(void)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		const struct lwm_object *o = lwm_object(objects[i].oid);

		REQUIRE(o, objects[i].name);
		CHECK(strcmp(o->name, objects[i].name) == 0, objects[i].name);
		CHECK(o->version == objects[i].version, objects[i].name);
		CHECK(o->multiple == objects[i].multiple && o->mandatory == objects[i].mandatory,
			objects[i].name);
		CHECK(o->resource_n == objects[i].resource_n, objects[i].name);
		check_rows(o);
	}
	CHECK(!lwm_object(8) && !lwm_object(65535), "unknown");
}

/* Proves: OBJ-02 */
static void test_versions(void)
{
	static const struct {
		uint16_t oid;
		uint8_t in[3];
	} versions[] = {
		{0, {10, 11, 12}},
		{1, {10, 11, 12}},
		{2, {10, 10, 11}},
		{3, {10, 11, 12}},
		{4, {10, 12, 13}},
		{5, {10, 10, 12}},
		{6, {10, 10, 10}},
		{7, {10, 10, 10}},
		{21, {10, 10, 20}},
		{23, {10, 10, 10}},
		{25, {10, 10, 10}},
		{3303, {10, 10, 10}},
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		for (uint8_t minor = 0; minor < 3; minor++) {
			char what[40];

			snprintf(what, sizeof(what), "/%u of 1.%u", versions[i].oid, minor);
			CHECK(lwm_default_version(versions[i].oid, (uint8_t)(10 + minor)) ==
					versions[i].in[minor],
				what);
		}
}

int main(void)
{
	test_resources();
	test_objects();
	test_versions();
	return test_done();
}
