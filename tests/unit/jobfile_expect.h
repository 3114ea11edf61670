/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What tests expect of job files. */
#include "daemon/spec/jobfile.h"

#define MINIMAL_JOB                                                                                \
    "source: {endpoint: \"10.0.0.241:6379\"}\ntarget: {endpoint: \"10.0.1.7:6379\"}\n"

/* Parses text as the job file orders.yaml. */
void parse_orders(const char *text, struct jobfile *ret);
/* It is right, and has so many jobs. */
void expect_jobs(const struct jobfile *file, unsigned n_specs);
