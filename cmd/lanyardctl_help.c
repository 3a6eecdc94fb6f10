/* SPDX-License-Identifier: Apache-2.0 */
/* The commands and options, and what is told about them. */
#include "cmd/lanyardctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct ctl_option ctl_options[CTL_OPT_N] = {
	[CTL_OPT_SOCKET] = {"socket", 'S', "PATH",
		"the daemon's socket (else $LANYARD_SOCKET, else /run/lanyard/admin.sock)"},
	[CTL_OPT_JSON] = {"json", 'j', NULL, "print the JSON of the REST interface"},
	[CTL_OPT_HELP] = {"help", 'h', NULL, "print this help"},
	[CTL_OPT_VERSION] = {"version", 'V', NULL, "print the version"},
	[CTL_OPT_WAIT] = {"wait", 'w', "SECONDS",
		"how long to wait for the device (default 60, not at all while it sleeps)"},
	[CTL_OPT_EXPIRES] = {"expires", 0, "SECONDS",
		"how long it may stay in the queue of a device that sleeps (default: as "
		"configured)"},
	[CTL_OPT_FORMAT] = {"format", 0, "NAME",
		"the content format, a name or number (default: by the path):"},
	[CTL_OPT_MATCH] = {"match", 'm', "PATTERN", "only names that match, such as 'meter-*'"},
	[CTL_OPT_COUNT] = {"count", 'n', "N", "stop after so many"},
	[CTL_OPT_ENDPOINT] = {"endpoint", 'e', "EP", "of this endpoint: its events, or its keys"},
	[CTL_OPT_TYPE] = {"type", 't', "TYPES",
		"events: only these types, separated by commas; decode: of what the model does not "
		"know"},
	[CTL_OPT_AFTER] = {"after", 0, "SEQ", "first the stored events after this number"},
	[CTL_OPT_ROLE] = {"role", 'r', "ROLE", "bootstrap or server"},
	[CTL_OPT_GENERATE] = {"generate", 'g', NULL, "draw new credentials"},
	[CTL_OPT_FROM] = {"from", 0, "FILE",
		"take credentials from a JSON file, or - for standard input"},
	[CTL_OPT_SERVER_URI] = {"server-uri", 0, "URI",
		"where the device is to go, coap://HOST:PORT"},
	[CTL_OPT_DEVICE_FILE] = {"device-file", 0, "FILE",
		"write a new file (mode 0600) for lanyard-device"},
	[CTL_OPT_REPLACE] = {"replace", 0, NULL, "put them in the place of those in use"},
	[CTL_OPT_AEAD] = {"aead", 0, "NAME", "AEAD algorithm (default AES-CCM-16-64-128)"},
	[CTL_OPT_HKDF] = {"hkdf", 0, "NAME", "HKDF-SHA-256 (default) or HKDF-SHA-512"},
	[CTL_OPT_ID_CONTEXT] = {"id-context", 0, NULL, "draw an ID Context of 8 bytes too"},
	[CTL_OPT_IDENTITY] = {"identity", 0, "TEXT",
		"the PSK identity (default: the endpoint's name)"},
	[CTL_OPT_DEFAULT] = {"default", 0, NULL, "the plan of endpoints that have none"},
	[CTL_OPT_UNASKED] = {"unasked", 0, NULL, "begin it here (LwM2M 1.0)"},
	[CTL_OPT_CANCEL] = {"cancel", 0, NULL, "give it up"},
	[CTL_OPT_DEPTH] = {"depth", 'd', "N", "how far down, 0 to 3 (default: the device's)"},
	[CTL_OPT_PARTIAL] = {"partial", 'p', NULL,
		"leave what is not named as it is (else it is replaced)"},
	[CTL_OPT_FILE] = {"file", 'f', "FILE",
		"write the bytes of a file to an opaque resource, such as firmware to /5/0/0"},
	[CTL_OPT_TEXT] = {"text", 0, NULL, "the payload is given as text, not hex"},
	[CTL_OPT_DELETE] = {"delete", 0, NULL, "delete those of this --role"},
	[CTL_OPT_CONFIG] = {"config", 'c', "FILE",
		"the daemon's configuration (default /etc/lanyard/lanyard.conf)"},
	[CTL_OPT_REQUEST] = {"request", 0, "HEX", "the message that a response answers"},
	[CTL_OPT_KID] = {"kid", 0, "HEX", "the kid of the request that a response answers"},
	[CTL_OPT_MODELS] = {"models", 0, "DIR",
		"a directory of object models, *.xml as the OMA registry has them"},
	[CTL_OPT_PIV] = {"partial-iv", 0, "HEX", "the Partial IV of that request"},
	[CTL_OPT_PEM] = {"pem", 0, "FILE", "a PEM file, or - for standard input"},
	[CTL_OPT_FINGERPRINT] = {"fingerprint", 0, "HEX",
		"the SHA-256 fingerprint of a certificate"},
	[CTL_OPT_SUBJECT] = {"subject", 0, "TEXT",
		"the subject of certificates, as RFC 2253 writes it: CN=meter,O=Example"},
	[CTL_OPT_NAME] = {"name", 0, "TEXT",
		"the common name of certificates, or a DNS name or URI in them"},
	[CTL_OPT_ONLY_COPY] = {"only-copy", 0, NULL,
		"no other copy of the database runs, has run since this one was made, or will"},
};

#define DEVICE (CTL_HAS(CTL_OPT_WAIT) | CTL_HAS(CTL_OPT_EXPIRES))

static const struct ctl_command commands[] = {
	{"status", NULL, "", 0, 0, 0, ctl_status, "is the daemon well", NULL},
	{"list", "endpoints", "", 0, 0, CTL_HAS(CTL_OPT_MATCH), ctl_list, "the endpoints", NULL},
	{"show", NULL, "EP", 1, 1, 0, ctl_show, "one endpoint: registration, objects, contexts",
		NULL},
	{"provision", NULL, "EP", 1, 1,
		CTL_HAS(CTL_OPT_GENERATE) | CTL_HAS(CTL_OPT_FROM) | CTL_HAS(CTL_OPT_ROLE) |
			CTL_HAS(CTL_OPT_SERVER_URI) | CTL_HAS(CTL_OPT_DEVICE_FILE) |
			CTL_HAS(CTL_OPT_REPLACE) | CTL_HAS(CTL_OPT_AEAD) | CTL_HAS(CTL_OPT_HKDF) |
			CTL_HAS(CTL_OPT_ID_CONTEXT),
		ctl_provision, "give an endpoint OSCORE credentials",
		"With --generate the secret is drawn here and shown once, never again. The role "
		"is\n"
		"bootstrap unless --role says server. Ids are shown as the device sees them.\n"
		"Credentials of that role which are there already stay, unless --replace is given: "
		"a device\n"
		"that uses them is cut off.\n"
		"--from reads "
		"{\"master_secret\",\"master_salt\",\"sender_id\",\"recipient_id\",...} in hex,\n"
		"ids as the server sees them. Secrets are never taken from the command line."},
	{"psk", NULL, "EP", 1, 1,
		CTL_HAS(CTL_OPT_GENERATE) | CTL_HAS(CTL_OPT_FROM) | CTL_HAS(CTL_OPT_DELETE) |
			CTL_HAS(CTL_OPT_ROLE) | CTL_HAS(CTL_OPT_IDENTITY) |
			CTL_HAS(CTL_OPT_REPLACE),
		ctl_psk, "pre-shared keys of an endpoint for DTLS, without the keys",
		"With --generate a key of 16 bytes is drawn here and shown once, never again. The "
		"role is\n"
		"server unless --role says bootstrap; a key of that role which is there already "
		"stays, unless\n"
		"--replace is given. --from reads {\"identity\",\"key\",...}, the key in hex; "
		"\"identity_hex\" is for\n"
		"identities that are no text. Sessions that were opened with a key which is "
		"replaced or deleted\n"
		"serve no longer."},
	{"certificate", NULL, "EP", 1, 1,
		CTL_HAS(CTL_OPT_PEM) | CTL_HAS(CTL_OPT_FINGERPRINT) | CTL_HAS(CTL_OPT_SUBJECT) |
			CTL_HAS(CTL_OPT_NAME) | CTL_HAS(CTL_OPT_DELETE) | CTL_HAS(CTL_OPT_ROLE),
		ctl_certificate, "which certificate is an endpoint's, for DTLS and TLS",
		"Without an option those it has are shown, also those by which it came first. "
		"--pem and --fingerprint\n"
		"name one certificate, whoever signed it, --subject and --name all that a CA of "
		"ca_file has signed\n"
		"with these words in them. That of the role, server unless --role says bootstrap, "
		"is replaced, and\n"
		"sessions that were opened with it serve no longer. What --delete takes away may "
		"come back with the\n"
		"next handshake, unless the listener says certificates = mapped."},
	{"rpk", NULL, "EP", 1, 1,
		CTL_HAS(CTL_OPT_PEM) | CTL_HAS(CTL_OPT_DELETE) | CTL_HAS(CTL_OPT_ROLE), ctl_rpk,
		"raw public keys of an endpoint for DTLS and TLS",
		"--pem is its public key (BEGIN PUBLIC KEY), of the curve secp256r1; that of the "
		"role, server unless\n"
		"--role says bootstrap, is replaced, and sessions that were opened with it serve "
		"no longer."},
	{"import", NULL, "FILE", 1, 1, CTL_HAS(CTL_OPT_REPLACE), ctl_import,
		"bring in many endpoints from a file",
		"FILE (- for standard input) has a JSON object a line:\n"
		"  "
		"{\"endpoint\":\"EP\",\"credentials\":{\"oscore\":{\"role\":\"server\",\"master_"
		"secret\":"
		"\"HEX\",\n"
		"   \"master_salt\":\"HEX\",\"sender_id\":\"HEX\",\"recipient_id\":\"HEX\"}}}\n"
		"with ids as the server sees them, and what 'set' and 'plan' take: bs_ep, rd_ep, "
		"freshness,\n"
		"nosec, require, oscore_version, block_size, message_size, ack_timeout_ms,\n"
		"max_retransmit, nstart, plan. \"oscore\" may be an array of one for each role. A "
		"line "
		"that is\n"
		"refused is told with its number and changes nothing; the others are done. Exit "
		"status 1 if\n"
		"any was refused. Lines that are there already count as unchanged, so that an "
		"import can be\n"
		"repeated; other credentials are replaced only with --replace."},
	{"credentials", NULL, "EP", 1, 1, CTL_HAS(CTL_OPT_DELETE) | CTL_HAS(CTL_OPT_ROLE),
		ctl_credentials, "the OSCORE contexts of an endpoint, without secrets", NULL},
	{"read", NULL, "EP PATH", 2, 2, DEVICE | CTL_HAS(CTL_OPT_FORMAT), ctl_read,
		"read an object, instance or resource", NULL},
	{"write", NULL, "EP PATH VALUE", 2, 3,
		DEVICE | CTL_HAS(CTL_OPT_FORMAT) | CTL_HAS(CTL_OPT_PARTIAL) | CTL_HAS(CTL_OPT_FILE),
		ctl_write, "write a resource or instance",
		"VALUE is text for a string, a number, true or false, base64 for opaque bytes, o:i "
		"for\n"
		"an object link, seconds since 1970 for a time. {\"0\":1,\"1\":2} writes a "
		"multiple\n"
		"resource; for an instance it is {\"14\":\"+02:00\",\"15\":\"CET\"}. - reads it "
		"from standard\n"
		"input. --partial writes the instances of a multiple resource, or the resources of "
		"an instance,\nthat are named and leaves the others. --file FILE stands in the "
		"place of VALUE."},
	{"create", NULL, "EP PATH [VALUES]", 2, 3, DEVICE | CTL_HAS(CTL_OPT_FORMAT), ctl_create,
		"create an object instance, and print its path",
		"PATH is /3303/5, or /3303 where the device is to choose the number. VALUES are "
		"the resources,\nas {\"5700\":21.5,\"5701\":\"Cel\"}; - reads them from standard "
		"input."},
	{"remove", NULL, "EP PATH", 2, 2, DEVICE, ctl_remove,
		"delete an object instance or resource instance on the device",
		"'delete EP' deletes an endpoint."},
	{"discover", NULL, "EP PATH", 2, 2, DEVICE | CTL_HAS(CTL_OPT_DEPTH), ctl_discover,
		"what is there, with attributes", NULL},
	{"attributes", NULL, "EP PATH KEY=VALUE...", 3, 12, DEVICE, ctl_attributes,
		"set attributes that govern notifications",
		"Keys: pmin pmax epmin epmax (seconds), gt lt st (numbers), edge con (0 or 1), "
		"hqmax. KEY=\n"
		"takes an attribute away. They count for observations that are made afterwards."},
	{"execute", NULL, "EP PATH [ARGUMENTS]", 2, 3, DEVICE, ctl_execute, "execute a resource",
		"ARGUMENTS are like 0='text',1"},
	{"read-composite", NULL, "EP PATH...", 2, 65, DEVICE | CTL_HAS(CTL_OPT_FORMAT),
		ctl_read_composite, "read several paths in one message",
		"Since LwM2M 1.1. What the device does not have, or may not show, is left out."},
	{"write-composite", NULL, "EP PATH=VALUE...", 2, 65, DEVICE | CTL_HAS(CTL_OPT_FORMAT),
		ctl_write_composite, "write several resources in one message, all or none",
		"Since LwM2M 1.1. VALUE is as for write; PATH= with nothing behind it takes a "
		"resource\ninstance away (1.2)."},
	{"observe-composite", NULL, "EP PATH...", 2, 33,
		DEVICE | CTL_HAS(CTL_OPT_FORMAT) | CTL_HAS(CTL_OPT_CANCEL), ctl_observe_composite,
		"observe several paths together",
		"Since LwM2M 1.1. Notifications are events of the path /, which 'events' shows. "
		"The observation\n"
		"stays until --cancel with the same paths."},
	{"observe", NULL, "EP PATH [KEY=VALUE...]", 2, 12, DEVICE | CTL_HAS(CTL_OPT_COUNT),
		ctl_observe, "observe a path and print notifications",
		"The observation stays when the command ends; cancel ends it. KEY=VALUE are its "
		"parameters (LwM2M\n1.2), in the place of all attributes; the keys are those of "
		"'attributes'."},
	{"devices", NULL, "EP", 1, 1, 0, ctl_devices, "the devices behind a gateway",
		"Every command that takes a path takes one of such a device with its prefix in "
		"front, like\n"
		"/d01/3303/0/5700."},
	{"observations", NULL, "EP", 1, 1, 0, ctl_observations, "what is observed", NULL},
	{"cancel", NULL, "EP PATH", 2, 2, CTL_HAS(CTL_OPT_WAIT), ctl_cancel, "end an observation",
		NULL},
	{"firmware", NULL, "ACTION [EP] [FILE]", 1, 3, CTL_HAS(CTL_OPT_WAIT), ctl_firmware,
		"update the firmware of a device",
		"  push EP FILE     send it a package, have it update, see what becomes of it\n"
		"  pull EP URI      have it fetch the package, from a URI of at most 255 bytes\n"
		"  pull EP FILE     have it fetch FILE from this server\n"
		"  status EP        how far it is\n"
		"  cancel EP        give it up, unless the device was told to update already\n"
		"  list             the updates of all endpoints\n"
		"  images           the packages that are kept\n"
		"  upload FILE      keep a package under its file name, for many devices\n"
		"  remove IMAGE     no longer\n"
		"Where there is no FILE of that name it is a package that is kept. One that push "
		"or "
		"pull brings\n"
		"goes again when the last update that used it is over. An update goes on by "
		"itself, "
		"also when\n"
		"the device sleeps or the daemon restarts; with --wait its end is waited for, and "
		"exit status 1\n"
		"says that it failed. A device that was told to update is never told twice "
		"unless it says that it\nhas not begun."},
	{"access", NULL, "EP [INSTANCE SSID=RIGHTS...]", 1, 34, CTL_HAS(CTL_OPT_WAIT), ctl_access,
		"who may do what on a device that has several servers",
		"Without INSTANCE those of the Access Control object (2): what each is about, who "
		"owns it, and\n"
		"the rights of each Short Server ID; default stands for all that have none of "
		"their own.\n"
		"Rights are letters: r read and observe, w write, e execute, d delete, c create; "
		"- is none.\n"
		"Rights that are named are changed or added, the others stay. Only the owner of an "
		"instance may\nchange it."},
	{"operations", NULL, "[EP]", 0, 1, 0, ctl_operations,
		"what devices are asked for now, and outcomes of the last hour", NULL},
	{"operation", NULL, "ID", 1, 1, CTL_HAS(CTL_OPT_CANCEL), ctl_operation,
		"what became of an operation",
		"A command that speaks to a device and got no answer within --wait names its "
		"operation, which\ngoes on. What a device in queue mode is asked while it sleeps "
		"is stored, and asked when it\nwakes, once; it is given up after --expires. With "
		"--cancel it is given up now, if the device\ncannot have done it already."},
	{"set", NULL, "EP [KEY=VALUE...]", 1, 11, 0, ctl_set,
		"create an endpoint or change its settings",
		"Keys: bs_ep, rd_ep (names it uses), freshness (default, auto, echo, none, b2), "
		"nosec "
		"(true,\n"
		"false), require (any, oscore, dtls, oscore+dtls), oscore_version (discover, 1.0, "
		"1.1, 2.0). For a slow link or a small "
		"device, 0\nbeing what [coap] says: block_size (16 to 1024), message_size (128 to "
		"1280), ack_timeout_ms\n(100 to 60000), max_retransmit (1 to 8). For a fast one: "
		"nstart "
		"(1 to 8), how many requests may be\nunder way at once; they start in their order, "
		"and end in any."},
	{"delete", NULL, "EP", 1, 1, 0, ctl_delete, "delete an endpoint and all that belongs to it",
		NULL},
	{"plan", NULL, "EP [show | set FILE | delete]", 0, 3, CTL_HAS(CTL_OPT_DEFAULT), ctl_plan,
		"the bootstrap plan of an endpoint",
		"With --default there is no EP. FILE may be - for standard input."},
	{"bootstrap", NULL, "EP [INSTANCE]", 1, 2, DEVICE | CTL_HAS(CTL_OPT_UNASKED), ctl_bootstrap,
		"have a registered device bootstrap again",
		"INSTANCE is that of the Server object; by default the lowest it has listed.\n"
		"With --unasked the bootstrap begins here, where the device allows that; "
		"[bootstrap] unasked has to be on."},
	{"events", NULL, "", 0, 0,
		CTL_HAS(CTL_OPT_ENDPOINT) | CTL_HAS(CTL_OPT_TYPE) | CTL_HAS(CTL_OPT_AFTER) |
			CTL_HAS(CTL_OPT_COUNT),
		ctl_events, "print events as they happen",
		"Types: registered updated deregistered expired notification send operation "
		"firmware bootstrap rollback security"},
	{"trace", NULL, "EP", 1, 1, CTL_HAS(CTL_OPT_COUNT), ctl_trace,
		"print the messages of an endpoint as they come and go",
		"In the clear, as they are inside OSCORE, until interrupted. -> is sent by the "
		"server, <- by the\n"
		"device. Payloads that may hold keys are not shown. Nothing of it is stored or "
		"logged."},
	{"explain", NULL, "EP", 1, 1, 0, ctl_explain, "why does it not connect",
		"The verdict in a sentence, when it was last heard of and refused, the state of "
		"its OSCORE contexts,\n"
		"and the reasons with what to do. What happened is of this run of the daemon. "
		"lanyard-oscore(7)\n"
		"lists all reasons."},
	{"metrics", NULL, "", 0, 0, 0, ctl_metrics, "counters in the format of Prometheus", NULL},
	{"models", NULL, "[OBJECT]", 0, 1, 0, ctl_models, "the objects that are known, by version",
		"SOURCE is the file of the daemon's models_dir, or built-in. A minor version "
		"stands for the older\n"
		"ones too."},
	{"decode", NULL, "FORMAT PATH HEX", 3, 3,
		CTL_HAS(CTL_OPT_TEXT) | CTL_HAS(CTL_OPT_TYPE) | CTL_HAS(CTL_OPT_MODELS), ctl_decode,
		"what a payload says; needs no daemon",
		"PATH is what the payload answers or was sent to. HEX may be - for standard input. "
		"Prints an\n"
		"object of JSON a line, bytes in hex. Exit status 1: the payload has to be "
		"refused."},
	{"oscore", NULL, "decode HEX", 2, 2,
		CTL_HAS(CTL_OPT_FROM) | CTL_HAS(CTL_OPT_ENDPOINT) | CTL_HAS(CTL_OPT_REQUEST) |
			CTL_HAS(CTL_OPT_KID) | CTL_HAS(CTL_OPT_PIV),
		ctl_oscore, "what a captured OSCORE message says",
		"HEX is the CoAP message, as UDP carried it; it may be - for standard input. The "
		"keys are those\n"
		"of an --endpoint, and stay in the daemon, or come --from a file as 'provision' "
		"takes it:\n"
		"  "
		"{\"master_secret\",\"master_salt\",\"sender_id\",\"recipient_id\",\"id_context\","
		"\"aead\",\"hkdf\"}\n"
		"A response opens with its request only: give that with --request, or its --kid "
		"and --partial-iv.\n"
		"Replay windows and sequence numbers are not looked at, and none moves. Exit "
		"status 1: it does\nnot open, and why."},
	{"watch", NULL, "[endpoints|events|EP]", 0, 1,
		CTL_HAS(CTL_OPT_MATCH) | CTL_HAS(CTL_OPT_TYPE) | CTL_HAS(CTL_OPT_COUNT), ctl_watch,
		"endpoints, or events, as they are now, until interrupted",
		"On a terminal endpoints are a table that is drawn again each second; else, and "
		"with --json, and\n"
		"for events, there is a line for each event. A daemon that stops is waited for, "
		"and the events of\nthe time between are told when it is back."},
	{"doctor", NULL, "", 0, 0, CTL_HAS(CTL_OPT_CONFIG), ctl_doctor,
		"is the installation well, and what is to be done",
		"Looks at configuration, unit, directories, disk, anchor, clock, kernel, socket, "
		"database, listeners,\n"
		"gateways, limits and endpoints. What can be seen without the daemon is told when "
		"it does "
		"not run, too.\n"
		"Of endpoints the first 1000 are looked at. Exit status: 0 all is well, 1 there "
		"are warnings,\n2 something fails."},
	{"backup", NULL, "FILE", 1, 1, 0, ctl_backup, "copy the database while the daemon runs",
		"FILE is made (mode 0600) and holds the keys of all devices: whoever has it has "
		"them. The daemon\n"
		"makes the copy in its state directory; to take it from there you have to be "
		"root or its user."},
	{"restore", NULL, "FILE", 1, 1, CTL_HAS(CTL_OPT_CONFIG), ctl_restore,
		"put a copy in the place of the database of a daemon that is stopped",
		"Runs 'lanyardd --restore FILE'. The database that was there is moved aside, "
		"never deleted.\n"
		"At its next start lanyardd sees an older copy: sender numbers start in the next "
		"range, every\n"
		"device has to answer an Echo challenge, and devices whose keys were drawn after "
		"the copy was\n"
		"made are told that there is no context and have to bootstrap again. On another "
		"machine the\n"
		"database is sealed as well: see 'lanyardctl help unseal'."},
	{"unseal", NULL, "", 0, 0, CTL_HAS(CTL_OPT_ONLY_COPY), ctl_unseal,
		"open a database that may be a copy",
		"A database without its anchor (the directory DIR.anchor beside the state "
		"directory) may be\n"
		"a clone of one that runs elsewhere. Two that run would use the same nonces under "
		"the same\n"
		"keys, which gives messages and keys away; so requests get 5.03 until somebody "
		"who knows\n"
		"says so with --only-copy: no other copy of this database runs, has run since "
		"this one was\n"
		"made, or will run. If you have the anchor, stop lanyardd and put it back "
		"instead. If another\n"
		"copy did run, give the devices new credentials.\n"
		"Afterwards sender numbers start in a later range, and every device proves with "
		"an Echo\n"
		"option that it is there before anything is done for it."},
	{"help", NULL, "[COMMAND]", 0, 1, 0, ctl_help_command, "tell about a command", NULL},
	/* For the shell's completion: the commands, or the options of one, each on a line. */
	{"__complete", NULL, "[COMMAND]", 0, 1, 0, ctl_complete, NULL, NULL},
};

enum { COMMAND_N = sizeof(commands) / sizeof(commands[0]) };

const struct ctl_command *ctl_command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_N; i++)
		if (strcmp(commands[i].name, name) == 0 ||
			(commands[i].alias && strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

static const char *format_names(bool of_values)
{
	static char names[200];
	struct writer w = wr_make(names, sizeof(names) - 1);

	ctl_format_names(&w, of_values);
	names[w.n] = '\0';
	return names;
}

static void option_line(int i)
{
	const struct ctl_option *o = &ctl_options[i];
	char left[48];

	snprintf(left, sizeof(left), "%c%c%s --%s %s", o->letter ? '-' : ' ',
		o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
		o->operand ? o->operand : "");
	printf("  %-24s %s%s%s\n", left, o->help, i == CTL_OPT_FORMAT ? " " : "",
		i == CTL_OPT_FORMAT ? format_names(true) : "");
}

static void help_all(void)
{
	printf("usage: lanyardctl [-S PATH] [-j] COMMAND ...\n\ncommands:\n");
	for (size_t i = 0; i < COMMAND_N; i++) {
		char left[48];

		snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].operands);
		if (commands[i].brief)
			printf("  %-36s %s\n", left, commands[i].brief);
	}
	printf("\noptions:\n");
	option_line(CTL_OPT_SOCKET);
	option_line(CTL_OPT_JSON);
	option_line(CTL_OPT_HELP);
	option_line(CTL_OPT_VERSION);
	printf("\n'lanyardctl help COMMAND' tells more. Exit status: 0 good, 1 refused or failed,\n"
	       "2 wrong usage, 3 the daemon cannot be reached.\n");
}

int ctl_help(const char *command)
{
	const struct ctl_command *cmd = command ? ctl_command_find(command) : NULL;

	if (command && (!cmd || !cmd->brief))
		return ctl_usage(NULL, "there is no command %s", command);
	if (!cmd) {
		help_all();
		return CTL_OK;
	}
	printf("usage: lanyardctl %s%s%s [options]\n\n%c%s.\n", cmd->name,
		*cmd->operands ? " " : "", cmd->operands, cmd->brief[0] - 'a' + 'A',
		cmd->brief + 1);
	if (cmd->help)
		printf("%s\n", cmd->help);
	if (cmd->run == ctl_decode)
		printf("Formats, or their numbers: %s;\nand " CTL_FORMATS_MORE ".\n",
			format_names(false));
	printf("\noptions:\n");
	for (int i = 0; i < CTL_OPT_N; i++)
		if (i <= CTL_OPT_HELP || cmd->options & CTL_HAS(i))
			option_line(i);
	return CTL_OK;
}

int ctl_help_command(struct ctl *c)
{
	return ctl_help(c->arg_n ? c->arg[0] : NULL);
}

int ctl_complete(struct ctl *c)
{
	const struct ctl_command *cmd = c->arg_n ? ctl_command_find(c->arg[0]) : NULL;

	if (c->arg_n && !cmd)
		return ctl_usage(NULL, "there is no command %s", c->arg[0]);
	for (size_t i = 0; !cmd && i < COMMAND_N; i++)
		if (commands[i].brief)
			printf("%s\n", commands[i].name);
	for (int i = 0; cmd && i < CTL_OPT_N; i++)
		if (i <= CTL_OPT_HELP || cmd->options & CTL_HAS(i))
			printf("--%s\n", ctl_options[i].name);
	return CTL_OK;
}

int ctl_usage(const struct ctl_command *cmd, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "lanyardctl: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (cmd)
		fprintf(stderr, "; usage: lanyardctl %s%s%s (see lanyardctl help %s)\n", cmd->name,
			*cmd->operands ? " " : "", cmd->operands, cmd->name);
	else
		fprintf(stderr, "; see lanyardctl help\n");
	return CTL_USAGE;
}

int ctl_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "lanyardctl: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_REFUSED;
}
