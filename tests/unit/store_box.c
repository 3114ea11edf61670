/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store_box.h"

#include <string.h>
#include <sys/wait.h>

#include "lib/base/base.h"

static void on_durable(uint64_t ticket, void *arg)
{
    struct box *b = arg;

    assert_true(ticket > b->durable);
    b->durable = ticket;
    b->calls++;
}

static void on_held(bool held, const struct err *why, void *arg)
{
    struct box *b = arg;

    b->held = held;
    b->held_calls++;
    b->why = *why;
}

int box_try_open(struct box *b, struct err *err)
{
    struct store_callbacks callbacks = {.on_durable = on_durable, .on_held = on_held, .arg = b};

    b->store = NULL;
    b->durable = 0;
    b->closed = false;
    *err = ERR_INIT;
    return store_open(b->loop, b->dir, &callbacks, &b->store, err);
}

void box_open(struct box *b)
{
    struct err err;

    if (box_try_open(b, &err))
        fail_msg("%s", err.msg);
}

void box_init(struct box *b, void **state)
{
    struct fixture *f = *state;

    memset(b, 0, sizeof(*b));
    b->loop = &f->loop;
    temp_dir_make(b->dir);
}

void box_set_flag(void *arg)
{
    *(bool *)arg = true;
}

void box_close(struct box *b)
{
    store_close(b->store, box_set_flag, &b->closed);
    assert_false(b->closed);
    assert_true(loop_run_until_set(b->loop, &b->closed, 8000));
}

bool box_reached(void *arg)
{
    struct box *b = arg;

    return b->durable >= b->want;
}

void box_wait_durable(struct box *b, uint64_t ticket)
{
    b->want = ticket;
    assert_true(loop_run_until(b->loop, box_reached, b, 10000));
    assert_int_equal(store_durable(b->store), b->durable);
}

void store_job_fill(struct store_job *job, const char *id)
{
    static char file[] = "/etc/ecmigrate.d/orders.yaml",
                text[] = "source: {endpoint: \"10.0.0.241:6379\"}\n";

    memset(job, 0, sizeof(*job));
    str_copy(job->id, sizeof(job->id), id);
    job->file = file;
    job->spec_text = text;
    job->run = (struct run){
        .number = 3,
        .phase = PHASE_ROLLING_BACK,
        .since_wall_ms = 1700000000123,
        .reason = REASON_AUTH_REFUSED,
        .message = "the source refuses the password",
        .attempt = 4,
        .next_attempt_wall_ms = 1700000000999,
        .checked = true,
        .synced = true,
        .committed = true,
        .recopy = true,
        .errors_base = 17,
        .evicted_base = INT64_MAX - 2,
        .copies = 2,
        .writer = {.host = "primary.example", .port = 6399},
        .writer_run_id = "cafe01",
        .sentinel_owed = true,
        .given_keys = 123456,
        .given_offset = INT64_MAX - 1,
        .given_replid = "abcdef0123456789abcdef0123456789abcdef01",
        .want_since_wall_ms = 1700000001111,
        .want_until_wall_ms = 1700000002222,
        .again = true,
        .want_by = "uid 0 (pid 4711)",
        .force = true,
        .aborted = true,
        .cutover_attempt = 2,
        .next_cutover_wall_ms = 1700000001999,
        .epoch = 4000000000u,
        .source = {.host = "10.0.0.241", .port = 65535},
        .source_run_id = "0123456789012345678901234567890123456789",
        .target_run_id = "9876543210987654321098765432109876543210",
        .cutover = {.at_wall_ms = 1700000002999,
                    .gap_us = 417,
                    .offset = INT64_MAX,
                    .told_ms = 1100},
    };
}

void box_take_job(const struct store_job *job, void *arg)
{
    struct jobs *jobs = arg;

    jobs->n++;
    jobs->last = *job;
    jobs->last.file = jobs->last.spec_text = NULL;
    str_copy(jobs->file, sizeof(jobs->file), job->file ? job->file : "");
    str_copy(jobs->spec_text, sizeof(jobs->spec_text), job->spec_text ? job->spec_text : "");
}

void box_load_jobs(struct box *b, struct jobs *jobs)
{
    struct err err = ERR_INIT;

    memset(jobs, 0, sizeof(*jobs));
    if (store_each_job(b->store, box_take_job, jobs, &err))
        fail_msg("%s", err.msg);
}

uint64_t box_put_event(struct box *b, uint64_t seq, const char *job)
{
    struct event event = {
        .seq = seq, .time_ms = 1700000000000 + (int64_t)seq, .level = "warn", .run = 2};
    uint64_t ticket;

    event.job = xstrdup(job);
    event.name = xstrdup("attach_failed");
    event.message = xasprintf("event %llu", (unsigned long long)seq);
    event.data = json_pack("{s:i}", "attempt", (int)seq);
    ticket = store_put_event(b->store, &event);
    event_clear(&event);
    return ticket;
}

void query_done(struct op *op)
{
    container_of(op, struct query, events.op)->done = true;
}

/* Runs a query and compares the numbers it gives. */

void in_child(void (*fn)(struct box *b), struct box *b)
{
    pid_t pid = fork();
    uv_loop_t loop;
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        CHECK(uv_loop_init(&loop) == 0);
        b->loop = &loop;
        fn(b);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
        print_message("SKIPPED: needs root\n");
        temp_dir_remove(b->dir);
        skip();
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
