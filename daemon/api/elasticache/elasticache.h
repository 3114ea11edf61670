/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The migration part of the ElastiCache API: POST / with a form for a body, answered with XML. */
#include "lib/http/server.h"

/* Of the route; its argument is the struct api. */
http_handler_fn elasticache_request;
