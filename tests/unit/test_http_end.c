/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers that give their answer when the server has ended, and has given one for them. */
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "lib/http/request.h"
#include "lib/http/server.h"
#include "lib/http/stream.h"
#include "tests/unit/fixture.h"
#include "tests/unit/http_client.h"

#define KINDS 4

struct rig {
    struct http_request *request[KINDS]; /* that wait for their answer */
    unsigned n, released;
    bool closed;
};

static void released(void *arg)
{
    ((struct rig *)arg)->released++;
}

static void on_later(struct http_request *request, void *arg)
{
    struct rig *rig = arg;

    rig->request[rig->n++] = request;
    http_request_on_release(request, released, rig);
}

static bool fill(struct http_body *body, void *arg)
{
    (void)body;
    (void)arg;
    fail_msg("nobody takes this answer");
    return false;
}

static void never(void *arg)
{
    (void)arg;
    fail_msg("there was no stream");
}

static void answer_late(struct rig *rig)
{
    static const struct http_stream_callbacks callbacks = {.closed = never};

    for (unsigned i = 0; i < KINDS; i++) {
        http_request_add_header(rig->request[i], "X-Static", "late");
        http_request_copy_header(rig->request[i], "X-Copied", "late");
    }
    http_respond_text(rig->request[0], 200, "text/plain", "late");
    http_respond_error(rig->request[1], 404, "late", NULL, "late");
    http_respond_filled(rig->request[2], 200, "text/plain", fill, NULL);
    assert_null(http_respond_stream(rig->request[3], &callbacks, NULL));
}

static void server_closed(void *arg)
{
    ((struct rig *)arg)->closed = true;
}

static void test_answer_after_the_server_has_given_one(void **state)
{
    static const struct http_route routes[] = {{"GET", "/later", on_later, "later", 0, 0}};
    struct fixture *f = *state;
    struct rig rig = {.n = 0};
    struct http_server_options options = {.routes = routes, .n_routes = 1, .arg = &rig};
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8], header[64];
    struct http_client c[KINDS];
    struct http_server *server;
    struct err err;

    temp_dir_make(dir);
    snprintf(path, sizeof(path), "%s/sock", dir);
    assert_int_equal(http_listen_unix(path, 0660, NULL, &options.fd, &err), 0);
    assert_int_equal(http_server_new(&f->loop, &options, &server, &err), 0);
    for (unsigned i = 0; i < KINDS; i++) {
        client_connect(&c[i], path);
        client_send_text(&c[i], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        while (rig.n <= i)
            uv_run(&f->loop, UV_RUN_ONCE);
    }

    http_server_free(server, server_closed, &rig);
    answer_late(&rig);
    for (unsigned i = 0; i < KINDS; i++) {
        assert_true(client_wait_answer(&c[i], &f->loop));
        assert_int_equal(client_status(&c[i]), 503);
        assert_null(client_header(&c[i], "X-Static", header, sizeof(header)));
        assert_null(client_header(&c[i], "X-Copied", header, sizeof(header)));
        client_close(&c[i]);
    }
    assert_true(loop_run_until_set(&f->loop, &rig.closed, 3000));
    assert_int_equal(rig.released, KINDS);
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer_after_the_server_has_given_one, loop_setup,
                                        loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
