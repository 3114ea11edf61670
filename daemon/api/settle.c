/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to a verb: 202 says that it will be carried out whatever happens to the daemon, so it
 * is given once the edge is durable.
 */
#include "daemon/api/private.h"
#include "daemon/api/view_job.h"
#include "daemon/job/registry.h"

#define LOOK_MS 1
#define PATIENCE_MS 10000

struct settle {
    uv_timer_t timer;
    struct api *api;              /* held */
    struct http_request *request; /* borrowed, until it is over */
    char id[SPEC_ID_MAX + 1];
    uint64_t since_ms;
};

static void closed(uv_handle_t *handle)
{
    struct settle *s = container_of(handle, struct settle, timer);
    struct api *api = s->api;

    free(s);
    api_release(api);
}

static void released(void *arg)
{
    struct settle *s = arg;

    uv_close((uv_handle_t *)&s->timer, closed);
}

static void answer(struct http_request *request, const struct migration *m)
{
    struct migration_view view;

    migration_view(m, &view);
    http_respond_json(request, 202, view_job(&view));
}

static void look(uv_timer_t *timer)
{
    struct settle *s = container_of(timer, struct settle, timer);
    const struct migration *m = registry_find(s->api->deps.registry, s->id);

    if (m && migration_busy(m) && uv_now(timer->loop) - s->since_ms < PATIENCE_MS)
        return;
    uv_timer_stop(timer);
    if (!m)
        api_no_such_job(s->request, s->id);
    else if (migration_busy(m))
        http_respond_error(s->request, 503, "not-durable",
                           "Look at the job's reason; the verb is carried out as soon as it can be "
                           "recorded, unless the daemon is stopped before.",
                           "job '%s': the verb could not be recorded yet", s->id);
    else
        answer(s->request, m);
}

void api_answer_when_durable(struct api *api, struct http_request *request,
                             const struct migration *m)
{
    struct settle *s;

    if (!migration_busy(m)) {
        answer(request, m);
        return;
    }
    s = xcalloc(1, sizeof(*s));
    s->api = api;
    s->request = request;
    (void)str_copy(s->id, sizeof(s->id), migration_id(m));
    s->since_ms = uv_now(api->loop);
    api_hold(api);
    uv_timer_init(api->loop, &s->timer);
    uv_timer_start(&s->timer, look, LOOK_MS, LOOK_MS);
    http_request_on_release(request, released, s);
}
