/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes that speak TLS: connected to as the daemon does, all at a time, up to the first answer:
 * only with that a server says whether it wants another certificate.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "lib/net/tls.h"
#include "lib/net/tls_context.h"

#define TRIES_MAX 128 /* nodes; of very many the first */
#define TRY_MS 4000
#define ALL_MS 5000
#define SOON_S (14 * 24 * 3600)
#define TODO_TLS                                                                                   \
    "Correct tls: in the job file, or the node's certificate. ecmigratectl explain tls-failed"

struct
try {
    struct conn conn;
    struct tls_peer *peer; /* owned */
    const struct endpoint *endpoint;
    const char *job;
    bool answered;
    int64_t ends_at;
    struct err why;
};

struct tries {
    struct doctor *d;
    uv_loop_t loop;
    uv_timer_t deadline;           /* a node may be silent once it is open */
    struct tls_contexts *contexts; /* owned */
    struct try *list;              /* owned */
    unsigned n, n_unreadable;
};

static void opened(struct conn *conn)
{
    struct try *t = container_of(conn, struct try, conn);

    t->ends_at = tls_peer_ends_at(t->peer);
    conn_write(conn, "PING\r\n", 6);
}

static void answered(struct conn *conn, const char *data, size_t len)
{
    (void)data;
    (void)len;
    container_of(conn, struct try, conn)->answered = true;
    conn_end(conn, NULL);
}

static void closed(struct conn *conn, const struct err *why)
{
    container_of(conn, struct try, conn)->why = *why;
}

static const struct conn_events events = {.opened = opened, .data = answered, .closed = closed};

static void too_late(uv_timer_t *timer)
{
    struct tries *tries = container_of(timer, struct tries, deadline);

    for (unsigned i = 0; i < tries->n; i++)
        conn_endf(&tries->list[i].conn, ERR_TIMEOUT, "no answer over TLS within %d s",
                  ALL_MS / 1000);
}

static bool can_read(const struct tls_settings *s)
{
    const char *files[] = {s->ca_file, s->cert_file, s->key_file};

    for (size_t i = 0; i < array_len(files); i++)
        if (files[i] && access(files[i], R_OK) && geteuid() != 0)
            return false;
    return true;
}

static void add(struct tries *tries, const struct spec *spec, const struct spec_node *node)
{
    struct try *t = &tries->list[tries->n];

    if (!node->tls.enabled || !endpoint_is_set(&node->endpoint) || tries->n == TRIES_MAX)
        return;
    if (!can_read(&node->tls.settings)) {
        tries->n_unreadable++;
        return;
    }
    tries->n++;
    t->endpoint = &node->endpoint;
    t->job = spec->id;
    t->peer = tls_peer_new(tries->contexts, &node->tls.settings, node->endpoint.host);
    conn_init(&t->conn, &tries->loop, &conn_plain, &events);
    conn_set_transport(&t->conn, &conn_tls, t->peer);
    conn_connect(&t->conn, &node->endpoint, TRY_MS);
}

static void gather(struct tries *tries)
{
    for (unsigned f = 0; f < tries->d->n_files; f++) {
        for (unsigned k = 0; k < tries->d->files[f].n_specs; k++) {
            const struct spec *spec = tries->d->files[f].specs[k];

            add(tries, spec, &spec->source);
            add(tries, spec, &spec->target);
        }
    }
}

/* True when all is well with it. That nobody is there says another check. */
static bool report(struct doctor *d, const struct try *t, unsigned *ret_gone)
{
    enum err_code code = t->why.code;
    char text[ENDPOINT_STR_MAX], at[32];
    cleanup(freep) char *subject = xasprintf("%s (%s)", endpoint_format(t->endpoint, text), t->job);
    time_t ends = (time_t)t->ends_at;
    struct tm tm;

    if (!t->answered && (code == ERR_REFUSED || code == ERR_UNREACHABLE || code == ERR_RESOLVE)) {
        ++*ret_gone;
        return false;
    }
    if (!t->answered) {
        doctor_say(d, RESULT_FAIL, subject, TODO_TLS, "%s: %s", t->job, t->why.msg);
        return false;
    }
    if (ends == 0 || ends > time(NULL) + SOON_S || !gmtime_r(&ends, &tm))
        return true;
    strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S UTC", &tm);
    doctor_say(d, RESULT_WARN, subject, "Renew it; the daemon reads its own files by itself.",
               "%s: the node's certificate ends at %s", subject, at);
    return false;
}

static void report_all(struct tries *tries)
{
    unsigned n_good = 0, n_gone = 0;

    for (unsigned i = 0; i < tries->n; i++)
        n_good += report(tries->d, &tries->list[i], &n_gone);
    if (tries->n_unreadable > 0)
        doctor_say(tries->d, RESULT_SKIP, NULL, "sudo ecmigratectl doctor tries them.",
                   "%u nodes cannot be tried: their files cannot be read from here",
                   tries->n_unreadable);
    if (n_gone > 0)
        doctor_say(tries->d, RESULT_SKIP, NULL, NULL, "%u nodes cannot be connected to", n_gone);
    if (n_good > 0)
        doctor_say(tries->d, RESULT_OK, NULL, NULL,
                   "%u of %u nodes accept us over TLS, and have certificates that we accept",
                   n_good, tries->n);
    if (tries->n + tries->n_unreadable == 0)
        doctor_say(tries->d, RESULT_OK, NULL, NULL, "no node speaks TLS");
}

void doctor_tls(struct doctor *d)
{
    struct tries tries = {.d = d, .list = xcalloc(TRIES_MAX + 1, sizeof(struct try))};

    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&tries.loop);
    tries.contexts = tls_contexts_new(&tries.loop);
    gather(&tries);
    uv_timer_init(&tries.loop, &tries.deadline);
    uv_timer_start(&tries.deadline, too_late, ALL_MS, 0);
    uv_unref((uv_handle_t *)&tries.deadline);
    uv_run(&tries.loop, UV_RUN_DEFAULT);
    report_all(&tries);
    for (unsigned i = 0; i < tries.n; i++) {
        conn_deinit(&tries.list[i].conn);
        tls_peer_free(tries.list[i].peer);
    }
    tls_contexts_free(tries.contexts);
    uv_close((uv_handle_t *)&tries.deadline, NULL);
    uv_run(&tries.loop, UV_RUN_DEFAULT);
    uv_loop_close(&tries.loop);
    free(tries.list);
}
