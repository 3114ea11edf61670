/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/guard_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "lib/http/request.h"
#include "tests/unit/http_client.h"

char *guard_rig_write(const struct guard_rig *rig, const char *name, const char *text)
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

int guard_rig_setup(void **state)
{
    struct guard_rig *rig = xcalloc(1, sizeof(*rig));
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

int guard_rig_teardown(void **state)
{
    struct fixture *f = *state;
    struct guard_rig *rig = f->data;

    http_server_free(rig->listener->server, set_flag, &rig->closed);
    assert_true(loop_run_until_set(&f->loop, &rig->closed, CLIENT_MS));
    credentials_free(rig->api.credentials);
    temp_dir_remove(rig->dir);
    free(rig->answer);
    free(rig);
    return loop_teardown(state);
}

struct guard_rig *guard_rig_of(void **state)
{
    return ((struct fixture *)*state)->data;
}

void guard_rig_configure(struct guard_rig *rig)
{
    struct config_user keys[1], tokens[2];
    struct config_api config = {
        .access_keys = keys, .n_access_keys = 1, .tokens = tokens, .n_tokens = 2};
    char *key = guard_rig_write(rig, "key", KEY_SECRET "\n");
    char *operate = guard_rig_write(rig, "operate", OPERATE_TOKEN "\n");
    char *read = guard_rig_write(rig, "read", READ_TOKEN);
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

/* --- requests --- */

static int ask(struct guard_rig *rig, const char *line, const char *headers)
{
    cleanup(freep) char *request = xasprintf("%s HTTP/1.1\r\n%s\r\n", line, headers);

    free(take(rig->answer));
    return client_ask(rig->api.loop, rig->path, request, &rig->answer);
}

void expect_access(struct guard_rig *rig, const char *line, const char *headers, int status,
                   const char *part)
{
    int got = ask(rig, line, headers);

    if (got != status || !strstr(rig->answer, part))
        fail_msg("%s %s: %d instead of %d, or no '%s' in: %s", line, headers, got, status, part,
                 rig->answer);
}
