/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of TLV items: bits 7-6 of the type byte. Internal to lwm2m/. */
#ifndef LANYARD_LWM2M_TLV_H
#define LANYARD_LWM2M_TLV_H

enum tlv_kind {
	TLV_INSTANCE, /* an Object Instance; holds Resources */
	TLV_ENTRY,    /* a Resource Instance */
	TLV_MULTIPLE, /* a multiple Resource; holds Resource Instances */
	TLV_RESOURCE, /* a Resource with its value */
};

#endif
