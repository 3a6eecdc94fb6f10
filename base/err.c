/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

const char *err_text(enum err e)
{
	switch (e) {
	case ERR_OK:
		return "no error";
	case ERR_NOMEM:
		return "out of memory";
	case ERR_SHORT:
		return "input ends too early";
	case ERR_SYNTAX:
		return "malformed input";
	case ERR_RANGE:
		return "value out of range";
	case ERR_SPACE:
		return "output buffer too small";
	case ERR_NOTFOUND:
		return "not found";
	case ERR_EXISTS:
		return "exists already";
	case ERR_LIMIT:
		return "limit reached";
	case ERR_AUTH:
		return "authentication failed";
	case ERR_REPLAY:
		return "replayed message";
	case ERR_STATE:
		return "wrong state";
	case ERR_UNSUPPORTED:
		return "not supported";
	case ERR_CONFLICT:
		return "conflict";
	case ERR_IO:
		return "input or output failed";
	case ERR_FULL:
		return "no space left on the device";
	case ERR_BUSY:
		return "held by another process";
	case ERR_NEWER:
		return "written by a newer version";
	case ERR_READONLY:
		return "read-only";
	case ERR_CORRUPT:
		return "stored data is corrupt";
	case ERR_SEALED:
		return "sealed until an operator confirms";
	}
	return "unknown error";
}
