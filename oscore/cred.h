/* SPDX-License-Identifier: Apache-2.0 */
/* Authentication credentials of a group's members (RFC 10021 section 2.4). They are opaque bytes,
 * of which nothing but the public key is ever taken out. */
#ifndef LANYARD_OSCORE_CRED_H
#define LANYARD_OSCORE_CRED_H

#include "oscore/sign.h"

enum { OSC_CRED_MAX = 2048 };

/* The COSE header parameters of the same formats (RFC 9528 section 9.6, RFC 9360). */
enum osc_cred_format { OSC_CRED_CCS = 14, OSC_CRED_X509 = 33 };

/* The public key of a credential: of a CWT Claims Set (an untagged map with cnf and a COSE_Key in
 * it), or of a certificate. ERR_SYNTAX: malformed, a key named twice, nested too deep, of
 * indefinite length, or bytes behind it; ERR_RANGE: above OSC_CRED_MAX, or a key as osc_pkey_public
 * refuses; ERR_CONFLICT: the key says that it is for another algorithm than its curve's;
 * ERR_UNSUPPORTED: a format or a kind of key that we do not have; ERR_NOTFOUND: no key in it;
 * ERR_NOMEM. */
MUST_USE enum err osc_cred_key(
	enum osc_cred_format format, struct span cred, struct osc_pkey **out);

#endif
