/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/net/conn.h"
#include "lib/net/resolve.h"
#include "tests/unit/fixture.h"
#include "tests/unit/peer.h"

#define WAIT_MS 5000

struct user {
    struct conn conn;
    bool opened, closed;
    unsigned n_opened, n_closed;
    size_t got;
    char data[64]; /* the first bytes of it */
    struct err why;
    bool again; /* connect anew when closed */
    struct endpoint endpoint;
};

static struct user *user_of(struct conn *conn)
{
    return container_of(conn, struct user, conn);
}

static void on_opened(struct conn *conn)
{
    user_of(conn)->opened = true;
    user_of(conn)->n_opened++;
}

static void on_data(struct conn *conn, const char *data, size_t len)
{
    struct user *u = user_of(conn);

    if (u->got < sizeof(u->data))
        memcpy(u->data + u->got, data, min_of(len, sizeof(u->data) - u->got));
    u->got += len;
}

static void on_closed(struct conn *conn, const struct err *why)
{
    struct user *u = user_of(conn);

    assert_int_equal(conn_state(conn), CONN_IDLE);
    u->why = *why;
    u->n_closed++;
    u->closed = true;
    if (u->again) {
        u->again = false;
        u->closed = u->opened = false;
        conn_connect(conn, &u->endpoint, WAIT_MS);
    }
}

static const struct conn_events events = {
    .opened = on_opened, .data = on_data, .closed = on_closed};

static void user_init(struct user *u, uv_loop_t *loop)
{
    *u = (struct user){0};
    conn_init(&u->conn, loop, &conn_plain, &events);
}

static void user_connect(struct user *u, const char *host, uint16_t port, uint64_t timeout_ms)
{
    u->endpoint = (struct endpoint){.port = port};
    snprintf(u->endpoint.host, sizeof(u->endpoint.host), "%s", host);
    conn_connect(&u->conn, &u->endpoint, timeout_ms);
}

static void user_open(struct user *u, uv_loop_t *loop, uint16_t port)
{
    user_init(u, loop);
    user_connect(u, "127.0.0.1", port, WAIT_MS);
    assert_false(u->opened);
    assert_true(loop_run_until_set(loop, &u->opened, WAIT_MS));
}

static void user_end(struct user *u, uv_loop_t *loop)
{
    conn_end(&u->conn, NULL);
    assert_true(loop_run_until_set(loop, &u->closed, WAIT_MS));
    conn_deinit(&u->conn);
}

static void expect_end(struct user *u, uv_loop_t *loop, enum err_code code, const char *says)
{
    assert_true(loop_run_until_set(loop, &u->closed, WAIT_MS));
    assert_int_equal(u->n_closed, 1);
    if (!strstr(u->why.msg, says))
        fail_msg("'%s' is not in '%s'", says, u->why.msg);
    assert_int_equal(u->why.code, code);
    conn_deinit(&u->conn);
}

static bool got_something(void *arg)
{
    return ((struct user *)arg)->got > 0;
}

static void test_echo(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.echo = true};
    struct peer peer;
    struct user u;

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    conn_write(&u.conn, "hello", 5);
    assert_true(loop_run_until(&f->loop, got_something, &u, WAIT_MS));
    assert_memory_equal(u.data, "hello", 5);
    conn_end(&u.conn, NULL);
    assert_false(u.closed); /* never from inside */
    conn_end(&u.conn, NULL);
    conn_write(&u.conn, "late", 4);
    expect_end(&u, &f->loop, ERR_CANCELED, "closed by this side");
    assert_int_equal(u.n_opened, 1);
    peer_stop(&peer);
}

static void test_reason_of_the_owner_is_kept(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.echo = true};
    struct peer peer;
    struct user u;
    struct err why;

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    err_set(&why, ERR_BUSY, "enough");
    conn_end(&u.conn, &why);
    expect_end(&u, &f->loop, ERR_BUSY, "enough");
    peer_stop(&peer);
}

static void test_peer_closes(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.answers = {"bye"}, .greet = true, .hang_up = true};
    struct peer peer;
    struct user u;
    char name[64];

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    snprintf(name, sizeof(name), "'127.0.0.1:%u': the peer closed the connection", peer.port);
    expect_end(&u, &f->loop, ERR_CLOSED, name);
    assert_memory_equal(u.data, "bye", 3);
    peer_stop(&peer);
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    uint16_t port = free_port();
    struct user u;
    char name[64];

    user_init(&u, &f->loop);
    user_connect(&u, "127.0.0.1", port, WAIT_MS);
    snprintf(name, sizeof(name), "'127.0.0.1:%u': connection refused", port);
    expect_end(&u, &f->loop, ERR_REFUSED, name);
    assert_int_equal(u.n_opened, 0);
}

/* The name may have an IPv6 address on which nobody listens: that must not be the end. */
static void test_each_address_of_a_name_is_tried(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.echo = true};
    struct peer peer;
    struct user u;

    peer_start(&peer, &f->loop, &script);
    user_init(&u, &f->loop);
    user_connect(&u, "localhost", peer.port, WAIT_MS);
    assert_true(loop_run_until_set(&f->loop, &u.opened, WAIT_MS));
    user_end(&u, &f->loop);
    peer_stop(&peer);

    user_init(&u, &f->loop);
    user_connect(&u, "localhost", free_port(), WAIT_MS);
    expect_end(&u, &f->loop, ERR_REFUSED, "1): connection refused"); /* "(127.0.0.1)", "(::1)" */
}

static void test_name_that_does_not_resolve(void **state)
{
    struct fixture *f = *state;
    struct user u;

    user_init(&u, &f->loop);
    user_connect(&u, "nosuchhost.invalid", 1, 2 * WAIT_MS);
    assert_true(loop_run_until_set(&f->loop, &u.closed, 3 * WAIT_MS));
    expect_end(&u, &f->loop, ERR_RESOLVE, "'nosuchhost.invalid:1': the host name ");
}

/* A full backlog drops what comes: nothing answers. */
static void test_black_hole(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in addr = {.sin_family = AF_INET};
    socklen_t len = sizeof(addr);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fill[4];
    struct user u;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    for (size_t i = 0; i < array_len(fill); i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&addr, len);
    }
    user_init(&u, &f->loop);
    user_connect(&u, "127.0.0.1", ntohs(addr.sin_port), 150);
    expect_end(&u, &f->loop, ERR_TIMEOUT, "no connection within 1");
    for (size_t i = 0; i < array_len(fill); i++)
        close(fill[i]);
    close(listener);
}

static void test_unix_socket(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.answers = {"hello"}, .greet = true};
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 200];
    struct peer peer;
    struct user u;

    temp_dir_make(dir);
    snprintf(path, sizeof(path), "%s/s", dir);
    user_init(&u, &f->loop);
    conn_connect_unix(&u.conn, path, WAIT_MS);
    expect_end(&u, &f->loop, ERR_NOT_FOUND, "/s': no such file or directory");

    peer_start_unix(&peer, &f->loop, &script, path);
    user_init(&u, &f->loop);
    conn_connect_unix(&u.conn, path, WAIT_MS);
    assert_true(loop_run_until(&f->loop, got_something, &u, WAIT_MS));
    assert_memory_equal(u.data, "hello", 5);
    user_end(&u, &f->loop);
    peer_stop(&peer);

    memset(path, 'x', 200);
    path[200] = '\0';
    user_init(&u, &f->loop);
    conn_connect_unix(&u.conn, path, WAIT_MS);
    expect_end(&u, &f->loop, ERR_INVALID, "too long");
    temp_dir_remove(dir);
}

struct transfer {
    struct peer *peer;
    size_t sent;
};

static bool has_arrived(void *arg)
{
    const struct transfer *t = arg;

    return t->peer->received == t->sent;
}

static void test_what_the_kernel_does_not_take_is_queued(void **state)
{
    static char block[256 << 10];
    struct fixture *f = *state;
    const struct peer_script script = {.deaf = true};
    struct transfer t = {0};
    struct peer peer;
    struct user u;

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    while (u.conn.queued == 0) {
        conn_write(&u.conn, block, sizeof(block));
        t.sent += sizeof(block);
    }
    conn_write(&u.conn, block, 3);
    t.sent += 3;
    t.peer = &peer;
    loop_run_for(&f->loop, 20);
    assert_false(u.closed);
    peer_listen_up(&peer);
    assert_true(loop_run_until(&f->loop, has_arrived, &t, WAIT_MS));
    user_end(&u, &f->loop);
    peer_stop(&peer);
}

static void test_queue_is_bounded(void **state)
{
    static char block[256 << 10];
    struct fixture *f = *state;
    const struct peer_script script = {.deaf = true};
    struct peer peer;
    struct user u;

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    for (int i = 0; i < 1000 && conn_state(&u.conn) == CONN_OPEN; i++) {
        conn_write(&u.conn, block, sizeof(block));
        assert_true(u.conn.queued <= CONN_WRITE_QUEUE_MAX);
    }
    expect_end(&u, &f->loop, ERR_LIMIT, "the peer takes no more");
    peer_stop(&peer);
}

static void test_connect_from_closed(void **state)
{
    struct fixture *f = *state;
    const struct peer_script script = {.echo = true};
    struct peer peer;
    struct user u;

    peer_start(&peer, &f->loop, &script);
    user_open(&u, &f->loop, peer.port);
    u.again = true;
    u.opened = false;
    conn_end(&u.conn, NULL);
    assert_true(loop_run_until_set(&f->loop, &u.opened, WAIT_MS));
    assert_int_equal(u.n_closed, 1);
    assert_int_equal(peer.accepted, 2);
    user_end(&u, &f->loop);
    peer_stop(&peer);
}

/* Whatever it is doing: one closed, later, and nothing left in the loop (the tear-down looks). */
static void test_close_at_every_turn(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "nosuchhost.invalid"};
    struct fixture *f = *state;
    const struct peer_script script = {.answers = {"a", "b"}, .greet = true};
    struct peer peer;

    peer_start(&peer, &f->loop, &script);
    for (unsigned i = 0; i < array_len(hosts) * 8; i++) {
        struct user u;

        user_init(&u, &f->loop);
        user_connect(&u, hosts[i / 8], peer.port, WAIT_MS);
        for (unsigned turn = 0; turn < i % 8; turn++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        if (!u.closed)
            user_end(&u, &f->loop);
        else
            conn_deinit(&u.conn);
        assert_int_equal(u.n_closed, 1);
    }
    peer_stop(&peer);
}

struct lookup {
    struct resolve resolve;
    bool done;
};

static void lookup_done(struct op *op)
{
    struct lookup *l = container_of(op, struct lookup, resolve.op);

    assert_false(l->done);
    l->done = true;
}

static void test_resolve(void **state)
{
    struct fixture *f = *state;
    struct endpoint ep = {.host = "::1", .port = 80};
    struct lookup l = {.done = false};

    resolve_start(&l.resolve, &f->loop, &ep, WAIT_MS, lookup_done);
    assert_false(l.done);
    assert_true(loop_run_until_set(&f->loop, &l.done, WAIT_MS));
    assert_int_equal(l.resolve.op.err.code, ERR_NONE);
    assert_int_equal(l.resolve.n, 1);
    assert_int_equal(l.resolve.addresses[0].any.sa_family, AF_INET6);
    assert_int_equal(ntohs(l.resolve.addresses[0].in6.sin6_port), 80);

    str_copy(ep.host, sizeof(ep.host), "localhost");
    l.done = false;
    resolve_start(&l.resolve, &f->loop, &ep, WAIT_MS, lookup_done);
    op_cancel(&l.resolve.op);
    op_cancel(&l.resolve.op);
    assert_false(l.done);
    assert_true(loop_run_until_set(&f->loop, &l.done, WAIT_MS));
    assert_int_equal(l.resolve.op.err.code, ERR_CANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echo, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_reason_of_the_owner_is_kept, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(test_peer_closes, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_refused, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_each_address_of_a_name_is_tried, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(test_name_that_does_not_resolve, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_black_hole, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_unix_socket, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_what_the_kernel_does_not_take_is_queued, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(test_queue_is_bounded, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_connect_from_closed, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_close_at_every_turn, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_resolve, loop_setup, loop_teardown),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
