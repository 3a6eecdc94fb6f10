/* SPDX-License-Identifier: Apache-2.0 */
/* Where the devices of a process come from: one configuration, a file of many, or a seed. */
#ifndef LANYARD_CMD_DEVICE_FLEET_H
#define LANYARD_CMD_DEVICE_FLEET_H

#include "cmd/device_options.h"

typedef enum err device_each_fn(void *arg, uint32_t index, const struct dev_credentials *c);

/* Calls `each` for the credentials of every device, in order. Says on standard error what is wrong.
 * ERR_STATE for bad credentials, else what `each` returned. */
MUST_USE enum err device_fleet_each(
	const struct device_options *o, device_each_fn *each, void *arg);
/* --fleet-credentials. */
MUST_USE enum err device_fleet_print(const struct device_options *o);

#endif
