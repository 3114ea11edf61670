/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in: the rules for each kind of listener, tokens, and the control socket's peers. */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "tests/unit/guard_rig.h"
#include "tests/unit/http_client.h"

/* --- nothing configured --- */

static void on_the_loopback_everybody_may_operate(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);

    expect_access(rig, "GET /open", HOST, 200, "\"loopback\"");
    expect_access(rig, "GET /read", HOST, 200, "\"operate\":true");
    expect_access(rig, "POST /act", HOST EMPTY, 200, "\"operate\":true");
    expect_access(rig, "POST /act", BEARER("whatever") EMPTY, 200, "\"loopback\"");
    /* Of no use anywhere else, though the listener should not even be there. */
    rig->listener->loopback = false;
    expect_access(rig, "GET /read", HOST, 401, "unauthorized");
    expect_access(rig, "POST /act", HOST EMPTY, 401, "unauthorized");
    expect_access(rig, "GET /open", HOST, 200, "\"operate\":false");
}

static void names_that_were_made_to_point_here_are_refused(void **state)
{
    static const char *const good[] = {"localhost", "LOCALHOST:1", "127.0.0.1:8600", "[::1]:8600",
                                       "10.1.2.3",  "box.example", "Box.Example:9"};
    static const char *const bad[] = {"evil.example",
                                      "localhost.evil.example:8600",
                                      "127.0.0.1.evil.example",
                                      "evil.example:127",
                                      "",
                                      "[::1",
                                      "[evil.example]:1",
                                      "box.example.",
                                      ":8600",
                                      "127.0.0.1:1.evil.example",
                                      "[::1].evil.example",
                                      "localhost:@evil.example"};
    struct guard_rig *rig = guard_rig_of(state);
    char headers[100];

    for (size_t i = 0; i < array_len(good); i++) {
        snprintf(headers, sizeof(headers), "Host: %s\r\n", good[i]);
        expect_access(rig, "GET /read", headers, 200, "loopback");
    }
    for (size_t i = 0; i < array_len(bad); i++) {
        snprintf(headers, sizeof(headers), "Host: %s\r\n", bad[i]);
        expect_access(rig, "GET /open", headers, 421, "\"wrong-host\"");
    }
    assert_false(guard_host_is_ours(NULL, "x"));
    assert_false(guard_host_is_ours("", ""));
    guard_rig_configure(rig);
    expect_access(rig, "GET /open", "Host: any.example\r\n", 200, "anybody");
}

static void pages_of_other_origins_change_nothing(void **state)
{
    static const char *const good[] = {HOST EMPTY "Origin: http://localhost:8600\r\n",
                                       HOST EMPTY "Origin: https://LOCALHOST:8600\r\n",
                                       HOST EMPTY "Sec-Fetch-Site: same-origin\r\n",
                                       HOST EMPTY "Sec-Fetch-Site: none\r\n"};
    static const char *const bad[] = {
        HOST EMPTY "Origin: null\r\n",
        HOST EMPTY "Origin: http://evil.example\r\n",
        HOST EMPTY "Origin: http://localhost\r\n",
        HOST EMPTY "Origin: http://localhost:8601\r\n",
        HOST EMPTY "Origin: http://localhost:8600.evil.example\r\n",
        HOST EMPTY "Origin: file://localhost:8600\r\n",
        HOST EMPTY "Origin: localhost:8600\r\n",
        HOST EMPTY "Sec-Fetch-Site: cross-site\r\n",
        HOST EMPTY "Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:8600\r\n"};
    struct guard_rig *rig = guard_rig_of(state);

    for (size_t i = 0; i < array_len(good); i++)
        expect_access(rig, "POST /act", good[i], 200, "loopback");
    for (size_t i = 0; i < array_len(bad); i++) {
        expect_access(rig, "POST /act", bad[i], 403, "\"cross-origin\"");
        expect_access(rig, "POST /", bad[i], 403, "\"cross-origin\"");
        expect_access(rig, "GET /read", bad[i], 200,
                      "loopback"); /* what it answers, the page cannot see */
    }
}

/* --- tokens --- */

static void tokens_are_asked_for(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);
    struct http_client c;
    char value[32];

    guard_rig_configure(rig);
    expect_access(rig, "GET /open", HOST, 200, "{\"name\":\"anybody\",\"operate\":false}");
    expect_access(rig, "GET /read", HOST, 401, "a token is needed here");
    expect_access(rig, "GET /read", BEARER(READ_TOKEN), 200,
                  "{\"name\":\"token eyes\",\"operate\":false}");
    expect_access(rig, "GET /read", HOST "authorization: bEARER   " READ_TOKEN "\r\n", 200,
                  "token eyes");
    expect_access(rig, "GET /read", BEARER(READ_TOKEN "x"), 401, "the token is not known");
    expect_access(rig, "GET /read", BEARER(""), 401, "\"unauthorized\"");
    expect_access(rig, "GET /read", HOST "Authorization: Basic " READ_TOKEN "\r\n", 401, "needed");
    expect_access(rig, "POST /act", BEARER(READ_TOKEN) EMPTY, 403, "token 'eyes' may read only");
    expect_access(rig, "POST /act", BEARER(OPERATE_TOKEN) EMPTY, 200, "\"token ops\"");
    expect_access(rig, "POST /act", HOST EMPTY, 401, "\"hint\":\"Send it as in");

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /read HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_answer(&c, rig->api.loop));
    assert_string_equal(client_header(&c, "WWW-Authenticate", value, sizeof(value)), "Bearer");
    client_close(&c);
}

static void without_tokens_there_is_a_hint(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);
    struct config_user keys[1];
    struct config_api config = {.access_keys = keys, .n_access_keys = 1};
    char *key = guard_rig_write(rig, "key", KEY_SECRET);
    struct err err;

    config.access_keys[0] = (struct config_user){.name = (char[]){"AKID"}, .file = key};
    assert_int_equal(credentials_load(&config, &rig->api.credentials, &err), 0);
    free(key);
    expect_access(rig, "GET /read", BEARER("0123456789abcdef"), 401, "no tokens are configured");
    expect_access(rig, "POST /", ANY_SIGNATURE, 403, "<Code>InvalidClientTokenId</Code>");
}

/* --- the control socket --- */

static void the_control_socket_asks_for_nothing(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);

    rig->listener->control = true;
    guard_rig_configure(rig);
    expect_access(rig, "POST /act", "Host: evil.example\r\nOrigin: null\r\n" EMPTY, 200,
                  "\"operate\":true");
    expect_access(rig, "POST /", HOST EMPTY, 200, "\"uid ");
    expect_access(rig, "GET /read", HOST, 200, "(pid ");
}

struct peer_case {
    uid_t uid;
    gid_t gid;
    gid_t groups[2];
    size_t n_groups;
    gid_t wanted;
    bool may;
};

/* A process that connects as somebody else: is it let in? */
static bool peer_may(struct guard_rig *rig, const struct peer_case *c)
{
    struct guard guard = {.has_group = c->wanted != 0, .group = c->wanted};
    struct http_peer peer = {.is_unix = true};
    struct ucred cred;
    socklen_t len = sizeof(cred);
    char path[TEMP_DIR_MAX + 8];
    struct err err;
    int fd, ready[2];
    pid_t child;
    bool may;

    snprintf(path, sizeof(path), "%s/peer", rig->dir);
    assert_int_equal(http_listen_unix(path, 0666, NULL, &fd, &err), 0);
    assert_int_equal(chmod(rig->dir, 0755), 0);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct http_client client;
        char byte;

        close(ready[1]);
        if (setgroups(c->n_groups, c->groups) || setgid(c->gid) || setuid(c->uid))
            _exit(1);
        client_connect(&client, path);
        _exit(read(ready[0], &byte, 1) != 0);
    }
    close(ready[0]);
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0); /* wait for the child */
    peer.fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(peer.fd >= 0);
    assert_int_equal(getsockopt(peer.fd, SOL_SOCKET, SO_PEERCRED, &cred, &len), 0);
    peer.uid = cred.uid;
    peer.gid = cred.gid;
    peer.pid = cred.pid;
    may = guard_peer_may(&guard, &peer);
    close(ready[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(peer.fd);
    close(fd);
    return may;
}

static void strangers_are_kept_from_the_control_socket(void **state)
{
    static const struct peer_case cases[] = {
        {.uid = 0, .gid = 12345, .may = true},
        {.uid = 12345, .gid = 12345},
        {.uid = 12345, .gid = 12345, .wanted = 500},
        {.uid = 12345, .gid = 0, .wanted = 500},
        {.uid = 12345, .gid = 500, .wanted = 500, .may = true},
        {.uid = 12345, .gid = 1, .groups = {7, 500}, .n_groups = 2, .wanted = 500, .may = true},
        {.uid = 12345, .gid = 1, .groups = {7, 8}, .n_groups = 2, .wanted = 500},
    };
    struct guard_rig *rig = guard_rig_of(state);

    assert_false(guard_peer_may(&rig->api.guard, &(struct http_peer){.is_unix = false}));
    if (geteuid() != 0) { /* only root may become others */
        skip();
        return;
    }
    for (size_t i = 0; i < array_len(cases); i++) {
        if (peer_may(rig, &cases[i]) != cases[i].may)
            fail_msg("case %zu", i);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, guard_rig_setup, guard_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(on_the_loopback_everybody_may_operate),
        TEST(names_that_were_made_to_point_here_are_refused),
        TEST(pages_of_other_origins_change_nothing),
        TEST(tokens_are_asked_for),
        TEST(without_tokens_there_is_a_hint),
        TEST(the_control_socket_asks_for_nothing),
        TEST(strangers_are_kept_from_the_control_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
