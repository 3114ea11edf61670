/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to a verb says that it will be carried out whatever happens to the daemon, so it is
 * given once the edge is durable.
 */
#include "daemon/api/private.h"
#include "daemon/job/registry.h"

#define LOOK_MS 1
#define PATIENCE_MS 10000

struct settle {
    uv_timer_t timer;
    struct api *api;              /* held */
    struct http_request *request; /* borrowed, until it is over */
    api_settled_fn *settled;
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

static void look(uv_timer_t *timer)
{
    struct settle *s = container_of(timer, struct settle, timer);
    const struct migration *m = registry_find(s->api->deps.registry, s->id);
    bool busy = m && migration_busy(m);

    if (busy && uv_now(timer->loop) - s->since_ms < PATIENCE_MS)
        return;
    uv_timer_stop(timer);
    s->settled(s->request, s->id, m, !busy);
}

void api_when_durable(struct api *api, struct http_request *request, const struct migration *m,
                      api_settled_fn *settled)
{
    struct settle *s;

    if (!migration_busy(m)) {
        settled(request, migration_id(m), m, true);
        return;
    }
    s = xcalloc(1, sizeof(*s));
    s->api = api;
    s->request = request;
    s->settled = settled;
    (void)str_copy(s->id, sizeof(s->id), migration_id(m));
    s->since_ms = uv_now(api->loop);
    api_hold(api);
    uv_timer_init(api->loop, &s->timer);
    uv_timer_start(&s->timer, look, LOOK_MS, LOOK_MS);
    http_request_on_release(request, released, s);
}
