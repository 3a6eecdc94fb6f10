/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in object tables, as the OMA registry has them. Rows are sorted by id. An object
 * of a newer minor version stands for the older ones too: minor versions only add. */
#include "lwm2m/objects.h"

enum { BS = 0, R = LWM_OP_R, W = LWM_OP_W, RW = LWM_OP_R | LWM_OP_W, E = LWM_OP_E };
enum { S = false, M = true, OPT = false, MAND = true };

/* With a range, and without. */
#define RANGE(oid, rid, name, ops, multiple, mandatory, type, min, max)                            \
	{                                                                                          \
		oid, rid, name, ops, multiple, mandatory, LWM_##type, true, min, max               \
	}
#define ROW(oid, rid, name, ops, multiple, mandatory, type)                                        \
	{                                                                                          \
		oid, rid, name, ops, multiple, mandatory, LWM_##type, false, 0, 0                  \
	}

/* clang-format off */
static const struct lwm_resource res_0[] = {
	RANGE(0, 0, "LWM2M Server URI", BS, S, MAND, STRING, 0, 255),
	ROW(0, 1, "Bootstrap-Server", BS, S, MAND, BOOLEAN),
	RANGE(0, 2, "Security Mode", BS, S, MAND, INTEGER, 0, 4),
	ROW(0, 3, "Public Key or Identity", BS, S, MAND, OPAQUE),
	ROW(0, 4, "Server Public Key", BS, S, MAND, OPAQUE),
	ROW(0, 5, "Secret Key", BS, S, MAND, OPAQUE),
	ROW(0, 6, "SMS Security Mode", BS, S, OPT, INTEGER),
	ROW(0, 7, "SMS Binding Key Parameters", BS, S, OPT, OPAQUE),
	ROW(0, 8, "SMS Binding Secret Key(s)", BS, S, OPT, OPAQUE),
	ROW(0, 9, "LwM2M Server SMS Number", BS, S, OPT, STRING),
	RANGE(0, 10, "Short Server ID", BS, S, OPT, INTEGER, 1, 65534),
	ROW(0, 11, "Client Hold Off Time", BS, S, OPT, INTEGER),
	ROW(0, 12, "Bootstrap-Server Account Timeout", BS, S, OPT, INTEGER),
	RANGE(0, 13, "Matching Type", BS, S, OPT, UNSIGNED, 0, 3),
	ROW(0, 14, "SNI", BS, S, OPT, STRING),
	RANGE(0, 15, "Certificate Usage", BS, S, OPT, UNSIGNED, 0, 3),
	RANGE(0, 16, "DTLS/TLS Ciphersuite", BS, M, OPT, UNSIGNED, 0, 65535),
	ROW(0, 17, "OSCORE Security Mode", BS, S, OPT, OBJLNK),
	RANGE(0, 18, "Groups To Use by Client", BS, M, OPT, UNSIGNED, 0, 65535),
	RANGE(0, 19, "Signature Algorithms Supported by Server", BS, M, OPT, UNSIGNED, 0, 65535),
	RANGE(0, 20, "Signature Algorithms To Use by Client", BS, M, OPT, UNSIGNED, 0, 65535),
	RANGE(0, 21, "Signature Algorithm Certs Supported by Server", BS, M, OPT, UNSIGNED, 0, 65535),
	ROW(0, 22, "TLS 1.3 Features To Use by Client", BS, S, OPT, UNSIGNED),
	ROW(0, 23, "TLS Extensions Supported by Server", BS, S, OPT, UNSIGNED),
	ROW(0, 24, "TLS Extensions To Use by Client", BS, S, OPT, UNSIGNED),
	ROW(0, 25, "Secondary LwM2M Server URI", BS, M, OPT, STRING),
	ROW(0, 26, "MQTT Server", BS, S, OPT, OBJLNK),
	ROW(0, 27, "LwM2M COSE Security", BS, M, OPT, OBJLNK),
	RANGE(0, 28, "RDS Destination Port", BS, S, OPT, INTEGER, 0, 15),
	RANGE(0, 29, "RDS Source Port", BS, S, OPT, INTEGER, 0, 15),
	ROW(0, 30, "RDS Application ID", BS, S, OPT, STRING),
};

static const struct lwm_resource res_1[] = {
	RANGE(1, 0, "Short Server ID", R, S, MAND, INTEGER, 1, 65534),
	ROW(1, 1, "Lifetime", RW, S, MAND, INTEGER),
	ROW(1, 2, "Default Minimum Period", RW, S, OPT, INTEGER),
	ROW(1, 3, "Default Maximum Period", RW, S, OPT, INTEGER),
	ROW(1, 4, "Disable", E, S, OPT, NONE),
	ROW(1, 5, "Disable Timeout", RW, S, OPT, INTEGER),
	ROW(1, 6, "Notification Storing When Disabled or Offline", RW, S, MAND, BOOLEAN),
	ROW(1, 7, "Binding", RW, S, MAND, STRING),
	ROW(1, 8, "Registration Update Trigger", E, S, MAND, NONE),
	ROW(1, 9, "Bootstrap-Request Trigger", E, S, OPT, NONE),
	ROW(1, 10, "APN Link", RW, S, OPT, OBJLNK),
	RANGE(1, 11, "TLS-DTLS Alert Code", R, S, OPT, UNSIGNED, 0, 255),
	ROW(1, 12, "Last Bootstrapped", R, S, OPT, TIME),
	ROW(1, 13, "Registration Priority Order", R, S, OPT, UNSIGNED),
	ROW(1, 14, "Initial Registration Delay Timer", RW, S, OPT, UNSIGNED),
	ROW(1, 15, "Registration Failure Block", R, S, OPT, BOOLEAN),
	ROW(1, 16, "Bootstrap on Registration Failure", R, S, OPT, BOOLEAN),
	ROW(1, 17, "Communication Retry Count", RW, S, OPT, UNSIGNED),
	ROW(1, 18, "Communication Retry Timer", RW, S, OPT, UNSIGNED),
	ROW(1, 19, "Communication Sequence Delay Timer", RW, S, OPT, UNSIGNED),
	ROW(1, 20, "Communication Sequence Retry Count", RW, S, OPT, UNSIGNED),
	ROW(1, 21, "Trigger", RW, S, OPT, BOOLEAN),
	ROW(1, 22, "Preferred Transport", RW, S, OPT, STRING),
	ROW(1, 23, "Mute Send", RW, S, OPT, BOOLEAN),
	ROW(1, 24, "Alternate APN Links", RW, M, OPT, OBJLNK),
	ROW(1, 25, "Supported Server Versions", RW, M, OPT, STRING),
	RANGE(1, 26, "Default Notification Mode", RW, S, OPT, INTEGER, 0, 1),
	ROW(1, 27, "Profile ID Hash Algorithm", RW, S, OPT, UNSIGNED),
};

static const struct lwm_resource res_2[] = {
	RANGE(2, 0, "Object ID", R, S, MAND, INTEGER, 1, 65534),
	RANGE(2, 1, "Object Instance ID", R, S, MAND, INTEGER, 0, 65535),
	RANGE(2, 2, "ACL", RW, M, OPT, INTEGER, 0, 31),
	RANGE(2, 3, "Access Control Owner", RW, S, MAND, INTEGER, 0, 65535),
};

/* Before 1.1 an ACL was a bare number of 16 bits. */
static const struct lwm_resource res_2_0[] = {
	RANGE(2, 0, "Object ID", R, S, MAND, INTEGER, 1, 65534),
	RANGE(2, 1, "Object Instance ID", R, S, MAND, INTEGER, 0, 65535),
	ROW(2, 2, "ACL", RW, M, OPT, INTEGER),
	RANGE(2, 3, "Access Control Owner", RW, S, MAND, INTEGER, 0, 65535),
};

static const struct lwm_resource res_3[] = {
	ROW(3, 0, "Manufacturer", R, S, OPT, STRING),
	ROW(3, 1, "Model Number", R, S, OPT, STRING),
	ROW(3, 2, "Serial Number", R, S, OPT, STRING),
	ROW(3, 3, "Firmware Version", R, S, OPT, STRING),
	ROW(3, 4, "Reboot", E, S, MAND, NONE),
	ROW(3, 5, "Factory Reset", E, S, OPT, NONE),
	RANGE(3, 6, "Available Power Sources", R, M, OPT, INTEGER, 0, 7),
	ROW(3, 7, "Power Source Voltage", R, M, OPT, INTEGER),
	ROW(3, 8, "Power Source Current", R, M, OPT, INTEGER),
	RANGE(3, 9, "Battery Level", R, S, OPT, INTEGER, 0, 100),
	ROW(3, 10, "Memory Free", R, S, OPT, INTEGER),
	RANGE(3, 11, "Error Code", R, M, MAND, INTEGER, 0, 32),
	ROW(3, 12, "Reset Error Code", E, S, OPT, NONE),
	ROW(3, 13, "Current Time", RW, S, OPT, TIME),
	ROW(3, 14, "UTC Offset", RW, S, OPT, STRING),
	ROW(3, 15, "Timezone", RW, S, OPT, STRING),
	ROW(3, 16, "Supported Binding and Modes", R, S, MAND, STRING),
	ROW(3, 17, "Device Type", R, S, OPT, STRING),
	ROW(3, 18, "Hardware Version", R, S, OPT, STRING),
	ROW(3, 19, "Software Version", R, S, OPT, STRING),
	RANGE(3, 20, "Battery Status", R, S, OPT, INTEGER, 0, 6),
	ROW(3, 21, "Memory Total", R, S, OPT, INTEGER),
	ROW(3, 22, "ExtDevInfo", R, M, OPT, OBJLNK),
};

static const struct lwm_resource res_4[] = {
	RANGE(4, 0, "Network Bearer", R, S, MAND, INTEGER, 0, 50),
	RANGE(4, 1, "Available Network Bearer", R, M, MAND, INTEGER, 0, 50),
	ROW(4, 2, "Radio Signal Strength", R, S, MAND, INTEGER),
	ROW(4, 3, "Link Quality", R, S, OPT, INTEGER),
	ROW(4, 4, "IP Addresses", R, M, MAND, STRING),
	ROW(4, 5, "Router IP Addresses", R, M, OPT, STRING),
	RANGE(4, 6, "Link Utilization", R, S, OPT, INTEGER, 0, 100),
	ROW(4, 7, "APN", R, M, OPT, STRING),
	ROW(4, 8, "Cell ID", R, S, OPT, INTEGER),
	RANGE(4, 9, "SMNC", R, S, OPT, INTEGER, 0, 999),
	RANGE(4, 10, "SMCC", R, S, OPT, INTEGER, 0, 999),
	ROW(4, 11, "SignalSNR", R, S, OPT, INTEGER),
	ROW(4, 12, "LAC", R, S, OPT, INTEGER),
	RANGE(4, 13, "Coverage Enhancement Level", R, S, OPT, INTEGER, 0, 4),
};

static const struct lwm_resource res_5[] = {
	ROW(5, 0, "Package", W, S, MAND, OPAQUE),
	RANGE(5, 1, "Package URI", RW, S, MAND, STRING, 0, 255),
	ROW(5, 2, "Update", E, S, MAND, NONE),
	RANGE(5, 3, "State", R, S, MAND, INTEGER, 0, 3),
	RANGE(5, 5, "Update Result", R, S, MAND, INTEGER, 0, 11),
	ROW(5, 6, "PkgName", R, S, OPT, STRING),
	ROW(5, 7, "PkgVersion", R, S, OPT, STRING),
	RANGE(5, 8, "Firmware Update Protocol Support", R, M, OPT, INTEGER, 0, 5),
	RANGE(5, 9, "Firmware Update Delivery Method", R, S, MAND, INTEGER, 0, 2),
	ROW(5, 10, "Cancel", E, S, OPT, NONE),
	RANGE(5, 11, "Severity", RW, S, OPT, INTEGER, 0, 2),
	ROW(5, 12, "Last State Change Time", R, S, OPT, TIME),
	ROW(5, 13, "Maximum Defer Period", RW, S, OPT, UNSIGNED),
	ROW(5, 14, "Automatic Upgrade at Download", RW, S, OPT, BOOLEAN),
};

static const struct lwm_resource res_6[] = {
	ROW(6, 0, "Latitude", R, S, MAND, FLOAT),
	ROW(6, 1, "Longitude", R, S, MAND, FLOAT),
	ROW(6, 2, "Altitude", R, S, OPT, FLOAT),
	ROW(6, 3, "Radius", R, S, OPT, FLOAT),
	ROW(6, 4, "Velocity", R, S, OPT, OPAQUE),
	ROW(6, 5, "Timestamp", R, S, MAND, TIME),
	ROW(6, 6, "Speed", R, S, OPT, FLOAT),
};

static const struct lwm_resource res_7[] = {
	ROW(7, 0, "SMS Tx Counter", R, S, OPT, INTEGER),
	ROW(7, 1, "SMS Rx Counter", R, S, OPT, INTEGER),
	ROW(7, 2, "Tx Data", R, S, OPT, INTEGER),
	ROW(7, 3, "Rx Data", R, S, OPT, INTEGER),
	ROW(7, 4, "Max Message Size", R, S, OPT, INTEGER),
	ROW(7, 5, "Average Message Size", R, S, OPT, INTEGER),
	ROW(7, 6, "Start", E, S, MAND, NONE),
	ROW(7, 7, "Stop", E, S, MAND, NONE),
	ROW(7, 8, "Collection Period", RW, S, OPT, INTEGER),
};

static const struct lwm_resource res_16[] = {
	ROW(16, 0, "Identity", RW, M, MAND, STRING),
	ROW(16, 1, "GetAuthData", E, S, OPT, NONE),
	ROW(16, 2, "AuthData", R, M, OPT, OPAQUE),
	RANGE(16, 3, "AuthStatus", R, S, OPT, INTEGER, 0, 2),
};

static const struct lwm_resource res_19[] = {
	ROW(19, 0, "Data", RW, M, MAND, OPAQUE),
	RANGE(19, 1, "Data Priority", RW, S, OPT, INTEGER, 0, 2),
	ROW(19, 2, "Data Creation Time", RW, S, OPT, TIME),
	RANGE(19, 3, "Data Description", RW, S, OPT, STRING, 0, 32),
	RANGE(19, 4, "Data Format", RW, S, OPT, STRING, 0, 32),
	ROW(19, 5, "App ID", RW, S, OPT, INTEGER),
};

static const struct lwm_resource res_21[] = {
	ROW(21, 0, "OSCORE Master Secret", BS, S, MAND, OPAQUE),
	ROW(21, 1, "OSCORE Sender ID", BS, S, MAND, OPAQUE),
	ROW(21, 2, "OSCORE Recipient ID", BS, S, MAND, OPAQUE),
	ROW(21, 3, "OSCORE AEAD Algorithm", BS, S, OPT, INTEGER),
	ROW(21, 4, "OSCORE HMAC Algorithm", BS, S, OPT, INTEGER),
	ROW(21, 5, "OSCORE Master Salt", BS, S, OPT, OPAQUE),
	ROW(21, 6, "OSCORE ID Context", BS, S, OPT, OPAQUE),
};

/* What is written by bootstrap takes its types from lwm_codec_opts. */
static const struct lwm_resource res_21_1[] = {
	ROW(21, 0, "OSCORE Master Secret", BS, S, MAND, STRING),
	ROW(21, 1, "OSCORE Sender ID", BS, S, MAND, STRING),
	ROW(21, 2, "OSCORE Recipient ID", BS, S, MAND, STRING),
	ROW(21, 3, "OSCORE AEAD Algorithm", BS, S, OPT, INTEGER),
	ROW(21, 4, "OSCORE HMAC Algorithm", BS, S, OPT, INTEGER),
	ROW(21, 5, "OSCORE Master Salt", BS, S, OPT, STRING),
	ROW(21, 6, "OSCORE ID Context", BS, S, OPT, STRING),
};

static const struct lwm_resource res_23[] = {
	ROW(23, 0, "KID", BS, S, MAND, STRING),
	ROW(23, 1, "AEAD Algorithm", BS, S, MAND, INTEGER),
	ROW(23, 2, "Key", BS, S, MAND, STRING),
};

static const struct lwm_resource res_24[] = {
	ROW(24, 0, "Will Retain", RW, S, OPT, BOOLEAN),
	ROW(24, 1, "Will Topic", RW, S, OPT, STRING),
	ROW(24, 2, "Will Message", RW, S, OPT, STRING),
	ROW(24, 3, "Clean Session", RW, S, OPT, BOOLEAN),
	RANGE(24, 4, "Will QoS", RW, S, OPT, UNSIGNED, 0, 3),
	RANGE(24, 5, "Keep Alive", RW, S, OPT, UNSIGNED, 0, 65535),
	ROW(24, 6, "Client Identifier", RW, S, MAND, STRING),
	ROW(24, 7, "User Name", RW, S, OPT, STRING),
	ROW(24, 8, "Password", RW, S, OPT, OPAQUE),
};

static const struct lwm_resource res_25[] = {
	ROW(25, 0, "Device ID", R, S, MAND, STRING),
	ROW(25, 1, "Prefix", R, S, MAND, STRING),
	ROW(25, 3, "IoT Device Objects", R, S, MAND, CORELNK),
};

static const struct lwm_resource res_25_1[] = {
	ROW(25, 0, "Device ID", R, S, MAND, STRING),
	ROW(25, 1, "Prefix", RW, S, MAND, STRING),
	ROW(25, 2, "Routing Table Entry", R, S, OPT, OBJLNK),
};

static const struct lwm_resource res_26[] = {
	ROW(26, 0, "LwM2M Object ID", R, S, MAND, UNSIGNED),
	ROW(26, 1, "Mapping Info", R, S, MAND, CORELNK),
};

static const struct lwm_resource res_3303[] = {
	ROW(3303, 5518, "Timestamp", R, S, OPT, TIME),
	ROW(3303, 5601, "Min Measured Value", R, S, OPT, FLOAT),
	ROW(3303, 5602, "Max Measured Value", R, S, OPT, FLOAT),
	ROW(3303, 5603, "Min Range Value", R, S, OPT, FLOAT),
	ROW(3303, 5604, "Max Range Value", R, S, OPT, FLOAT),
	ROW(3303, 5605, "Reset Min and Max Measured Values", E, S, OPT, NONE),
	ROW(3303, 5700, "Sensor Value", R, S, MAND, FLOAT),
	ROW(3303, 5701, "Sensor Units", R, S, OPT, STRING),
	ROW(3303, 5750, "Application Type", RW, S, OPT, STRING),
	ROW(3303, 6042, "Measurement Quality Indicator", R, S, OPT, INTEGER),
	ROW(3303, 6049, "Measurement Quality Level", R, S, OPT, INTEGER),
	ROW(3303, 6050, "Fractional Timestamp", R, S, OPT, FLOAT),
};

static const struct lwm_resource res_3304[] = {
	ROW(3304, 5518, "Timestamp", R, S, OPT, TIME),
	ROW(3304, 5601, "Min Measured Value", R, S, OPT, FLOAT),
	ROW(3304, 5602, "Max Measured Value", R, S, OPT, FLOAT),
	ROW(3304, 5603, "Min Range Value", R, S, OPT, FLOAT),
	ROW(3304, 5604, "Max Range Value", R, S, OPT, FLOAT),
	ROW(3304, 5605, "Reset Min and Max Measured Values", E, S, OPT, NONE),
	ROW(3304, 5700, "Sensor Value", R, S, MAND, FLOAT),
	ROW(3304, 5701, "Sensor Units", R, S, OPT, STRING),
	ROW(3304, 5750, "Application Type", RW, S, OPT, STRING),
	ROW(3304, 6042, "Measurement Quality Indicator", R, S, OPT, INTEGER),
	ROW(3304, 6049, "Measurement Quality Level", R, S, OPT, INTEGER),
	ROW(3304, 6050, "Fractional Timestamp", R, S, OPT, FLOAT),
};

static const struct lwm_resource res_3311[] = {
	ROW(3311, 5701, "Sensor Units", R, S, OPT, STRING),
	ROW(3311, 5706, "Colour", RW, S, OPT, STRING),
	ROW(3311, 5750, "Application Type", RW, S, OPT, STRING),
	ROW(3311, 5805, "Cumulative active power", R, S, OPT, FLOAT),
	ROW(3311, 5820, "Power factor", R, S, OPT, FLOAT),
	ROW(3311, 5850, "On/Off", RW, S, MAND, BOOLEAN),
	RANGE(3311, 5851, "Dimmer", RW, S, OPT, INTEGER, 0, 100),
	ROW(3311, 5852, "On time", RW, S, OPT, INTEGER),
};

static const struct lwm_resource res_3347[] = {
	ROW(3347, 5500, "Digital Input State", R, S, MAND, BOOLEAN),
	ROW(3347, 5501, "Digital Input Counter", R, S, OPT, INTEGER),
	ROW(3347, 5518, "Timestamp", R, S, OPT, TIME),
	ROW(3347, 5750, "Application Type", RW, S, OPT, STRING),
	ROW(3347, 6050, "Fractional Timestamp", R, S, OPT, FLOAT),
};

#define OBJECT_OF(oid, name, version, multiple, mandatory, rows)                                   \
	{oid, name, version, multiple, mandatory, rows, sizeof(rows) / sizeof(rows[0]), NULL}
#define OBJECT(oid, name, version, multiple, mandatory)                                            \
	OBJECT_OF(oid, name, version, multiple, mandatory, res_##oid)

const struct lwm_object lwm_objects[] = {
	OBJECT(0, "LWM2M Security", 12, M, MAND),
	OBJECT(1, "LwM2M Server", 12, M, MAND),
	OBJECT(2, "LwM2M Access Control", 11, M, OPT),
	OBJECT_OF(2, "LwM2M Access Control", 10, M, OPT, res_2_0),
	OBJECT(3, "Device", 12, S, MAND),
	OBJECT(4, "Connectivity Monitoring", 13, S, OPT),
	OBJECT(5, "Firmware Update", 12, S, OPT),
	OBJECT(6, "Location", 10, S, OPT),
	OBJECT(7, "Connectivity Statistics", 10, S, OPT),
	OBJECT(16, "Portfolio", 10, M, OPT),
	OBJECT(19, "BinaryAppDataContainer", 10, M, OPT),
	OBJECT(21, "LWM2M OSCORE", 20, M, OPT),
	OBJECT_OF(21, "LWM2M OSCORE", 11, M, OPT, res_21_1),
	OBJECT(23, "LwM2M COSE", 10, M, OPT),
	OBJECT(24, "MQTT Server", 10, M, OPT),
	OBJECT(25, "LwM2M Gateway", 20, M, OPT),
	OBJECT_OF(25, "LwM2M Gateway", 10, M, OPT, res_25_1),
	OBJECT(26, "LwM2M Gateway Routing", 10, M, OPT),
	OBJECT(3303, "Temperature", 11, M, OPT),
	OBJECT(3304, "Humidity", 11, M, OPT),
	OBJECT(3311, "Light Control", 10, M, OPT),
	OBJECT(3347, "Push button", 11, M, OPT),
};
/* clang-format on */

const size_t lwm_objects_n = sizeof(lwm_objects) / sizeof(lwm_objects[0]);
