/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/console/console.h"

#include "daemon/api/console/assets.h"
#include "lib/base/base.h"
#include "lib/http/request.h"

/* Nothing from elsewhere, no markup or script but that of the files, and no page around this one.
 */
static const struct header {
    const char *name, *value;
} headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
     "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static void respond(struct http_request *request, const char *name)
{
    struct asset asset;

    if (!asset_find(name, &asset)) {
        http_respond_error(request, 404, "no-such-path", NULL, "there is nothing at '%.120s'",
                           http_request_path(request));
        return;
    }
    for (size_t i = 0; i < array_len(headers); i++)
        http_request_add_header(request, headers[i].name, headers[i].value);
    http_respond_data(request, 200, asset.content_type, asset.data, asset.len);
}

void console_page(struct http_request *request, void *arg)
{
    (void)arg;
    respond(request, "console.html");
}

void console_asset(struct http_request *request, void *arg)
{
    (void)arg;
    respond(request, http_request_param(request, "asset"));
}
