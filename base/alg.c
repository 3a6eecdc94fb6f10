/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alg.h"

#include <strings.h>

static const struct alg {
	int cose, hmac;
	const char *name;
} aeads[] =
	{
		{10, 0, "AES-CCM-16-64-128"},
		{11, 0, "AES-CCM-16-64-256"},
		{12, 0, "AES-CCM-64-64-128"},
		{13, 0, "AES-CCM-64-64-256"},
		{30, 0, "AES-CCM-16-128-128"},
		{31, 0, "AES-CCM-16-128-256"},
		{32, 0, "AES-CCM-64-128-128"},
		{33, 0, "AES-CCM-64-128-256"},
		{1, 0, "A128GCM"},
		{2, 0, "A192GCM"},
		{3, 0, "A256GCM"},
		{24, 0, "ChaCha20/Poly1305"},
		{0, 0, NULL},
},
  hkdfs[] = {
	  {ALG_HKDF_SHA256, 5, "HKDF-SHA-256"},
	  {ALG_HKDF_SHA512, 7, "HKDF-SHA-512"},
	  {ALG_HKDF_SHA256, 5, "direct+HKDF-SHA-256"},
	  {ALG_HKDF_SHA512, 7, "direct+HKDF-SHA-512"},
	  {0, 0, NULL},
};

static const struct alg *by_number(const struct alg *a, int cose)
{
	while (a->name && a->cose != cose)
		a++;
	return a;
}

static bool by_name(const struct alg *a, struct span name, int *cose)
{
	for (; a->name; a++)
		if (span_str(a->name).n == name.n &&
			strncasecmp(a->name, (const char *)name.p, name.n) == 0) {
			*cose = a->cose;
			return true;
		}
	return false;
}

const char *alg_aead_name(int cose)
{
	return by_number(aeads, cose)->name;
}

const char *alg_hkdf_name(int cose)
{
	return by_number(hkdfs, cose)->name;
}

bool alg_aead_by_name(struct span name, int *cose)
{
	return by_name(aeads, name, cose);
}

bool alg_hkdf_by_name(struct span name, int *cose)
{
	return by_name(hkdfs, name, cose);
}

bool alg_hkdf_read(int64_t number, int *hkdf)
{
	for (const struct alg *a = hkdfs; a->name; a++)
		if (number == a->cose || number == a->hmac) {
			*hkdf = a->cose;
			return true;
		}
	return false;
}

int alg_hmac_number(int hkdf)
{
	return by_number(hkdfs, hkdf)->hmac;
}
