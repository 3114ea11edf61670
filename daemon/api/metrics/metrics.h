/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* GET /metrics, in the text format of Prometheus. A scrape asks no node anything. */
#include "lib/http/server.h"

struct api;

http_handler_fn api_metrics;

/* A request is over. name: what was asked for, static; status: of its answer, 0: there was none. */
void api_count_request(struct api *api, const char *name, unsigned status);
