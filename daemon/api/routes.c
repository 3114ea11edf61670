/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes, and the handlers that only look. */
#include "daemon/api/console/console.h"
#include "daemon/api/elasticache/elasticache.h"
#include "daemon/api/metrics/metrics.h"
#include "daemon/api/private.h"
#include "daemon/api/view_fsm.h"
#include "daemon/api/view_job.h"
#include "daemon/job/registry.h"
#include "lib/http/json_text.h"

/* --- GET /v1/jobs: made piece by piece; jobs may come and go between two pieces --- */

struct job_list {
    struct api *api;              /* borrowed */
    char (*ids)[SPEC_ID_MAX + 1]; /* owned: those of the time of the request */
    size_t n, next, capacity;
    bool begun; /* something stands in the array already */
};

static void add_id(struct migration *m, void *arg)
{
    struct job_list *list = arg;

    if (list->n == list->capacity) {
        list->capacity = max_of(list->capacity * 2, (size_t)64);
        list->ids = xrealloc(list->ids, list->capacity, sizeof(*list->ids));
    }
    str_copy(list->ids[list->n++], sizeof(*list->ids), migration_id(m));
}

static void job_list_free(void *arg)
{
    struct job_list *list = arg;

    free(list->ids);
    free(list);
}

static void append_job(struct http_body *body, struct job_list *list, const struct migration *m)
{
    cleanup(freep) char *text = NULL;
    struct migration_view view;
    json_t *job;
    size_t len;

    migration_view(m, &view);
    job = view_job_brief(&view);
    if (list->begun)
        http_body_append(body, ",", 1);
    list->begun = true;
    text = json_text(job, &len);
    http_body_append(body, text, len);
    json_decref(job);
}

static bool fill_jobs(struct http_body *body, void *arg)
{
    static const char head[] = "{\"jobs\":[", tail[] = "]}\n";
    struct job_list *list = arg;

    if (list->next == 0)
        http_body_append(body, head, sizeof(head) - 1);
    if (list->next < list->n) {
        struct migration *m = registry_find(list->api->deps.registry, list->ids[list->next]);

        list->next++;
        if (m)
            append_job(body, list, m);
    }
    if (list->next < list->n)
        return true;
    http_body_append(body, tail, sizeof(tail) - 1);
    return false;
}

static void get_jobs(struct http_request *request, void *arg)
{
    struct job_list *list;

    if (api_wants_stream(request)) {
        api_follow_jobs(arg, request);
        return;
    }
    list = xcalloc(1, sizeof(*list));
    list->api = arg;
    registry_each(list->api->deps.registry, add_id, list);
    http_request_on_release(request, job_list_free, list);
    http_respond_filled(request, 200, "application/json", fill_jobs, list);
}

/* --- the others --- */

static void get_job(struct http_request *request, void *arg)
{
    struct api *api = arg;
    const char *id = http_request_param(request, "id");
    struct migration *m = registry_find(api->deps.registry, id);
    struct migration_view view;

    if (!m) {
        api_no_such_job(request, id);
        return;
    }
    migration_view(m, &view);
    http_respond_json(request, 200, view_job(&view));
}

static void get_fsm(struct http_request *request, void *arg)
{
    (void)arg;
    http_respond_json(request, 200, view_fsm());
}

static void get_whoami(struct http_request *request, void *arg)
{
    const struct api_caller *caller = api_caller(request);

    (void)arg;
    http_respond_json(request, 200,
                      json_pack("{s:s, s:s}", "name", caller->name, "actions",
                                caller->may_operate ? "operate" : "read"));
}

/* That it is answered at all is the point. */
static void get_healthz(struct http_request *request, void *arg)
{
    (void)arg;
    http_respond_json(request, 200,
                      json_pack("{s:s, s:s}", "status", "ok", "version", ECMIGRATE_VERSION));
}

static void get_readyz(struct http_request *request, void *arg)
{
    struct api *api = arg;
    const struct daemon_status *status = &api->deps.status;
    bool ready = status->ready(status->arg), held = status->held(status->arg);
    unsigned counts[STATE_MAX];
    json_t *jobs = json_object();

    registry_count_states(api->deps.registry, counts);
    for (int state = 0; state < STATE_MAX; state++)
        json_object_set_new(jobs, public_state_name((enum public_state)state),
                            json_integer(counts[state]));
    http_respond_json(request, ready && !held ? 200 : 503,
                      json_pack("{s:s, s:o}", "status",
                                !ready ? "starting"
                                : held ? "held"
                                       : "ready",
                                "jobs", jobs));
}

const struct http_route api_routes[] = {
    {"POST", "/", elasticache_request, "elasticache", ACCESS_SIGNED, HTTP_BODY_RAW},
    {"GET", "/v1/jobs", get_jobs, "list_jobs", ACCESS_READ, HTTP_BODY_JSON},
    {"GET", "/v1/jobs/{id}", get_job, "get_job", ACCESS_READ, HTTP_BODY_JSON},
    {"POST", "/v1/jobs/{id}/{verb}", api_verb, "verb", ACCESS_OPERATE, HTTP_BODY_JSON},
    {"GET", "/v1/events", api_events, "events", ACCESS_READ, HTTP_BODY_JSON},
    {"GET", "/v1/fsm", get_fsm, "fsm", ACCESS_READ, HTTP_BODY_JSON},
    {"GET", "/v1/whoami", get_whoami, "whoami", ACCESS_READ, HTTP_BODY_JSON},
    {"GET", "/metrics", api_metrics, "metrics", ACCESS_READ, HTTP_BODY_JSON},
    {"GET", "/", console_page, "console", ACCESS_OPEN, HTTP_BODY_JSON},
    {"GET", "/console/{asset}", console_asset, "console", ACCESS_OPEN, HTTP_BODY_JSON},
    {"GET", "/healthz", get_healthz, "healthz", ACCESS_OPEN, HTTP_BODY_JSON},
    {"GET", "/readyz", get_readyz, "readyz", ACCESS_OPEN, HTTP_BODY_JSON},
};
const size_t api_n_routes = array_len(api_routes);
