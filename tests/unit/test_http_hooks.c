/* SPDX-License-Identifier: Apache-2.0 */
/* What a server's owner has a say in: who is let in, what is counted, bodies that are no JSON. */
#include <stdio.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "lib/http/request.h"
#include "lib/http/server.h"
#include "tests/unit/http_client.h"

#define ACCESS_SECRET 7

struct rig {
    uv_loop_t *loop;
    struct http_server *server;
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 16];
    bool closed;

    unsigned handled; /* requests that reached a handler */
    char served[64];  /* name and status of the last request */
    unsigned n_served;
    unsigned freed; /* users */
    struct http_peer peer;
};

/* --- the owner --- */

static void free_user(void *user)
{
    struct rig *rig = user;

    rig->freed++;
}

static bool admit(struct http_request *request, const struct http_route *route, void *arg)
{
    struct rig *rig = arg;
    const char *word = http_request_header(request, "X-Word");

    http_request_peer(request, &rig->peer);
    if (route->access == ACCESS_SECRET && (!word || strcmp(word, "please") != 0)) {
        http_request_add_header(request, "WWW-Authenticate", "Word");
        http_respond_error(request, 401, "unauthorized", NULL, "say the word");
        return false;
    }
    http_request_set_user(request, rig, free_user);
    return true;
}

static void served(const struct http_request *request, const char *name, unsigned status, void *arg)
{
    struct rig *rig = arg;

    (void)request;
    rig->n_served++;
    snprintf(rig->served, sizeof(rig->served), "%s %u", name, status);
}

static void on_open(struct http_request *request, void *arg)
{
    struct rig *rig = arg;

    rig->handled++;
    assert_ptr_equal(http_request_user(request), rig);
    http_respond_data(request, 200, "text/plain", "static", 6);
}

static void on_raw(struct http_request *request, void *arg)
{
    struct rig *rig = arg;
    size_t len;
    const char *data = http_request_data(request, &len);
    cleanup(freep) char *text = xasprintf("%s %s %zu:%.*s", http_request_method(request),
                                          http_request_path(request), len, (int)len, data);

    rig->handled++;
    http_request_set_name(request, "renamed");
    http_respond_text(request, 200, "text/plain", text);
}

struct listing {
    char text[512];
    size_t len;
};

static void list_pair(const char *name, const char *value, void *arg)
{
    struct listing *list = arg;

    list->len += (size_t)snprintf(list->text + list->len, sizeof(list->text) - list->len, "%s=%s;",
                                  name, value);
}

static void on_list(struct http_request *request, void *arg)
{
    struct listing list = {.len = 0};

    (void)arg;
    http_request_each_query(request, list_pair, &list);
    list_pair("--", "--", &list);
    http_request_each_header(request, list_pair, &list);
    http_respond_text(request, 200, "text/plain", list.text);
}

static const struct http_route routes[] = {
    {"GET", "/open", on_open, "open", 0, HTTP_BODY_JSON},
    {"POST", "/secret", on_raw, "secret", ACCESS_SECRET, HTTP_BODY_RAW},
    {"GET", "/list", on_list, "list", 0, HTTP_BODY_JSON},
};

/* --- set-up --- */

static void server_closed(void *arg)
{
    ((struct rig *)arg)->closed = true;
}

static struct rig *rig_start(void **state)
{
    struct fixture *f = *state;
    struct rig *rig = xcalloc(1, sizeof(*rig));
    struct http_server_options options = {
        .routes = routes, .n_routes = array_len(routes), .arg = rig, .hooks = {admit, served, rig}};
    struct err err;

    f->data = rig;
    rig->loop = &f->loop;
    temp_dir_make(rig->dir);
    snprintf(rig->path, sizeof(rig->path), "%s/sock", rig->dir);
    assert_int_equal(http_listen_unix(rig->path, 0660, NULL, &options.fd, &err), 0);
    assert_int_equal(http_server_new(&f->loop, &options, &rig->server, &err), 0);
    return rig;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct rig *rig = f->data;

    http_server_free(rig->server, server_closed, rig);
    assert_true(loop_run_until_set(rig->loop, &rig->closed, 3000));
    temp_dir_remove(rig->dir);
    free(rig);
    return loop_teardown(state);
}

static bool has_served(void *arg)
{
    return ((struct rig *)arg)->n_served > 0;
}

/* Sends request; expects the answer's status and body, and what is counted. */
static void expect(struct rig *rig, const char *request, int status, const char *body,
                   const char *counted)
{
    char *got;

    rig->n_served = 0;
    assert_int_equal(client_ask(rig->loop, rig->path, request, &got), status);
    if (body)
        assert_string_equal(got, body);
    free(got);
    assert_true(loop_run_until(rig->loop, has_served, rig, 3000));
    assert_int_equal(rig->n_served, 1);
    assert_string_equal(rig->served, counted);
}

/* --- tests --- */

static void test_admitted(void **state)
{
    struct rig *rig = rig_start(state);

    expect(rig, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n", 200, "static", "open 200");
    assert_int_equal(rig->handled, 1);
    assert_int_equal(rig->freed, 1);
    assert_true(rig->peer.is_unix);
    assert_int_equal(rig->peer.uid, getuid());
    assert_int_equal(rig->peer.pid, getpid());
}

static void test_refused(void **state)
{
    struct rig *rig = rig_start(state);

    expect(rig, "POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", 401, NULL,
           "secret 401");
    expect(rig, "POST /secret HTTP/1.1\r\nHost: x\r\nX-Word: no\r\nContent-Length: 0\r\n\r\n", 401,
           NULL, "secret 401");
    assert_int_equal(rig->handled, 0);
    assert_int_equal(rig->freed, 0);
    expect(rig, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL, "none 404");
    expect(rig, "PUT /open HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, NULL,
           "none 405");
}

static void test_refusal_has_its_headers(void **state)
{
    struct rig *rig = rig_start(state);
    struct http_client c;
    char value[64];

    client_connect(&c, rig->path);
    client_send_text(&c, "POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_true(client_wait_answer(&c, rig->loop));
    assert_string_equal(client_header(&c, "WWW-Authenticate", value, sizeof(value)), "Word");
    assert_string_equal(client_header(&c, "X-Content-Type-Options", value, sizeof(value)),
                        "nosniff");
    client_close(&c);
}

static void test_raw_body(void **state)
{
    struct rig *rig = rig_start(state);

    expect(rig,
           "POST /secret HTTP/1.1\r\nHost: x\r\nX-Word: please\r\nContent-Length: 9\r\n\r\n"
           "{not json",
           200, "POST /secret 9:{not json", "renamed 200");
    expect(rig, "POST /secret HTTP/1.1\r\nHost: x\r\nX-Word: please\r\nContent-Length: 0\r\n\r\n",
           200, "POST /secret 0:", "renamed 200");
}

static void test_pairs(void **state)
{
    struct rig *rig = rig_start(state);

    expect(rig, "GET /list?a=1&b=%20x&a=&c HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\n\r\n", 200,
           "a=1;b= x;a=;c=;--=--;Host=x;X-A=1;X-A=2;", "list 200");
}

static bool no_connections(void *arg)
{
    return http_server_connections(((struct rig *)arg)->server) == 0;
}

/* By us, or, with newer versions, by libmicrohttpd before we hear of it. */
static void expect_refused(struct rig *rig, const char *request)
{
    char *got;

    assert_int_equal(client_ask(rig->loop, rig->path, request, &got), 400);
    if (strstr(got, "Host=x"))
        fail_msg("this got as far as its handler: %s", request);
    free(got);
    assert_true(loop_run_until(rig->loop, no_connections, rig, 3000)); /* nothing is served later */
}

/* A proxy in front could see another length in them, or another host. */
static void test_heads_that_readers_understand_differently(void **state)
{
    static const char *const heads[] = {
        "Host: x\r\nContent-Length : 3",
        "Host: x\r\nContent-Length:\r\n 3",
        "Host: x\r\nTransfer-Encoding : chunked",
        "Host: x\r\nTransfer-Encoding:\r\n\tchunked",
        "Host: x\r\nX: a\rContent-Length: 3",
        "Host: x\r\nX: a\r\n Content-Length: 3",
        "Host: x\r\nContent-Length\x01: 3",
        "Host: x\r\nX(): 1",
        "Host: x\r\nX: a\x7f",
        "Host: x\r\nHost: y",
        "Host: x\r\nContent-Length: 0\r\nContent-Length: 0",
        "Host: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked",
        "Host: x\r\nTransfer-Encoding: gzip, chunked",
    };
    struct rig *rig = rig_start(state);

    for (size_t i = 0; i < array_len(heads); i++) {
        cleanup(freep) char *request = xasprintf("GET /list HTTP/1.1\r\n%s\r\n\r\nabc", heads[i]);

        expect_refused(rig, request);
    }
    expect(rig, "GET /list HTTP/1.1\r\nHost: x\r\nX-!#$%&'*+.^_`|~9:\t\xc3\xa4\tb\r\n\r\n", 200,
           "--=--;Host=x;X-!#$%&'*+.^_`|~9=\xc3\xa4\tb;", "list 200");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_admitted, loop_setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, loop_setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal_has_its_headers, loop_setup, teardown),
        cmocka_unit_test_setup_teardown(test_raw_body, loop_setup, teardown),
        cmocka_unit_test_setup_teardown(test_pairs, loop_setup, teardown),
        cmocka_unit_test_setup_teardown(test_heads_that_readers_understand_differently, loop_setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
