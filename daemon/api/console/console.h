/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The page at "/", and what it is made of: files that are part of the program. */
#include "lib/http/server.h"

http_handler_fn console_page;  /* GET / */
http_handler_fn console_asset; /* GET /console/{asset} */
