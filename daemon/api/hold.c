/* SPDX-License-Identifier: Apache-2.0 */
/* What must end before the api can. */
#include "daemon/api/private.h"

void api_hold(struct api *api)
{
    api->busy++;
}

void api_release(struct api *api)
{
    assert(api->busy > 0);
    if (--api->busy > 0 || !api->stopping)
        return;
    if (api->closed)
        api->closed(api->closed_arg);
    credentials_free(api->credentials);
    tls_pem_clear(&api->tls);
    free(api->event_frame.text);
    free(api);
}
