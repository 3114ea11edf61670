/* SPDX-License-Identifier: Apache-2.0 */
/* Events: to the log at once, to the store, and to followers when nothing can take them back. */
#include "tests/unit/fixture.h"

#include <stdio.h>
#include <string.h>

#include "daemon/bus/bus.h"
#include "daemon/store/store.h"
#include "lib/base/base.h"

struct seen {
    struct event_follower follower;
    struct event_bus *bus;
    unsigned n;
    uint64_t first, last;
    char message[128];
    bool leave; /* unfollow in the callback */
};

struct box {
    uv_loop_t *loop;
    struct store *store;
    struct event_bus *bus;
    struct log *log;
    char dir[TEMP_DIR_MAX];
    uint64_t durable, want;
    bool closed, pass_on; /* durable tickets to the bus */
    char line[512];       /* the last log record: "level message key=value …" */
};

static void on_durable(uint64_t ticket, void *arg)
{
    struct box *b = arg;

    b->durable = ticket;
    if (b->pass_on)
        event_bus_durable(b->bus, ticket);
}

static void on_held(bool held, const struct err *why, void *arg)
{
    (void)arg;
    fail_msg("held %d: %s", held, why->msg);
}

static void keep_record(const struct log_sink *sink, const struct log_record *record)
{
    struct box *b = sink->arg;
    size_t n = (size_t)snprintf(b->line, sizeof(b->line), "%s %s", log_level_name(record->level),
                                record->message);

    for (size_t i = 0; i < record->n_fields && n < sizeof(b->line); i++)
        n += (size_t)snprintf(b->line + n, sizeof(b->line) - n, " %s=%s", record->fields[i].key,
                              record->fields[i].value);
}

static void box_open(struct box *b, void **state)
{
    struct store_callbacks callbacks = {.on_durable = on_durable, .on_held = on_held, .arg = b};
    struct log_sink sink = {.write = keep_record, .arg = b};
    struct fixture *f = *state;
    struct err err = ERR_INIT;

    b->loop = &f->loop;
    b->pass_on = true;
    b->durable = 0;
    b->closed = false;
    if (!*b->dir)
        temp_dir_make(b->dir);
    if (store_open(b->loop, b->dir, &callbacks, &b->store, &err))
        fail_msg("%s", err.msg);
    b->log = log_new(&sink, LEVEL_INFO);
    b->bus = event_bus_new(b->log, b->store, store_last_event_seq(b->store));
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static void box_close(struct box *b)
{
    log_free(b->log);
    store_close(b->store, set_flag, &b->closed);
    assert_true(loop_run_until_set(b->loop, &b->closed, 8000));
    event_bus_free(b->bus);
}

static bool reached(void *arg)
{
    struct box *b = arg;

    return b->durable >= b->want;
}

static void wait_durable(struct box *b, uint64_t ticket)
{
    b->want = ticket;
    assert_true(loop_run_until(b->loop, reached, b, 10000));
}

static void on_event(struct event_follower *follower, const struct event *event)
{
    struct seen *s = container_of(follower, struct seen, follower);

    if (s->n++ == 0)
        s->first = event->seq;
    else
        assert_true(event->seq > s->last);
    s->last = event->seq;
    str_copy(s->message, sizeof(s->message), event->message);
    if (s->leave)
        event_unfollow(s->bus, follower);
}

static void follow(struct seen *s, struct event_bus *bus)
{
    memset(s, 0, sizeof(*s));
    s->follower.on_event = on_event;
    s->bus = bus;
    event_follow(bus, &s->follower);
}

static const struct event_context orders = {
    .job = "orders", .run = 2, .state = "failed", .phase = "failed", .reason = "auth-refused"};

static void test_the_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EVENT_MAX; i++) {
        const struct event_def *def = event_def((enum event_name)i);

        assert_int_equal(strlen(def->message_id), 32);
        assert_int_equal(strspn(def->message_id, "0123456789abcdef"), 32);
        assert_int_equal(strspn(def->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(def->name));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(def->name, event_def((enum event_name)j)->name);
            assert_string_not_equal(def->message_id, event_def((enum event_name)j)->message_id);
        }
    }
}

static void test_log_fields(void **state)
{
    struct box b = {.dir = ""};

    box_open(&b, state);
    event_emit(b.bus, EVENT_MIGRATION_FAILED, &orders, NULL, "the source refuses '%s'", "u");
    box_close(&b);
    assert_string_equal(b.line,
                        "error the source refuses 'u' job=orders run=2 state=failed phase=failed "
                        "event=migration_failed reason=auth-refused "
                        "message_id=7707013ed08843c0bebf38409a6e46a4");
    box_open(&b, state);
    event_emit(b.bus, EVENT_DAEMON_STARTED, NULL, NULL, "up");
    box_close(&b);
    assert_string_equal(b.line,
                        "info up event=daemon_started message_id=36773b95109f4ba58f99313a2297a147");
    temp_dir_remove(b.dir);
}

static void test_followers_hear_what_is_durable(void **state)
{
    struct box b = {.dir = ""};
    struct seen s, one;

    box_open(&b, state);
    follow(&s, b.bus);
    follow(&one, b.bus);
    one.leave = true;
    event_emit(b.bus, EVENT_RUN_STARTED, &orders, NULL, "first");
    event_emit(b.bus, EVENT_ATTACH_STARTED, &orders, NULL, "second");
    assert_int_equal(s.n, 0);
    wait_durable(&b, 2);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.message, "second");
    assert_int_equal(one.n, 1);
    event_unfollow(b.bus, &s.follower);
    event_unfollow(b.bus, &s.follower);
    event_emit(b.bus, EVENT_IN_SYNC, &orders, NULL, "third");
    wait_durable(&b, 3);
    assert_int_equal(s.n, 2);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_numbers_go_on_after_a_restart(void **state)
{
    struct box b = {.dir = ""};
    struct seen s;

    box_open(&b, state);
    for (int i = 0; i < 5; i++)
        event_emit(b.bus, EVENT_TILT, NULL, NULL, "tilt");
    box_close(&b);
    box_open(&b, state);
    follow(&s, b.bus);
    event_emit(b.bus, EVENT_TILT, NULL, NULL, "tilt");
    wait_durable(&b, 1);
    assert_int_equal(s.first, 6);
    event_unfollow(b.bus, &s.follower);
    box_close(&b);
    temp_dir_remove(b.dir);
}

static void test_pending_is_bounded(void **state)
{
    struct box b = {.dir = ""};
    struct seen s;

    box_open(&b, state);
    b.pass_on = false;
    follow(&s, b.bus);
    for (int i = 0; i < 10040; i++)
        event_emit(b.bus, EVENT_TILT, NULL, NULL, "tilt");
    wait_durable(&b, 10040);
    event_bus_durable(b.bus, 100);
    assert_int_equal(s.n, 60);
    event_bus_durable(b.bus, 10040);
    assert_int_equal(s.first, 41);
    assert_int_equal(s.last, 10040);
    assert_int_equal(s.n, 10000);
    event_unfollow(b.bus, &s.follower);
    box_close(&b);
    temp_dir_remove(b.dir);
}

struct query {
    struct store_events events;
    bool done;
};

static void query_done(struct op *op)
{
    container_of(op, struct query, events.op)->done = true;
}

static void test_what_is_stored(void **state)
{
    struct box b = {.dir = ""};
    struct query q = {.done = false};
    cleanup(freep) char *huge = xmalloc(70000);
    json_t *json;

    memset(huge, 'x', 69999);
    huge[69999] = '\0';
    box_open(&b, state);
    event_emit(b.bus, EVENT_CUTOVER_COMPLETED, &orders, json_pack("{s:f}", "write_gap_ms", 0.5),
               "gap \xff%s", "0.5 ms");
    event_emit(b.bus, EVENT_CUTOVER_COMPLETED, &orders, json_pack("{s:s}", "huge", huge), "%s",
               huge);
    event_emit(b.bus, EVENT_DAEMON_STARTED, NULL, NULL, "up");
    wait_durable(&b, 3);
    store_events_start(&q.events, b.store, &(struct store_event_query){.limit = 10}, query_done);
    assert_true(loop_run_until_set(b.loop, &q.done, 5000));
    assert_int_equal(q.events.n, 3);
    json = event_json(&q.events.events[0]);
    assert_int_equal(json_object_size(json), 8);
    assert_int_equal(json_integer_value(json_object_get(json, "seq")), 1);
    assert_int_equal(strlen(json_string_value(json_object_get(json, "time"))), 24);
    assert_string_equal(json_string_value(json_object_get(json, "job")), "orders");
    assert_int_equal(json_integer_value(json_object_get(json, "run")), 2);
    assert_string_equal(json_string_value(json_object_get(json, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(json, "name")), "cutover_completed");
    assert_string_equal(json_string_value(json_object_get(json, "message")), "gap \xef\xbf\xbd"
                                                                             "0.5 ms");
    assert_true(json_real_value(json_object_get(json_object_get(json, "data"), "write_gap_ms")) ==
                0.5);
    json_decref(json);
    assert_int_equal(strlen(q.events.events[1].message), 1023);
    assert_true(json_is_true(json_object_get(q.events.events[1].data, "truncated")));
    json = event_json(&q.events.events[2]);
    assert_true(json_is_null(json_object_get(json, "job")));
    assert_true(json_is_null(json_object_get(json, "run")));
    assert_int_equal(json_object_size(json_object_get(json, "data")), 0);
    json_decref(json);
    store_events_clear(&q.events);
    box_close(&b);
    temp_dir_remove(b.dir);
}

#define LOOP_TEST(fn) cmocka_unit_test_setup_teardown(fn, loop_setup, loop_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        LOOP_TEST(test_log_fields),
        LOOP_TEST(test_followers_hear_what_is_durable),
        LOOP_TEST(test_numbers_go_on_after_a_restart),
        LOOP_TEST(test_pending_is_bounded),
        LOOP_TEST(test_what_is_stored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
