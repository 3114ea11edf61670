/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The errors of the ElastiCache API, as its clients know them: one row each, in fault.c. */
#include "lib/http/request.h"

enum elasticache_fault {
    FAULT_GROUP_NOT_FOUND,
    FAULT_GROUP_STATE,
    FAULT_ALREADY_UNDER_MIGRATION,
    FAULT_NOT_UNDER_MIGRATION,
    FAULT_PARAMETER_VALUE,
    FAULT_PARAMETER_COMBINATION,
    FAULT_MISSING_PARAMETER,
    FAULT_MISSING_ACTION,
    FAULT_INVALID_ACTION,
    FAULT_VERSION,   /* of the API */
    FAULT_MALFORMED, /* the body is no form */
    FAULT_INCOMPLETE_SIGNATURE,
    FAULT_MISSING_TOKEN,   /* no signature at all */
    FAULT_UNKNOWN_KEY,     /* the access key */
    FAULT_SIGNATURE,       /* does not match */
    FAULT_REQUEST_EXPIRED, /* the date of the signature is too far from now */
    FAULT_ACCESS_DENIED,   /* the key may not do this */
    FAULT_UNAVAILABLE,     /* could not be made durable, or read */
    FAULT_MAX
};

/* Answers request with the fault's status and an XML ErrorResponse. */
void elasticache_respond_fault(struct http_request *request, enum elasticache_fault fault,
                               const char *fmt, ...) __attribute__((format(printf, 3, 4)));
