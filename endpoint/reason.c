/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/reason.h"

#define PROVISION "provision it again with 'lanyardctl provision EP --generate --replace'"

static const struct ep_reason_info table[EP_REASON_COUNT] = {
	[EP_REASON_MALFORMED] = {"malformed",
		"A datagram was no CoAP message and was dropped. Something else may speak to this "
		"port, DTLS for one: check the device's URI, which has to be coap://."},
	[EP_REASON_PROXY] = {"proxying",
		"A request asked us to be a proxy and got 5.05. Give the device our address as its "
		"server, not as a proxy."},
	[EP_REASON_UNKNOWN_OPTION] = {"unknown-option",
		"A request carried a critical CoAP option that we do not know, or that is "
		"malformed, and got 4.02. 'lanyardctl trace EP' shows it; look at the device's "
		"CoAP stack."},
	[EP_REASON_BAD_BLOCK] = {"bad-block",
		"A request carried a malformed Block1 option and got 4.02. Look at the device's "
		"block-wise transfer."},
	[EP_REASON_BODY_INCOMPLETE] = {"body-incomplete",
		"A block arrived whose predecessors did not, and got 4.08. The device has to send "
		"the body from its start; if it never gets through, look at losses on the way and "
		"at its Request-Tag."},
	[EP_REASON_BODY_TOO_LARGE] = {"body-too-large",
		"A body in blocks was longer than [server] body_limit and got 4.13. Raise that, or "
		"have the device list fewer objects."},
	[EP_REASON_NO_PATH] = {"no-path",
		"A request went to a path that is not served here and got 4.04: servers have /rd, "
		"bootstrap servers /bs. Check the URIs and ports the device was given."},
	[EP_REASON_METHOD] = {"method",
		"A request had a method that its path does not serve and got 4.05. Look at the "
		"device's LwM2M client."},
	[EP_REASON_OSCORE_OPTION] = {"bad-oscore-option",
		"A request carried a malformed OSCORE option, more than one, or none of the parts "
		"a request needs, and got 4.02. Look at the device's OSCORE stack."},
	[EP_REASON_OUTER_BLOCKS] = {"proxy-blocks",
		"A proxy cut a protected request into blocks that did not fit together and got "
		"4.08, or that made more than 4096 bytes and got 4.13. Look at the proxy, or let "
		"the device use smaller blocks of its own."},
	[EP_REASON_NO_CONTEXT] = {"no-context",
		"A request named a Sender ID we do not know and got 4.01. The device holds other "
		"credentials than we do: " PROVISION ", or let it bootstrap."},
	[EP_REASON_ID_CONTEXT] = {"id-context",
		"A request named a Sender ID we know with an ID Context we do not, and got 4.01. "
		"Compare the ID Context on both sides ('lanyardctl credentials EP'), or " PROVISION
		"."},
	[EP_REASON_REPLAY] = {"replay",
		"A request carried a Partial IV that was used before and got 4.01. If the device "
		"lost its sequence number, it needs new keys, since there is no safe way to set a "
		"window back: let it bootstrap, or " PROVISION ". This is looked at before the "
		"keys: wrong ones can look the same."},
	[EP_REASON_OLD_NUMBER] = {"old-number",
		"A request with a number from before our last unclean stop came and was dropped. "
		"A later request of the device will do: nothing has to be done.",
		true},
	[EP_REASON_DECRYPT] = {"decryption-failed",
		"A request did not decrypt and got 4.00: the keys differ, or somebody forges. "
		"Compare Master Secret, Master Salt, ids, ID Context and algorithms on both sides, "
		"or " PROVISION "."},
	[EP_REASON_FORGERIES] = {"forgeries",
		"So many messages failed to decrypt under these keys that only a few are tried "
		"each second (or none, with [oscore] key_limit_stop); others were dropped. "
		"Somebody "
		"forges: let the device bootstrap for new keys, or " PROVISION "."},
	[EP_REASON_KEY_LIMIT] = {"key-limit",
		"The keys have encrypted as many messages as they may: requests under them get "
		"4.01, and none of ours goes out. A registered device is told to bootstrap; let it "
		"bootstrap, or " PROVISION "."},
	[EP_REASON_PLAINTEXT] = {"bad-plaintext",
		"A request decrypted well, but what was inside is no CoAP request; it got 4.02. "
		"Look at the device's OSCORE stack."},
	[EP_REASON_ROLE] = {"wrong-role",
		"A bootstrap context was used at the server, or a server context at the bootstrap "
		"server; it got 4.01. Check the URIs and ports the device was given, and the "
		"--role "
		"its credentials were provisioned with."},
	[EP_REASON_CHALLENGED] = {"challenged",
		"The device was asked to prove with an Echo option that its request is fresh, and "
		"has not done so. If it never does, it may not know Echo: 'lanyardctl help set' "
		"tells of the freshness setting.",
		true},
	[EP_REASON_RECOVERING] = {"recovering",
		"New keys were offered (RFC 8613 Appendix B.2), because the device asked for them, "
		"or the freshness setting did, or the device could not read our requests; it has "
		"not taken them. If it never does, it may not know that procedure: 'lanyardctl "
		"help "
		"set' tells of the freshness setting."},
	[EP_REASON_NO_ECHO] = {"no-echo",
		"The device ignored the Echo challenge and was accepted: its keys were drawn here "
		"and nothing was ever done under them. Nothing has to be done.",
		true},
	[EP_REASON_NOSEC] = {"nosec-refused",
		"A request came without protection and got 4.01. Provision the device for OSCORE, "
		"or allow unprotected endpoints by listener (nosec), by [server] nosec_endpoints, "
		"or one by one ('lanyardctl set EP nosec=true'). Bootstrap is always protected."},
	[EP_REASON_PSK_IDENTITY] = {"psk-identity",
		"A DTLS or TLS handshake named a PSK identity that no endpoint has in the role of "
		"that listener, and was not finished; the device was not told why. Compare the "
		"identity on both sides, and whether it was provisioned for the bootstrap server "
		"or the server: 'lanyardctl psk EP' tells."},
	[EP_REASON_PSK_KEY] = {"psk-key",
		"A DTLS or TLS handshake named the PSK identity of the endpoint and did not come "
		"to "
		"its end: the keys differ, somebody else tried, or messages were lost. Compare the "
		"key, or give a new one with 'lanyardctl psk EP --generate'."},
	[EP_REASON_HANDSHAKE] = {"handshake",
		"A DTLS or TLS handshake failed: the device offered no version, cipher suite or "
		"curve that is served here, or something was malformed. lanyard.conf(5) lists what "
		"is served; compare the device's configuration."},
	[EP_REASON_CERTIFICATE_MISSING] = {"certificate-missing",
		"A DTLS or TLS handshake with certificates came to the point where the client has "
		"to show its own, and it showed none. Give the device a certificate, or a PSK."},
	[EP_REASON_CERTIFICATE_ISSUER] = {"certificate-issuer",
		"A client's certificate was signed by no CA that the listener trusts, or is not "
		"meant for clients, and the handshake was refused; the name in it proves nothing. "
		"Compare ca_file of the listener with the issuer, and whether the device sends the "
		"certificates between; or name this one by its fingerprint: 'lanyardctl "
		"certificate EP --pem CERTIFICATE'."},
	[EP_REASON_CERTIFICATE_TIME] = {"certificate-expired",
		"A client's certificate has expired or is not valid yet, and the handshake was "
		"refused with an alert after which devices try again. Give the device a new one, "
		"or look at the clock of this machine."},
	[EP_REASON_CERTIFICATE_REVOKED] = {"certificate-revoked",
		"A client's certificate is in the revocation list of its CA (crl_file), and the "
		"handshake was refused. If the device is still yours, give it a new one."},
	[EP_REASON_CERTIFICATE_CRL] = {"certificate-crl",
		"A client's certificate was refused because crl_file of the listener has no "
		"revocation list of its CA, or an outdated one. Fetch the current list and reload "
		"(SIGHUP)."},
	[EP_REASON_CERTIFICATE_WEAK] = {"certificate-weak",
		"A client's certificate, or one above it, has a key or a signature that is too "
		"weak: devices need a key of the curve secp256r1, CAs at least that or RSA of 2048 "
		"bits, with SHA-256. Give the device a new one."},
	[EP_REASON_CERTIFICATE_NAME] = {"certificate-name",
		"A client's certificate is good, but neither its common name nor a DNS name or URI "
		"in it is an endpoint that may come by certificate here. Provision that endpoint, "
		"or say whose it is with 'lanyardctl certificate EP', or look at 'certificates' of "
		"the listener."},
	[EP_REASON_CERTIFICATE_OTHER] = {"certificate-other",
		"A client's certificate is good and names the endpoint, but another one was given "
		"to it: 'lanyardctl certificate EP' tells which. Give it the new one, or take the "
		"old one away with --delete."},
	[EP_REASON_RAW_KEY] = {"raw-key",
		"A DTLS or TLS handshake came with a raw public key that no endpoint has in the "
		"role of that listener, and was refused. Compare the key with 'lanyardctl rpk "
		"EP'."},
	[EP_REASON_CREDENTIAL_GONE] = {"credential-gone",
		"A request came by a DTLS or TLS session that was opened with a PSK, certificate "
		"or raw public key that has been replaced or removed since, and got 4.01. The "
		"device has to make a new handshake, with what it has now."},
	[EP_REASON_WEAK] = {"weak-channel",
		"A request was protected, but by less than the listener or the endpoint requires, "
		"and "
		"got 4.01: OSCORE where DTLS is wanted too, or DTLS, or that of another endpoint, "
		"where OSCORE is. Look at 'require' of the listener, and of the endpoint "
		"('lanyardctl set EP require=...')."},
	[EP_REASON_EP_MISMATCH] = {"ep-mismatch",
		"The endpoint name in a request is not the one its credentials belong to; it got "
		"4.00. If the device uses another name, say so: 'lanyardctl set EP rd_ep=NAME', or "
		"bs_ep where it bootstraps."},
	[EP_REASON_EP_MISSING] = {"ep-missing",
		"An unprotected Register named no endpoint and got 4.00. The device has to send "
		"ep=NAME."},
	[EP_REASON_PARAMETERS] = {"bad-parameters",
		"The parameters of a request (ep, lt, lwm2m, b, sms, pct) were malformed; it got "
		"4.00. 'lanyardctl trace EP' shows them; look at the device's LwM2M client."},
	[EP_REASON_VERSION] = {"version",
		"A Register asked for a LwM2M version we do not serve and got 4.12. We serve 1.0, "
		"1.1 and 1.2: set the device to one of them."},
	[EP_REASON_NO_LIFETIME] = {"no-lifetime",
		"A Register of LwM2M 1.1 had no lifetime and got 4.00. The device has to send "
		"lt=SECONDS."},
	[EP_REASON_LIST_FORMAT] = {"list-format",
		"The object list of a Register or Update was in a format other than "
		"application/link-format "
		"(40); it got 4.00. Look at the device's LwM2M client."},
	[EP_REASON_NO_LIST] = {"no-list",
		"A Register had no object list and got 4.00, or 4.09 with LwM2M 1.2, whose "
		"profiles (pid) are not known here yet: the device then sends its whole list, "
		"which is learned."},
	[EP_REASON_BAD_LIST] = {"bad-list",
		"The object list of a Register or Update was malformed; it got 4.00. 'lanyardctl "
		"trace EP' shows it; look at the device's LwM2M client."},
	[EP_REASON_LIST_TOO_LARGE] = {"list-too-large",
		"The object list of a Register or Update was longer than can be stored and got "
		"4.13. Have the device list fewer instances."},
	[EP_REASON_NO_REGISTRATION] = {"no-registration",
		"An Update or De-register named a registration that is gone, or another's, and got "
		"4.04. The device should register anew by itself; if it does not, restart it."},
	[EP_REASON_SEND_UNREGISTERED] = {"send-unregistered",
		"A Send came from a device that is not registered and got 4.00; unprotected, it "
		"may "
		"also share its address with another device. It should register first."},
	[EP_REASON_SEND_PAYLOAD] = {"send-payload",
		"The payload of a Send could not be read and got 4.00, or holds a value that is "
		"too "
		"long to be told and got 4.13. It takes SenML JSON, SenML CBOR and LwM2M CBOR."},
	[EP_REASON_SEND_UNKNOWN] = {"send-unknown",
		"A Send held values of an Object Instance that the device has not registered and "
		"got "
		"4.04. Have it list the Instance in an Update before it sends."},
	[EP_REASON_STORAGE] = {"storage",
		"Requests get 5.03 because nothing can be stored. 'lanyardctl status' says why; it "
		"goes on by itself when storage works again."},
	[EP_REASON_SEALED] = {"sealed",
		"Every request gets 5.03, because the database may be a copy: 'lanyardctl status' "
		"says why, 'lanyardctl help unseal' what to do."},
	[EP_REASON_OVERLOAD] = {"overload",
		"A request got 5.03 or no answer because memory or another bound was reached. The "
		"device tries again by itself; if it goes on, look at the daemon's memory and for "
		"peers that flood it."},
	[EP_REASON_NO_PLAN] = {"no-plan",
		"The device asked for bootstrap, but there is no plan for it: set [bootstrap] uri, "
		"or give it a plan of its own with 'lanyardctl plan EP set FILE'."},
	[EP_REASON_PLAN_FORMAT] = {"plan-format",
		"The device asked for its bootstrap in a content format (pct) that cannot hold it, "
		"and got 4.15. It has to ask for TLV, SenML JSON, SenML CBOR or LwM2M JSON, or "
		"for none."},
	[EP_REASON_NO_PACK] = {"no-pack",
		"The device asked for a Bootstrap-Pack and got none: [bootstrap] pack is off "
		"(5.01), "
		"its plan keeps accounts of other servers, which a Pack would delete (4.05), or it "
		"wants another format than SenML JSON, SenML CBOR or LwM2M CBOR (4.06). It goes on "
		"with a Bootstrap-Request.",
		true},
	[EP_REASON_BOOTSTRAP_FAILED] = {"bootstrap-failed",
		"A bootstrap ended early. 'lanyardctl trace EP' shows what the device answered; it "
		"has to ask again."},
	[EP_REASON_UNPROTECTED_ANSWER] = {"unprotected-answer",
		"An answer to our protected request came unprotected and was ignored. The device "
		"may have lost its keys, a proxy may not reach it, or somebody forges: "
		"'lanyardctl trace EP' shows the code. If it does not register again, " PROVISION
		"."},
	[EP_REASON_ANSWER_DECRYPT] = {"answer-decryption-failed",
		"An answer to our request did not decrypt and was ignored: the keys differ, or "
		"somebody forges. If it goes on, " PROVISION "."},
	[EP_REASON_ANSWER_OPTION] = {"answer-option",
		"An answer carried a critical CoAP option that we do not know, or that is "
		"malformed, and was rejected. Look at the device's CoAP stack."},
	[EP_REASON_ANSWER_ADDRESS] = {"answer-address",
		"An unprotected answer came from another address than the request went to and was "
		"ignored: a NAT on the way forgot, or somebody forges. An Update of the device "
		"tells its new address; OSCORE does not depend on addresses."},
	[EP_REASON_ANSWER_BLOCKS] = {"answer-proxy-blocks",
		"A proxy cut an answer to our request into blocks that did not fit together; they "
		"were ignored. Look at the proxy."},
	[EP_REASON_NO_ANSWER] = {"no-answer",
		"The device did not answer a request of ours. It may be asleep, unreachable behind "
		"a firewall that has closed, or gone: wait for its next Update, or have it use "
		"queue mode or shorter lifetimes."},
	[EP_REASON_EXHAUSTED] = {"exhausted",
		"Our sender sequence numbers under these keys are used up: let the device "
		"bootstrap, or " PROVISION "."},
	[EP_REASON_TOO_LONG] = {"too-long",
		"A message of ours would have been longer than its gateway, or its settings, "
		"allow, "
		"even in the smallest blocks, and was not sent. Ask for less at once, or raise the "
		"MTU of the [gateway NAME] if its network takes more."},
};

const struct ep_reason_info *ep_reason_info(enum ep_reason r)
{
	return &table[r];
}

void ep_tally_count(struct ep_tally *t, enum ep_reason r, bool stray, int64_t wall_ms)
{
	if (!t)
		return;
	t->row[r].all++;
	if (!stray)
		return;
	t->row[r].strays++;
	t->row[r].stray_wall_ms = wall_ms;
}
