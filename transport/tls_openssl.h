/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's headers. One of its types has the name of one of our errors. Private to transport/. */
#ifndef LANYARD_TRANSPORT_TLS_OPENSSL_H
#define LANYARD_TRANSPORT_TLS_OPENSSL_H

#include "base/err.h"

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

/* Raw public keys (RFC 7250). */
#define TLS_RAW_KEYS (OPENSSL_VERSION_NUMBER >= 0x30200000L)

#endif
