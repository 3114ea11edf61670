/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a fuzz target gives to the driver: what is done with an input, and inputs to begin with. */
#include <stddef.h>
#include <stdint.h>

/* Aborts when something is wrong. Returns 0. The name is the one libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const char *const fuzz_seeds[]; /* ended by NULL */
