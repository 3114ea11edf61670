/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_start -> one write, a slot at the end of the client's list -> replies fill call->replies ->
 * finished.
 *
 *   deadline:         the connection is closed, because replies carry no ids and later ones would
 * be taken for those of another call cancel:           the slot stays, without its call; late
 * replies are dropped connection ended: calls_fail()
 */
#include <stdio.h>
#include <string.h>

#include "lib/redis/client_private.h"

static void teardown(struct op *op)
{
    struct redis_call *call = container_of(op, struct redis_call, op);
    struct redis_slot *slot = take(call->slot);
    char name[ENDPOINT_LABEL_MAX];

    list_push(&call->client->ended, &call->ending);
    if (!slot)
        return; /* all replies are there, or the connection is gone, or nothing was ever sent */
    slot->call = NULL;
    if (op->err.code != ERR_TIMEOUT)
        return;
    err_wrap(&op->err, "'%s': %s", endpoint_label(&call->client->endpoint, name), call->verb);
    redis_client_close(call->client, &op->err);
}

static const struct op_type call_type = {.name = "redis call", .teardown = teardown};

/* The loop closes what was closed last first: of two calls whose answers came in one read the
 * second would end before the first, and be learnt before what was older. */
static void call_done(struct op *op)
{
    struct redis_call *call = container_of(op, struct redis_call, op);
    struct redis_client *client = call->client;

    call->closed = true;
    client_pin(client);
    while (!list_empty(&client->ended)) {
        call = container_of(client->ended.next, struct redis_call, ending);
        if (!call->closed)
            break;
        list_remove(&call->ending);
        call->done(&call->op); /* call may be gone */
        client_unpin(client);
    }
    client_unpin(client);
}

static void out_wipe(struct redis_call *call)
{
    if (call->out)
        explicit_bzero(call->out, call->out_len);
    free(take(call->out));
    call->out_len = 0;
}

void redis_call_init(struct redis_call *call)
{
    void *arg = call->arg;

    redis_call_clear(call);
    *call = (struct redis_call){.arg = arg};
}

void redis_call_clear(struct redis_call *call)
{
    for (unsigned i = 0; i < call->n; i++) {
        if (call->replies[i])
            freeReplyObject(call->replies[i]);
        call->replies[i] = NULL;
    }
    call->n = call->got = 0;
    out_wipe(call);
}

void redis_call_add(struct redis_call *call, int argc, const char *const *argv)
{
    char *command, *out;
    size_t len;
    int n;

    assert(argc > 0 && call->n < REDIS_CALL_COMMANDS_MAX);
    if (call->n == 0)
        str_copy(call->verb, sizeof(call->verb), argv[0]);
    /* hiredis' prototype lacks a const; it does not write there. */
    n = (int)redisFormatCommandArgv(&command, argc, (const char **)(uintptr_t)argv, NULL);
    if (n < 0)
        abort();
    len = (size_t)n;
    /* Not realloc, which could leave a password behind. */
    out = xmalloc(call->out_len + len);
    if (call->out)
        memcpy(out, call->out, call->out_len);
    memcpy(out + call->out_len, command, len);
    explicit_bzero(command, len);
    redisFreeCommand(command);
    len += call->out_len;
    out_wipe(call);
    call->out = out;
    call->out_len = len;
    call->n++;
}

void redis_call_await(struct redis_call *call)
{
    assert(call->n > 0 && call->n < REDIS_CALL_COMMANDS_MAX);
    call->n++;
}

static struct redis_slot *slot_new(struct redis_client *client, struct redis_call *call)
{
    struct redis_slot *slot = xmalloc(sizeof(*slot));

    slot->call = call;
    slot->left = call->n;
    list_push(&client->slots, &slot->link);
    client->n_slots++;
    return slot;
}

static void slot_free(struct redis_client *client, struct redis_slot *slot)
{
    list_remove(&slot->link);
    client->n_slots--;
    free(slot);
}

static void call_begin(struct redis_call *call, struct redis_client *client, uint64_t timeout_ms,
                       op_done_fn *done)
{
    call->client = client;
    call->done = done;
    call->slot = NULL;
    call->got = 0;
    call->closed = false;
    call->sent_us = call->done_us = 0;
    client_pin(client);
    op_init(&call->op, &call_type, client->loop, timeout_ms, call_done);
}

static void call_write(struct redis_call *call)
{
    call->slot = slot_new(call->client, call);
    conn_write(&call->client->conn, call->out, call->out_len);
    call->sent_us = uv_hrtime() / 1000;
    out_wipe(call);
}

void call_send(struct redis_call *call, struct redis_client *client, uint64_t timeout_ms,
               op_done_fn *done)
{
    call_begin(call, client, timeout_ms, done);
    call_write(call);
}

void redis_call_start(struct redis_call *call, struct redis_client *client, uint64_t timeout_ms,
                      op_done_fn *done)
{
    char name[ENDPOINT_LABEL_MAX];
    struct err err = ERR_INIT;

    endpoint_label(&client->endpoint, name);
    call_begin(call, client, timeout_ms, done);
    if (redis_client_state(client) != REDIS_READY)
        err_set(&err, ERR_CLOSED, "'%s': %s: not connected", name, call->verb);
    else if (call->n == 0)
        err_set(&err, ERR_INVALID, "'%s': a call without a command", name);
    else if (client->n_slots >= REDIS_CLIENT_CALLS_MAX)
        err_set(&err, ERR_LIMIT, "'%s': %s: %u calls are waiting already", name, call->verb,
                client->n_slots);
    if (err.code) {
        out_wipe(call);
        op_finish(&call->op, &err);
        return;
    }
    call_write(call);
}

bool call_reply(struct redis_client *client, redisReply *reply)
{
    struct redis_slot *slot;
    struct redis_call *call;

    if (list_empty(&client->slots)) {
        freeReplyObject(reply);
        return false;
    }
    slot = container_of(client->slots.next, struct redis_slot, link);
    call = slot->call;
    if (call)
        call->replies[call->got++] = reply;
    else
        freeReplyObject(reply);
    if (--slot->left > 0)
        return true;
    slot_free(client, slot);
    if (call) {
        call->slot = NULL;
        call->done_us = uv_hrtime() / 1000;
        op_finish(&call->op, NULL);
    }
    return true;
}

void calls_fail(struct redis_client *client, const struct err *why)
{
    list_each (link, &client->slots) {
        struct redis_slot *slot = container_of(link, struct redis_slot, link);
        struct redis_call *call = slot->call;

        slot_free(client, slot);
        if (!call)
            continue;
        call->slot = NULL;
        op_finish(&call->op, why);
    }
}

const char *reply_words(const redisReply *reply, char buf[REPLY_WORDS_MAX])
{
    /* An unknown command is quoted with its arguments, of which one may be a password. */
    const char *quoted = memmem(reply->str, reply->len, ", with args", 11);
    size_t len = quoted ? (size_t)(quoted - reply->str) : reply->len;

    len = min_of(len, (size_t)REPLY_WORDS_MAX - 1);
    for (size_t i = 0; i < len; i++)
        buf[i] = reply->str[i] >= ' ' && reply->str[i] <= '~' ? reply->str[i] : '?';
    buf[len] = '\0';
    return buf;
}

int redis_call_reply_err(const struct redis_call *call, struct err *err)
{
    static const char *const auth[] = {"NOAUTH", "WRONGPASS", "NOPERM"};
    char words[REPLY_WORDS_MAX];

    for (unsigned i = 0; i < call->n; i++) {
        const redisReply *reply = call->replies[i];
        enum err_code code = ERR_REPLY;

        if (!reply || reply->type != REDIS_REPLY_ERROR)
            continue;
        reply_words(reply, words);
        for (size_t k = 0; k < array_len(auth); k++)
            if (strncmp(words, auth[k], strlen(auth[k])) == 0)
                code = ERR_AUTH;
        return err_set(err, code, "%s", words);
    }
    return 0;
}
