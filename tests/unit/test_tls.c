/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/net/tls.h"
#include "lib/net/tls_context.h"
#include "tests/unit/fixture.h"
#include "tests/unit/peer.h"
#include "tests/unit/tls_server.h"

#define WAIT_MS 10000
#define WHOLE ((struct tls_script){.cut = SIZE_MAX})

/* One directory of certificates for all tests. */
static struct tls_names names;

struct user {
    struct conn conn;
    struct tls_contexts *contexts;
    struct tls_peer *peer;
    bool opened, closed;
    unsigned n_opened, n_closed;
    size_t got;
    struct err why;
};

static void on_opened(struct conn *conn)
{
    struct user *u = container_of(conn, struct user, conn);

    u->opened = true;
    u->n_opened++;
}

static void on_data(struct conn *conn, const char *data, size_t len)
{
    (void)data;
    container_of(conn, struct user, conn)->got += len;
}

static void on_closed(struct conn *conn, const struct err *why)
{
    struct user *u = container_of(conn, struct user, conn);

    u->why = *why;
    u->n_closed++;
    u->closed = true;
}

static const struct conn_events events = {
    .opened = on_opened, .data = on_data, .closed = on_closed};

static struct tls_settings trusting(void)
{
    return (struct tls_settings){.ca_file = names.ca};
}

static void user_init(struct user *u, uv_loop_t *loop, const struct tls_settings *settings)
{
    *u = (struct user){.contexts = tls_contexts_new(loop)};
    conn_init(&u->conn, loop, &conn_plain, &events);
    u->peer = tls_peer_new(u->contexts, settings, "127.0.0.1");
    conn_set_transport(&u->conn, &conn_tls, u->peer);
}

static void user_connect(struct user *u, uint16_t port, uint64_t timeout_ms)
{
    const struct endpoint ep = {.host = "127.0.0.1", .port = port};

    u->opened = u->closed = false;
    u->n_opened = u->n_closed = 0;
    u->got = 0;
    conn_connect(&u->conn, &ep, timeout_ms);
}

static void user_deinit(struct user *u)
{
    conn_deinit(&u->conn);
    tls_peer_free(u->peer);
    tls_contexts_free(u->contexts);
}

static void user_open(struct user *u, uv_loop_t *loop, uint16_t port)
{
    user_connect(u, port, WAIT_MS);
    if (!loop_run_until_set(loop, &u->opened, WAIT_MS))
        fail_msg("not opened: %s", u->why.msg);
}

static void user_end(struct user *u, uv_loop_t *loop)
{
    conn_end(&u->conn, NULL);
    assert_true(loop_run_until_set(loop, &u->closed, WAIT_MS));
}

static void expect_end(struct user *u, uv_loop_t *loop, enum err_code code, const char *says)
{
    assert_true(loop_run_until_set(loop, &u->closed, WAIT_MS));
    assert_int_equal(u->n_closed, 1);
    if (!strstr(u->why.msg, says))
        fail_msg("'%s' is not in '%s'", says, u->why.msg);
    assert_int_equal(u->why.code, code);
}

struct goal {
    const size_t *got;
    size_t bytes;
};

static bool is_reached(void *arg)
{
    const struct goal *goal = arg;

    return *goal->got >= goal->bytes;
}

static void exchange(struct user *u, uv_loop_t *loop, size_t bytes)
{
    struct goal goal = {&u->got, u->got + bytes};
    char *data = xcalloc(1, bytes);

    conn_write(&u->conn, data, bytes);
    free(data);
    assert_true(loop_run_until(loop, is_reached, &goal, WAIT_MS));
}

/* --- what works --- */

static void data_goes_to_and_fro(void **state)
{
    struct fixture *f = *state;
    const struct tls_settings settings = trusting();
    struct tls_server server;
    struct user u;

    tls_server_start(&server, &f->loop, &names, &WHOLE);
    user_init(&u, &f->loop, &settings);
    user_open(&u, &f->loop, server.port);
    assert_true(tls_peer_ends_at(u.peer) > 0);
    exchange(&u, &f->loop, 5);
    exchange(&u, &f->loop, 600000);
    exchange(&u, &f->loop, 1);
    user_end(&u, &f->loop);
    tls_server_stop(&server);
    assert_int_equal(server.notified, 1); /* it was told that this is the end */
    user_deinit(&u);
}

static void resumes(struct fixture *f, int version)
{
    const struct tls_script script = {.cut = SIZE_MAX, .version = version};
    const struct tls_settings settings = trusting();
    struct tls_server server;
    struct user u;

    tls_server_start(&server, &f->loop, &names, &script);
    user_init(&u, &f->loop, &settings);
    for (unsigned i = 0; i < 3; i++) {
        user_open(&u, &f->loop, server.port);
        assert_int_equal(tls_peer_resumed(u.peer), i > 0);
        exchange(&u, &f->loop, 5); /* a ticket of TLS 1.3 comes with the first data */
        user_end(&u, &f->loop);
    }
    assert_int_equal(server.resumed, 2);
    tls_contexts_forget(u.contexts); /* what was accepted may not be any more */
    user_open(&u, &f->loop, server.port);
    assert_false(tls_peer_resumed(u.peer));
    user_end(&u, &f->loop);
    tls_server_stop(&server);
    user_deinit(&u);
}

static void a_session_is_resumed(void **state)
{
    resumes(*state, TLS1_2_VERSION);
    resumes(*state, TLS1_3_VERSION);
}

/* The authority's file is replaced: the next connection goes by the new one. */
static void files_are_read_anew(void **state)
{
    struct fixture *f = *state;
    struct tls_settings settings = trusting();
    char link[TEMP_DIR_MAX + 16], dir[TEMP_DIR_MAX], text[4096];
    struct tls_server server;
    struct user u;
    FILE *file;
    size_t n;

    temp_dir_make(dir);
    snprintf(link, sizeof(link), "%s/ca.pem", dir);
    settings.ca_file = link;
    tls_server_start(&server, &f->loop, &names, &WHOLE);
    user_init(&u, &f->loop, &settings);
    for (int good = 0; good < 2; good++) {
        file = fopen(good ? names.ca : names.other_ca, "re");
        n = fread(text, 1, sizeof(text), file);
        fclose(file);
        file = fopen(link, "we");
        fwrite(text, 1, n, file);
        fclose(file);
        user_connect(&u, server.port, WAIT_MS);
        if (good) {
            assert_true(loop_run_until_set(&f->loop, &u.opened, WAIT_MS));
            user_end(&u, &f->loop);
        } else {
            expect_end(&u, &f->loop, ERR_TLS, "'Test Authority', is not in tls.ca_file");
        }
    }
    tls_server_stop(&server);
    user_deinit(&u);
    temp_dir_remove(dir);
}

static void a_certificate_is_shown(void **state)
{
    struct fixture *f = *state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < array_len(versions); i++) {
        const struct tls_script script = {
            .cut = SIZE_MAX, .version = versions[i], .wants_cert = true};
        struct tls_settings settings = trusting();
        struct tls_server server;
        struct user u;

        tls_server_start(&server, &f->loop, &names, &script);
        user_init(&u, &f->loop, &settings);
        user_connect(&u, server.port, WAIT_MS);
        expect_end(&u, &f->loop, ERR_TLS, "asks for a client certificate");
        user_deinit(&u);
        settings.cert_file = names.client_cert;
        settings.key_file = names.client_key;
        user_init(&u, &f->loop, &settings);
        user_open(&u, &f->loop, server.port);
        exchange(&u, &f->loop, 5);
        user_end(&u, &f->loop);
        user_deinit(&u);
        tls_server_stop(&server);
    }
}

/* --- what does not --- */

static void who_it_is_not(void **state)
{
    char other[] = "other.example", server_name[] = "server.example", address[] = "127.0.0.2";
    char missing[] = "/no/such/file";
    const struct {
        struct tls_settings settings;
        const char *says; /* NULL: it opens */
    } rows[] = {
        {{.ca_file = names.other_ca}, "the authority of its certificate"},
        {{.ca_file = NULL}, "system's authorities"},
        {{.ca_file = names.other_ca, .verify = TLS_VERIFY_CA}, "who issued its certificate"},
        {{.ca_file = names.other_ca, .verify = TLS_VERIFY_NONE}, NULL},
        {{.ca_file = names.ca, .server_name = other},
         "not for 'other.example', but for: 127.0.0.1, server.example"},
        {{.ca_file = names.ca, .server_name = other, .verify = TLS_VERIFY_CA}, NULL},
        {{.ca_file = names.ca, .server_name = server_name}, NULL},
        {{.ca_file = names.ca, .server_name = address}, "not for '127.0.0.2'"},
        {{.ca_file = missing}, "ca_file: /no/such/file"},
        {{.ca_file = names.key}, "no certificate in PEM"},
        {{.cert_file = names.cert, .key_file = names.client_key}, "is not the key of"},
        {{.cert_file = names.cert, .key_file = names.cert}, "no private key in PEM"},
    };
    struct fixture *f = *state;
    struct tls_server server;

    tls_server_start(&server, &f->loop, &names, &WHOLE);
    for (size_t i = 0; i < array_len(rows); i++) {
        struct user u;

        user_init(&u, &f->loop, &rows[i].settings);
        if (rows[i].says) {
            user_connect(&u, server.port, WAIT_MS);
            /* Which of two words it is, is up to what the server sends along. */
            if (strstr(rows[i].says, "issued") || strstr(rows[i].says, "authority of"))
                expect_end(&u, &f->loop, ERR_TLS, "its certificate, 'Test Authority', is not in");
            else
                expect_end(&u, &f->loop, ERR_TLS, rows[i].says);
        } else {
            user_open(&u, &f->loop, server.port);
            user_end(&u, &f->loop);
        }
        user_deinit(&u);
    }
    tls_server_stop(&server);
}

static void what_is_no_tls(void **state)
{
    struct fixture *f = *state;
    const struct tls_settings settings = trusting();
    const struct peer_script plain = {.greet = true, .answers = {"-DENIED no\r\n"}};
    const struct peer_script mute = {.deaf = true};
    struct peer peer;
    struct user u;

    peer_start(&peer, &f->loop, &plain);
    user_init(&u, &f->loop, &settings);
    user_connect(&u, peer.port, WAIT_MS);
    expect_end(&u, &f->loop, ERR_TLS, "does not speak TLS (it answers '-DENIED no')");
    peer_stop(&peer);
    peer_start(&peer, &f->loop, &mute);
    user_connect(&u, peer.port, 200);
    expect_end(&u, &f->loop, ERR_TIMEOUT,
               "the TLS handshake did not end within 200 ms; nothing came back");
    peer_stop(&peer);
    user_deinit(&u);
}

static void an_end_without_a_word(void **state)
{
    struct fixture *f = *state;
    const struct tls_script script = {.cut = SIZE_MAX, .hang_up = true};
    const struct tls_settings settings = trusting();
    struct tls_server server;
    struct user u;

    tls_server_start(&server, &f->loop, &names, &script);
    user_init(&u, &f->loop, &settings);
    user_connect(&u, server.port, WAIT_MS);
    expect_end(&u, &f->loop, ERR_CLOSED, "the peer closed the connection");
    assert_int_equal(u.n_opened, 1);
    tls_server_stop(&server);
    user_deinit(&u);
}

static bool opened_or_closed(void *arg)
{
    const struct user *u = arg;

    return u->opened || u->closed;
}

/* Until so many bytes behind the first handshake that was whole. */
static void cut_everywhere(struct fixture *f, int version, unsigned behind)
{
    struct tls_script script = {.version = version};
    const struct tls_settings settings = trusting();
    struct tls_server server;
    unsigned whole = 0;
    struct user u;

    tls_server_start(&server, &f->loop, &names, &script);
    user_init(&u, &f->loop, &settings);
    for (size_t cut = 0; whole < behind; cut++) {
        server.script.cut = cut;
        user_connect(&u, server.port, WAIT_MS);
        assert_true(loop_run_until(&f->loop, opened_or_closed, &u, WAIT_MS));
        whole += u.opened;
        if (u.opened && (whole % 2 || cut > server.sent))
            conn_end(&u.conn, NULL);
        assert_true(loop_run_until_set(&f->loop, &u.closed, WAIT_MS));
        assert_true(u.why.code == ERR_CLOSED || (u.opened && u.why.code == ERR_CANCELED));
        assert_true(cut < 5000);
    }
    assert_true(server.accepted > 300 + whole);
    tls_server_stop(&server);
    user_deinit(&u);
}

static void a_handshake_is_cut_at_each_byte(void **state)
{
    cut_everywhere(*state, TLS1_2_VERSION, 8);
    cut_everywhere(*state, TLS1_3_VERSION, 400); /* and in its tickets */
}

static void given_up_after_some_turns(void **state)
{
    struct fixture *f = *state;
    const struct tls_settings settings = trusting();
    struct tls_server server;

    tls_server_start(&server, &f->loop, &names, &WHOLE);
    for (unsigned turns = 0; turns < 40; turns++) {
        struct user u;

        user_init(&u, &f->loop, &settings);
        user_connect(&u, server.port, WAIT_MS);
        for (unsigned i = 0; i < turns; i++)
            uv_run(&f->loop, UV_RUN_NOWAIT);
        conn_end(&u.conn, NULL);
        expect_end(&u, &f->loop, ERR_CANCELED, "closed by this side");
        user_deinit(&u);
    }
    tls_server_stop(&server);
}

static void a_peer_that_takes_nothing(void **state)
{
    struct fixture *f = *state;
    const struct tls_script script = {.cut = SIZE_MAX, .deaf = true};
    const struct tls_settings settings = trusting();
    struct tls_server server;
    char *data = xcalloc(1, 512 << 10);
    struct user u;

    tls_server_start(&server, &f->loop, &names, &script);
    user_init(&u, &f->loop, &settings);
    user_open(&u, &f->loop, server.port);
    for (unsigned i = 0; i < 100 && conn_state(&u.conn) == CONN_OPEN; i++)
        conn_write(&u.conn, data, 512 << 10);
    expect_end(&u, &f->loop, ERR_LIMIT, "the peer takes no more");
    user_open(&u, &f->loop, server.port);
    data = xrealloc(data, 1, CONN_WRITE_QUEUE_MAX + 1);
    conn_write(&u.conn, data, CONN_WRITE_QUEUE_MAX + 1);
    expect_end(&u, &f->loop, ERR_LIMIT, "too many to be sent at once");
    free(data);
    tls_server_stop(&server);
    user_deinit(&u);
}

static unsigned count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void a_thousand_connects_leave_nothing(void **state)
{
    struct fixture *f = *state;
    const struct tls_settings settings = trusting();
    struct tls_server server;
    struct user u;
    unsigned files = 0;

    tls_server_start(&server, &f->loop, &names, &WHOLE);
    user_init(&u, &f->loop, &settings);
    for (unsigned i = 0; i < 1000; i++) {
        user_open(&u, &f->loop, server.port);
        user_end(&u, &f->loop);
        if (i == 10)
            files = count_files();
    }
    assert_in_range(count_files(), files - 3, files + 3);
    tls_server_stop(&server);
    user_deinit(&u);
}

/* --- contexts --- */

struct asker {
    struct tls_wait wait;
    bool ready;
    SSL_CTX *ctx;
    uint64_t made;
};

static void on_ready(struct tls_wait *wait, SSL_CTX *ctx, uint64_t made, const struct err *err)
{
    struct asker *a = container_of(wait, struct asker, wait);

    assert_int_equal(ctx == NULL, err->code != ERR_NONE);
    a->ready = true;
    a->ctx = ctx;
    a->made = made;
}

static void ask(struct fixture *f, struct tls_contexts *contexts, const struct tls_settings *s,
                struct asker *ret)
{
    *ret = (struct asker){.ready = false};
    tls_wait_init(&ret->wait, on_ready);
    tls_contexts_get(contexts, s, &ret->wait);
    assert_true(loop_run_until_set(&f->loop, &ret->ready, WAIT_MS));
}

static void contexts_are_shared(void **state)
{
    struct fixture *f = *state;
    struct tls_contexts *contexts = tls_contexts_new(&f->loop);
    struct tls_settings settings = trusting();
    struct asker a, b, c;

    ask(f, contexts, &settings, &a);
    settings.verify = TLS_VERIFY_NONE; /* that is each connection's own */
    ask(f, contexts, &settings, &b);
    assert_ptr_equal(a.ctx, b.ctx);
    settings.ca_file = names.other_ca;
    ask(f, contexts, &settings, &c);
    assert_int_not_equal(a.made, c.made);
    for (unsigned i = 0; i < 600; i++) { /* there is a limit */
        char path[32];

        snprintf(path, sizeof(path), "/no/such/%u", i);
        settings.ca_file = path;
        ask(f, contexts, &settings, &c);
        assert_null(c.ctx);
    }
    settings = trusting();
    ask(f, contexts, &settings, &b);
    assert_int_not_equal(a.made, b.made);
    tls_wait_init(&c.wait, on_ready);
    settings.ca_file = names.other_ca;
    tls_contexts_get(contexts, &settings, &c.wait);
    tls_wait_cancel(&c.wait);
    tls_contexts_free(contexts); /* what is being read goes by itself */
}

static int make_names(void **state)
{
    static char dir[TEMP_DIR_MAX];

    temp_dir_make(dir);
    tls_names_make(&names, dir);
    *state = dir;
    return 0;
}

static int remove_names(void **state)
{
    temp_dir_remove(*state);
    return 0;
}

int main(void)
{
#define LOOP(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)
    const struct CMUnitTest tests[] = {
        LOOP(data_goes_to_and_fro),
        LOOP(a_session_is_resumed),
        LOOP(files_are_read_anew),
        LOOP(a_certificate_is_shown),
        LOOP(who_it_is_not),
        LOOP(what_is_no_tls),
        LOOP(an_end_without_a_word),
        LOOP(a_handshake_is_cut_at_each_byte),
        LOOP(given_up_after_some_turns),
        LOOP(a_peer_that_takes_nothing),
        LOOP(a_thousand_connects_leave_nothing),
        LOOP(contexts_are_shared),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_names, remove_names);
}
