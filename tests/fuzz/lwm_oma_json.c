/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/lwm_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_format(LWM_CF_JSON, data, size);
	return 0;
}
