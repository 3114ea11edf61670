/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The envelope around every answer. */
#include "daemon/api/elasticache/xml.h"
#include "lib/http/request.h"

#define ELASTICACHE_VERSION "2015-02-02"
#define ELASTICACHE_XMLNS "http://elasticache.amazonaws.com/doc/" ELASTICACHE_VERSION "/"

/* <XResponse><XResult>, for the action X. What is written from here on is the result. */
void answer_begin(struct xml *xml, const char *action);
/* Closes the envelope, answers request, and frees what xml holds. */
void answer_end(struct xml *xml, struct http_request *request);

/* The id that this request gets: in the header of its answer, and returned in buf for the body. */
#define REQUEST_ID_MAX 37
const char *answer_request_id(struct http_request *request, char buf[REQUEST_ID_MAX]);
