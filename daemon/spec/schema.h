/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The keys of a job file. */
#include "lib/yaml/schema.h"

extern const struct schema job_schema; /* of struct spec */
