/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in: keys and tokens from their files, the rules for each kind of listener, and the
 * hook over a real server whose handler tells who asks. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/api/private.h"
#include "lib/http/listen.h"
#include "tests/unit/fixture.h"
#include "tests/unit/http_client.h"

#define OPERATE_TOKEN "0123456789abcdef-operate"
#define READ_TOKEN "0123456789abcdef-read"
#define KEY_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

struct rig {
    struct api api;
    struct api_listener *listener;
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8];
    bool closed;
};

static char *write_file(const struct rig *rig, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", rig->dir, name);
    FILE *f = fopen(path, "we");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* --- server --- */

static void tell_caller(struct http_request *request, void *arg)
{
    const struct api_caller *caller = api_caller(request);

    (void)arg;
    http_respond_json(
        request, 200,
        json_pack("{s:s, s:b}", "name", caller->name, "operate", caller->may_operate));
}

static const struct http_route routes[] = {
    {"GET", "/open", tell_caller, "open", ACCESS_OPEN, HTTP_BODY_RAW},
    {"GET", "/read", tell_caller, "read", ACCESS_READ, HTTP_BODY_RAW},
    {"POST", "/act", tell_caller, "act", ACCESS_OPERATE, HTTP_BODY_RAW},
    {"POST", "/", tell_caller, "signed", ACCESS_SIGNED, HTTP_BODY_RAW},
};

static int setup(void **state)
{
    struct rig *rig = xcalloc(1, sizeof(*rig));
    struct http_server_options options = {.routes = routes, .n_routes = array_len(routes)};
    struct fixture *f;
    struct err err;

    if (loop_setup(state))
        return -1;
    f = *state;
    f->data = rig;
    temp_dir_make(rig->dir);
    snprintf(rig->path, sizeof(rig->path), "%s/sock", rig->dir);
    rig->api.loop = &f->loop;
    guard_init(&rig->api.guard, "no-such-group");
    rig->listener = &rig->api.listeners[0];
    *rig->listener = (struct api_listener){
        .api = &rig->api, .loopback = true, .at = {.host = "box.example", .port = 8600}};
    assert_int_equal(http_listen_unix(rig->path, 0600, NULL, &options.fd, &err), 0);
    options.hooks = (struct http_hooks){.admit = guard_admit, .arg = rig->listener};
    assert_int_equal(http_server_new(&f->loop, &options, &rig->listener->server, &err), 0);
    return 0;
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct rig *rig = f->data;

    http_server_free(rig->listener->server, set_flag, &rig->closed);
    assert_true(loop_run_until_set(&f->loop, &rig->closed, CLIENT_MS));
    credentials_free(rig->api.credentials);
    temp_dir_remove(rig->dir);
    free(rig);
    return loop_teardown(state);
}

static struct rig *rig_of(void **state)
{
    return ((struct fixture *)*state)->data;
}

/* A key and two tokens. */
static void configure(struct rig *rig)
{
    struct config_api config = {.n_access_keys = 1, .n_tokens = 2};
    char *key = write_file(rig, "key", KEY_SECRET "\n");
    char *operate = write_file(rig, "operate", OPERATE_TOKEN "\n");
    char *read = write_file(rig, "read", READ_TOKEN);
    struct err err;

    config.access_keys[0] =
        (struct config_user){.name = (char[]){"AKID"}, .file = key, .actions = ACTIONS_READ};
    config.tokens[0] =
        (struct config_user){.name = (char[]){"ops"}, .file = operate, .actions = ACTIONS_OPERATE};
    config.tokens[1] =
        (struct config_user){.name = (char[]){"eyes"}, .file = read, .actions = ACTIONS_READ};
    if (credentials_load(&config, &rig->api.credentials, &err))
        fail_msg("%s", err.msg);
    free(key);
    free(operate);
    free(read);
}

static char *answer; /* of the last request; what ask() returned before is gone */

/* head: request line without version, and headers with their line ends. */
static int ask(struct rig *rig, const char *line, const char *headers)
{
    cleanup(freep) char *request = xasprintf("%s HTTP/1.1\r\n%s\r\n", line, headers);

    free(take(answer));
    return client_ask(rig->api.loop, rig->path, request, &answer);
}

static void expect(struct rig *rig, const char *line, const char *headers, int status,
                   const char *part)
{
    int got = ask(rig, line, headers);

    if (got != status || !strstr(answer, part))
        fail_msg("%s %s: %d instead of %d, or no '%s' in: %s", line, headers, got, status, part,
                 answer);
}

#define HOST "Host: localhost:8600\r\n"
#define BEARER(token) HOST "Authorization: Bearer " token "\r\n"
#define EMPTY "Content-Length: 0\r\n"

/* --- nothing configured --- */

static void on_the_loopback_everybody_may_operate(void **state)
{
    struct rig *rig = rig_of(state);

    expect(rig, "GET /open", HOST, 200, "\"loopback\"");
    expect(rig, "GET /read", HOST, 200, "\"operate\":true");
    expect(rig, "POST /act", HOST EMPTY, 200, "\"operate\":true");
    expect(rig, "POST /act", BEARER("whatever") EMPTY, 200, "\"loopback\"");
    /* Of no use anywhere else, though the listener should not even be there. */
    rig->listener->loopback = false;
    expect(rig, "GET /read", HOST, 401, "unauthorized");
    expect(rig, "POST /act", HOST EMPTY, 401, "unauthorized");
    expect(rig, "GET /open", HOST, 200, "\"operate\":false");
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
    struct rig *rig = rig_of(state);
    char headers[100];

    for (size_t i = 0; i < array_len(good); i++) {
        snprintf(headers, sizeof(headers), "Host: %s\r\n", good[i]);
        expect(rig, "GET /read", headers, 200, "loopback");
    }
    for (size_t i = 0; i < array_len(bad); i++) {
        snprintf(headers, sizeof(headers), "Host: %s\r\n", bad[i]);
        expect(rig, "GET /open", headers, 421, "\"wrong-host\"");
    }
    assert_false(guard_host_is_ours(NULL, "x"));
    assert_false(guard_host_is_ours("", ""));
    configure(rig);
    expect(rig, "GET /open", "Host: any.example\r\n", 200, "anybody");
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
    struct rig *rig = rig_of(state);

    for (size_t i = 0; i < array_len(good); i++)
        expect(rig, "POST /act", good[i], 200, "loopback");
    for (size_t i = 0; i < array_len(bad); i++) {
        expect(rig, "POST /act", bad[i], 403, "\"cross-origin\"");
        expect(rig, "POST /", bad[i], 403, "\"cross-origin\"");
        expect(rig, "GET /read", bad[i], 200,
               "loopback"); /* what it answers, the page cannot see */
    }
}

#define ANY_CREDENTIAL "Credential=anything/20150830/us-east-1/any/aws4_request"
#define ANY_SIGNATURE                                                                              \
    HOST EMPTY "X-Amz-Date: 20150830T123600Z\r\n"                                                  \
               "Authorization: AWS4-HMAC-SHA256 " ANY_CREDENTIAL                                   \
               ", SignedHeaders=host;x-amz-date, Signature="                                       \
               "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b\r\n"

static void on_the_loopback_any_signature_will_do(void **state)
{
    struct rig *rig = rig_of(state);

    expect(rig, "POST /", ANY_SIGNATURE, 200, "{\"name\":\"key anything\",\"operate\":true}");
    expect(rig, "POST /", HOST EMPTY, 403, "<Code>MissingAuthenticationToken</Code>");
    expect(rig, "POST /", BEARER("x") EMPTY, 400, "<Code>IncompleteSignature</Code>");
}

/* --- tokens --- */

static void tokens_are_asked_for(void **state)
{
    struct rig *rig = rig_of(state);
    struct http_client c;
    char value[32];

    configure(rig);
    expect(rig, "GET /open", HOST, 200, "{\"name\":\"anybody\",\"operate\":false}");
    expect(rig, "GET /read", HOST, 401, "a token is needed here");
    expect(rig, "GET /read", BEARER(READ_TOKEN), 200,
           "{\"name\":\"token eyes\",\"operate\":false}");
    expect(rig, "GET /read", HOST "authorization: bEARER   " READ_TOKEN "\r\n", 200, "token eyes");
    expect(rig, "GET /read", BEARER(READ_TOKEN "x"), 401, "the token is not known");
    expect(rig, "GET /read", BEARER(""), 401, "\"unauthorized\"");
    expect(rig, "GET /read", HOST "Authorization: Basic " READ_TOKEN "\r\n", 401, "needed");
    expect(rig, "POST /act", BEARER(READ_TOKEN) EMPTY, 403, "token 'eyes' may read only");
    expect(rig, "POST /act", BEARER(OPERATE_TOKEN) EMPTY, 200, "\"token ops\"");
    expect(rig, "POST /act", HOST EMPTY, 401, "\"hint\":\"Send it as in");

    client_connect(&c, rig->path);
    client_send_text(&c, "GET /read HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(client_wait_answer(&c, rig->api.loop));
    assert_string_equal(client_header(&c, "WWW-Authenticate", value, sizeof(value)), "Bearer");
    client_close(&c);
}

static void without_tokens_there_is_a_hint(void **state)
{
    struct rig *rig = rig_of(state);
    struct config_api config = {.n_access_keys = 1};
    char *key = write_file(rig, "key", KEY_SECRET);
    struct err err;

    config.access_keys[0] = (struct config_user){.name = (char[]){"AKID"}, .file = key};
    assert_int_equal(credentials_load(&config, &rig->api.credentials, &err), 0);
    free(key);
    expect(rig, "GET /read", BEARER("0123456789abcdef"), 401, "no tokens are configured");
    expect(rig, "POST /", ANY_SIGNATURE, 403, "<Code>InvalidClientTokenId</Code>");
}

/* --- signatures --- */

static void hmac(const void *key, size_t key_len, const char *text, unsigned char ret[32])
{
    unsigned char copy[64];

    assert_true(key_len <= sizeof(copy));
    memcpy(copy, key, key_len);
    assert_non_null(HMAC(EVP_sha256(), copy, (int)key_len, (const unsigned char *)text,
                         strlen(text), ret, NULL));
}

static const char *hex(const unsigned char hash[32], char buf[65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(buf + 2 * i, 3, "%02x", hash[i]);
    return buf;
}

static const char *sha256(const char *text, char buf[65])
{
    unsigned char hash[32];

    assert_int_equal(EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL), 1);
    return hex(hash, buf);
}

/* The headers and body of POST / as a client signs it; age_s: how old it is. For free(). */
static char *sign(const char *id, const char *secret, const char *service, const char *body,
                  int age_s)
{
    const time_t at = time(NULL) - age_s;
    const char *const steps[] = {"us-west-2", service, "aws4_request"};
    unsigned char key[32];
    char date[20], hash[65], signature[65];
    cleanup(freep) char *canonical = NULL, *text = NULL;
    cleanup(freep) char *first = xasprintf("AWS4%s", secret);
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
    canonical = xasprintf("POST\n/\n\nhost:localhost:8600\nx-amz-date:%s\n\nhost;x-amz-date\n%s",
                          date, sha256(body, hash));
    text = xasprintf("AWS4-HMAC-SHA256\n%s\n%.8s/us-west-2/%s/aws4_request\n%s", date, date,
                     service, sha256(canonical, hash));
    date[8] = '\0';
    hmac(first, strlen(first), date, key);
    date[8] = 'T';
    for (size_t i = 0; i < array_len(steps); i++)
        hmac(key, sizeof(key), steps[i], key);
    hmac(key, sizeof(key), text, key);
    return xasprintf(HOST
                     "X-Amz-Date: %s\r\nAuthorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/"
                     "us-west-2/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=%s\r\n"
                     "Content-Length: %zu\r\n",
                     date, id, date, service, hex(key, signature), strlen(body));
}

static void post_signed(struct rig *rig, char *headers, const char *body, int status,
                        const char *part)
{
    cleanup(freep) char *request = xasprintf("POST / HTTP/1.1\r\n%s\r\n%s", headers, body);
    int got;

    free(headers);
    free(take(answer));
    got = client_ask(rig->api.loop, rig->path, request, &answer);
    if (got != status || !strstr(answer, part))
        fail_msg("%s: %d instead of %d, or no '%s' in: %s", request, got, status, part, answer);
}

static void signatures_are_checked(void **state)
{
    static const char body[] = "Action=X";
    struct rig *rig = rig_of(state);

    configure(rig);
    post_signed(rig, sign("AKID", KEY_SECRET, "elasticache", body, 0), body, 200,
                "{\"name\":\"key AKID\",\"operate\":false}");
    post_signed(rig, sign("AKID", KEY_SECRET, "elasticache", body, 0), "Action=Y", 403,
                "<Code>SignatureDoesNotMatch</Code>");
    post_signed(rig, sign("AKID", KEY_SECRET "x", "elasticache", body, 0), body, 403,
                "<Code>SignatureDoesNotMatch</Code>");
    post_signed(rig, sign("AKID", KEY_SECRET, "s3", body, 0), body, 403,
                "<Code>SignatureDoesNotMatch</Code>");
    post_signed(rig, sign("OTHER", KEY_SECRET, "elasticache", body, 0), body, 403,
                "<Code>InvalidClientTokenId</Code>");
    post_signed(rig, sign("AKID", KEY_SECRET, "elasticache", body, 1000), body, 400,
                "<Code>RequestExpired</Code>");
    expect(rig, "POST /", BEARER(OPERATE_TOKEN) EMPTY, 400, "<Code>IncompleteSignature</Code>");
    expect(rig, "POST /", HOST EMPTY, 403, "<Code>MissingAuthenticationToken</Code>");
}

static void too_many_headers_are_refused(void **state)
{
    struct rig *rig = rig_of(state);
    char *headers = xstrdup(ANY_SIGNATURE);

    for (int i = 0; i < 140; i++) {
        char *longer = xasprintf("%sX-%d: y\r\n", headers, i);

        free(headers);
        headers = longer;
    }
    expect(rig, "POST /", headers, 400, "<Code>IncompleteSignature</Code>");
    free(headers);
}

/* --- the control socket --- */

static void the_control_socket_asks_for_nothing(void **state)
{
    struct rig *rig = rig_of(state);

    rig->listener->control = true;
    configure(rig);
    expect(rig, "POST /act", "Host: evil.example\r\nOrigin: null\r\n" EMPTY, 200,
           "\"operate\":true");
    expect(rig, "POST /", HOST EMPTY, 200, "\"uid ");
    expect(rig, "GET /read", HOST, 200, "(pid ");
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
static bool peer_may(struct rig *rig, const struct peer_case *c)
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
    struct rig *rig = rig_of(state);

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

/* --- secrets --- */

static void expect_load_error(const struct config_user *user, bool token, const char *part)
{
    struct config_api config = {.n_tokens = token, .n_access_keys = !token};
    struct credentials *set = NULL;
    struct err err;

    config.tokens[0] = config.access_keys[0] = *user;
    assert_int_not_equal(credentials_load(&config, &set, &err), 0);
    assert_null(set);
    if (!strstr(err.msg, part) || !strstr(err.msg, user->name) || strstr(err.msg, "hunter"))
        fail_msg("expected '%s' in: %s", part, err.msg);
}

static void errors_name_key_and_file(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "/x: empty"},
        {"\n", "/x: empty"},
        {"hunter2", "/x: a token has at least 16 characters"},
        {"hunter2 hunter2 hunter2", "/x: there are other characters in it"},
        {"hunter2hunter2hunter2\r\n", "/x: there are other characters in it"},
        {"hunter2hunter2\nhunter2hunter2\n", "or more than one line"},
    };
    struct rig *rig = rig_of(state);
    char *path = xasprintf("%s/x", rig->dir), long_text[600] = "";
    struct config_user user = {.name = (char[]){"ops"}, .file = path};

    expect_load_error(&user, true, "token 'ops': ");
    expect_load_error(&user, false, "access key 'ops': ");
    expect_load_error(&user, false, "No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_load_error(&user, true, "/x: not a regular file");
    unlink(path);
    for (size_t i = 0; i < array_len(rows); i++) {
        free(write_file(rig, "x", rows[i].text));
        expect_load_error(&user, true, rows[i].error);
    }
    memset(long_text, 'h', sizeof(long_text) - 1);
    free(write_file(rig, "x", long_text));
    expect_load_error(&user, true, "/x: longer than 512 bytes");

    user = (struct config_user){.name = (char[]){"ops"}, .credential = (char[]){"x"}};
    unsetenv("CREDENTIALS_DIRECTORY");
    expect_load_error(&user, true, "$CREDENTIALS_DIRECTORY is not set");
    setenv("CREDENTIALS_DIRECTORY", rig->dir, 1);
    expect_load_error(&user, true, "/x: longer than 512 bytes");
    user.credential = (char[]){"../x"};
    expect_load_error(&user, true, "not a plain name");
    unsetenv("CREDENTIALS_DIRECTORY");
    free(path);
}

static void a_credential_is_found(void **state)
{
    struct rig *rig = rig_of(state);
    struct config_api config = {.n_tokens = 2};
    struct credentials *set = NULL;
    struct err err;

    free(write_file(rig, "a", READ_TOKEN "\n"));
    setenv("CREDENTIALS_DIRECTORY", rig->dir, 1);
    config.tokens[0] = (struct config_user){.name = (char[]){"one"}, .credential = (char[]){"a"}};
    config.tokens[1] = (struct config_user){.name = (char[]){"two"}, .credential = (char[]){"a"}};
    assert_int_not_equal(credentials_load(&config, &set, &err), 0);
    assert_string_equal(err.msg, "tokens 'one' and 'two' are the same");
    config.n_tokens = 1;
    assert_int_equal(credentials_load(&config, &set, &err), 0);
    assert_string_equal(credentials_token(set, READ_TOKEN)->name, "one");
    assert_null(credentials_token(set, READ_TOKEN "\n"));
    assert_null(credentials_token(set, ""));
    assert_null(credentials_key(set, "one"));
    credentials_free(set);
    unsetenv("CREDENTIALS_DIRECTORY");
}

static struct credentials *load(struct rig *rig, const char *secret, const char *token,
                                enum config_actions actions)
{
    struct config_api config = {.n_access_keys = secret != NULL, .n_tokens = token != NULL};
    char *key_file = write_file(rig, "k", secret ? secret : "");
    char *token_file = write_file(rig, "t", token ? token : "");
    struct credentials *set = NULL;
    struct err err;

    config.access_keys[0] =
        (struct config_user){.name = (char[]){"k"}, .file = key_file, .actions = actions};
    config.tokens[0] =
        (struct config_user){.name = (char[]){"t"}, .file = token_file, .actions = actions};
    if (credentials_load(&config, &set, &err))
        fail_msg("%s", err.msg);
    free(key_file);
    free(token_file);
    return set;
}

/* Whoever may less than before has to be cut off. */
static void what_is_taken_away_is_seen(void **state)
{
    struct rig *rig = rig_of(state);
    struct credentials *none = load(rig, NULL, NULL, ACTIONS_READ);
    struct credentials *both = load(rig, "s", READ_TOKEN, ACTIONS_READ);
    struct credentials *more = load(rig, "s", READ_TOKEN, ACTIONS_OPERATE);
    struct credentials *other_key = load(rig, "S", READ_TOKEN, ACTIONS_READ);
    struct credentials *other_token = load(rig, "s", OPERATE_TOKEN, ACTIONS_READ);
    struct credentials *no_key = load(rig, NULL, READ_TOKEN, ACTIONS_READ);

    assert_true(credentials_keep(NULL, none));
    assert_true(credentials_keep(both, both));
    assert_true(credentials_keep(both, more));
    assert_true(credentials_keep(no_key, both));
    assert_true(credentials_keep(both, none)); /* everybody may */
    assert_false(credentials_keep(none, both));
    assert_false(credentials_keep(NULL, both));
    assert_false(credentials_keep(more, both));
    assert_false(credentials_keep(both, other_key));
    assert_false(credentials_keep(both, other_token));
    assert_false(credentials_keep(both, no_key));
    credentials_free(none);
    credentials_free(both);
    credentials_free(more);
    credentials_free(other_key);
    credentials_free(other_token);
    credentials_free(no_key);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(on_the_loopback_everybody_may_operate),
        TEST(names_that_were_made_to_point_here_are_refused),
        TEST(pages_of_other_origins_change_nothing),
        TEST(on_the_loopback_any_signature_will_do),
        TEST(tokens_are_asked_for),
        TEST(without_tokens_there_is_a_hint),
        TEST(signatures_are_checked),
        TEST(too_many_headers_are_refused),
        TEST(the_control_socket_asks_for_nothing),
        TEST(strangers_are_kept_from_the_control_socket),
        TEST(errors_name_key_and_file),
        TEST(a_credential_is_found),
        TEST(what_is_taken_away_is_seen),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(answer);
    return failed;
}
