/* SPDX-License-Identifier: Apache-2.0 */
/* A long answer shares the loop with everything else in it. */
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "lib/http/request.h"
#include "lib/http/server.h"
#include "tests/unit/fixture.h"
#include "tests/unit/http_client.h"

#define PART 1000
#define PARTS 3000

struct rig {
    uv_prepare_t prepare;
    unsigned part, seen, most; /* made; before this turn; in one turn */
    bool closed;
};

static bool fill(struct http_body *body, void *arg)
{
    struct rig *rig = arg;
    char part[PART];

    memset(part, 'x', PART);
    http_body_append(body, part, PART);
    return ++rig->part < PARTS;
}

static void on_long(struct http_request *request, void *arg)
{
    http_respond_filled(request, 200, "text/plain", fill, arg);
}

static void turn_ends(uv_prepare_t *prepare)
{
    struct rig *rig = container_of(prepare, struct rig, prepare);

    rig->most = max_of(rig->most, rig->part - rig->seen);
    rig->seen = rig->part;
}

static void server_closed(void *arg)
{
    ((struct rig *)arg)->closed = true;
}

static void test_long_answer_leaves_time_for_others(void **state)
{
    static const struct http_route routes[] = {{"GET", "/long", on_long, "long", 0, 0}};
    struct fixture *f = *state;
    struct rig rig = {.part = 0};
    struct http_server_options options = {.routes = routes, .n_routes = 1, .arg = &rig};
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8];
    struct http_server *server;
    struct http_client c;
    struct err err;

    temp_dir_make(dir);
    snprintf(path, sizeof(path), "%s/sock", dir);
    assert_int_equal(http_listen_unix(path, 0660, NULL, &options.fd, &err), 0);
    assert_int_equal(http_server_new(&f->loop, &options, &server, &err), 0);
    uv_prepare_init(&f->loop, &rig.prepare);
    uv_prepare_start(&rig.prepare, turn_ends);

    client_connect(&c, path);
    client_send_text(&c, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_answer(&c, &f->loop));
    client_close(&c);
    http_server_free(server, server_closed, &rig);
    uv_close((uv_handle_t *)&rig.prepare, NULL);
    assert_true(loop_run_until_set(&f->loop, &rig.closed, 3000));
    temp_dir_remove(dir);

    assert_int_equal(rig.part, PARTS);
    /* A few of mhd's buffers, each as large as the memory of a connection; not all that the
     * client's socket would take. */
    assert_true(rig.most * PART <= 4 * http_limits_default.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_long_answer_leaves_time_for_others, loop_setup,
                                        loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
