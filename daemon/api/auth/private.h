/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the files of this directory share. */
#include "daemon/api/private.h"

/* refusal.c: who is at the other end. */
void guard_format_peer(const struct http_peer *peer, char *buf, size_t size);
/* refusal.c: some a minute go to the log; the others are counted. why: fit for a log. */
void guard_log_refusal(struct api *api, const struct http_request *request,
                       const struct http_route *route, const char *why);

/* signed.c: a request of the ElastiCache API. check: against our access keys; else any well-formed
 * signature will do, and the caller's rights are left as they are. */
bool guard_admit_signed(struct api *api, struct http_request *request,
                        const struct http_route *route, bool check, struct api_caller *ret);
