/* SPDX-License-Identifier: Apache-2.0 */
/* What several routes answer or log. */
#include "daemon/api/private.h"
#include "daemon/migration/migration.h"
#include "lib/base/log.h"

void api_no_such_job(struct http_request *request, const char *id)
{
    http_respond_error(
        request, 404, "no-such-job",
        "ecmigratectl list shows all jobs, ecmigratectl events the files that were refused.",
        "there is no job '%.80s'", id);
}

void api_log_asked(const struct api *api, const struct http_request *request,
                   const struct migration *m, const char *what)
{
    const char *id = migration_id(m);
    struct log_field field = {"job", id};

    log_write(api->deps.log, LEVEL_INFO, &field, 1, "job '%s': %s asked for by %s", id, what,
              api_caller(request)->name);
}
