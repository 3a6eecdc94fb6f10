/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANYARD_BASE_ERR_H
#define LANYARD_BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

/* What every fallible function returns. Protocol codes are the engines' choice. */
enum err {
	ERR_OK = 0,
	ERR_NOMEM,       /* an allocation failed */
	ERR_SHORT,       /* the input ends too early */
	ERR_SYNTAX,      /* the input does not fit its grammar */
	ERR_RANGE,       /* a value outside its range */
	ERR_SPACE,       /* the output buffer is too small */
	ERR_NOTFOUND,    /* no such thing */
	ERR_EXISTS,      /* it is there already */
	ERR_LIMIT,       /* a bounded resource is used up */
	ERR_AUTH,        /* authentication or decryption failed */
	ERR_REPLAY,      /* this Partial IV was seen, or is too old */
	ERR_STATE,       /* not now: the object is in the wrong state */
	ERR_UNSUPPORTED, /* well-formed, but not something we do */
	ERR_CONFLICT,    /* somebody else changed it, or it contradicts another */
	ERR_IO,          /* the system failed an input or output call */
	ERR_FULL,        /* no space left on the device */
	ERR_BUSY,        /* held by another process */
	ERR_NEWER,       /* written by a newer version of this program */
	ERR_READONLY,    /* cannot be written */
	ERR_CORRUPT,     /* stored data contradicts itself */
	ERR_SEALED,      /* not before an operator has confirmed it */
};

/* A short lower-case English text; static storage. */
const char *err_text(enum err e);

#endif
