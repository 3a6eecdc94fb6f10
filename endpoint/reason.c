/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint/reason.h"

static const struct ep_reason_info table[EP_REASON_COUNT] = {
	[EP_REASON_MALFORMED] = {"malformed", "A datagram was no CoAP message and was dropped."},
	[EP_REASON_BAD_OPTION] = {"bad-option",
		"A request carried a malformed OSCORE option or an option we must understand and "
		"do "
		"not; it got 4.02. Look at the device's CoAP stack."},
	[EP_REASON_NO_CONTEXT] = {"no-context",
		"A request named a Sender ID we do not know and got 4.01. The device holds other "
		"credentials than we do: provision it again, or let it bootstrap."},
	[EP_REASON_REPLAY] = {"replay",
		"A request carried a Partial IV that was used before and got 4.01. If the device "
		"lost its sequence number, it needs new credentials or a bootstrap; there is no "
		"safe way to set a window back. This is looked at before the keys: wrong ones can "
		"look the same."},
	[EP_REASON_SEALED] = {"sealed",
		"A request from before our last unclean stop came again and was dropped; a new "
		"request from the device will do."},
	[EP_REASON_DECRYPT] = {"decryption-failed",
		"A request did not decrypt and got 4.00: the keys differ, or somebody forges. "
		"Compare "
		"Master Secret, Master Salt, ids and ID Context on both sides."},
	[EP_REASON_ROLE] = {"wrong-role",
		"A bootstrap context was used at the server, or a server context at the bootstrap "
		"server; it got 4.01. Check the URIs and ports the device was given."},
	[EP_REASON_CHALLENGED] = {"challenged",
		"The device was asked to prove with an Echo option that its request is fresh. If "
		"it "
		"never answers that, it may not know Echo: see the freshness setting."},
	[EP_REASON_NO_ECHO] = {"no-echo", "The device ignored the Echo challenge and was accepted: "
					  "its keys were drawn here and "
					  "nothing was ever done under them."},
	[EP_REASON_NOSEC] = {"nosec-refused",
		"A request came without protection and got 4.01. Unprotected endpoints are allowed "
		"by "
		"listener, by [server] nosec_endpoints, or one by one."},
	[EP_REASON_EP_MISMATCH] = {"ep-mismatch",
		"The endpoint name in a request is not the one its credentials belong to; it got "
		"4.00. Set rd_ep or bs_ep if the device uses another name."},
	[EP_REASON_EP_UNKNOWN] = {"ep-unknown",
		"A request named an endpoint that is not provisioned, or none; it got 4.00."},
	[EP_REASON_VERSION] = {"version", "A Register asked for a LwM2M version we do not serve "
					  "and got 4.12. We serve 1.0 and "
					  "1.1."},
	[EP_REASON_BAD_REQUEST] = {"bad-request",
		"Parameters or object list of a Register or Update were malformed; it got 4.00."},
	[EP_REASON_NO_REGISTRATION] = {"no-registration",
		"An Update or De-register named a registration that is gone and got 4.04; the "
		"device "
		"should register anew."},
	[EP_REASON_STORAGE] = {"storage",
		"Requests got 5.03 because nothing can be stored. See status for the cause."},
	[EP_REASON_OVERLOAD] = {"overload", "Requests got 5.03 because a bound was reached."},
	[EP_REASON_NO_PLAN] = {"no-plan", "The device asked for bootstrap, but there is no plan "
					  "for it: set [bootstrap] uri, or "
					  "give it a plan of its own."},
	[EP_REASON_BOOTSTRAP_FAILED] = {"bootstrap-failed",
		"A bootstrap ended early; its last result says why."},
	[EP_REASON_UNPROTECTED_ANSWER] = {"unprotected-answer",
		"An answer to our protected request came unprotected and was ignored. The device "
		"may "
		"have lost its context, or somebody forges."},
	[EP_REASON_ANSWER_DECRYPT] = {"answer-decryption-failed",
		"An answer to our request did not decrypt and was ignored."},
	[EP_REASON_NO_ANSWER] = {"no-answer",
		"The device did not answer a request of ours. It may be asleep, unreachable behind "
		"a firewall that has closed, or gone."},
	[EP_REASON_EXHAUSTED] = {"exhausted",
		"Our sender sequence numbers under this context are used up: bootstrap the device "
		"again."},
};

const struct ep_reason_info *ep_reason_info(enum ep_reason r)
{
	return &table[r];
}
