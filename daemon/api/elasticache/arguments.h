/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What a request gives to its operation: one table says how each parameter is read. Pure. */
#include "daemon/api/elasticache/query.h"
#include "lib/net/endpoint.h"

#define ARGUMENT_NO_TIME INT64_MIN

/* Parameters, for sets of them. */
enum parameter {
    PARAMETER_GROUP = 1 << 0,
    PARAMETER_ENDPOINTS = 1 << 1,
    PARAMETER_FORCE = 1 << 2,
    PARAMETER_MAX_RECORDS = 1 << 3,
    PARAMETER_MARKER = 1 << 4,
    PARAMETER_SOURCE_IDENTIFIER = 1 << 5,
    PARAMETER_SOURCE_TYPE = 1 << 6,
    PARAMETER_START_TIME = 1 << 7,
    PARAMETER_END_TIME = 1 << 8,
    PARAMETER_DURATION = 1 << 9,
};

/* Strings are borrowed from the query, and NULL where they were not given. */
struct arguments {
    const char *group;
    struct endpoint source; /* of the migration; host "": not given */
    bool force;
    int64_t max_records;
    const char *marker;
    const char *source_identifier, *source_type; /* of events */
    int64_t start_ms, end_ms;                    /* wall clock; ARGUMENT_NO_TIME: not given */
    int64_t duration_minutes;                    /* 0: not given */
};

/* required, optional: sets of parameters; all others are passed over. ERR_NOT_FOUND: a required one
 * is missing. ERR_INVALID: the value of one cannot be. */
int arguments_read(const struct query *query, unsigned required, unsigned optional,
                   struct arguments *ret, struct err *err) must_check;
