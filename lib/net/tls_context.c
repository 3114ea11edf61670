/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_contexts_get -> [there, and its files as they were] ready
 *                  -> [else] wait -> a thread loads -> loaded -> ready for all who wait
 */
#include "lib/net/tls_context.h"

#include <sys/stat.h>

#include "lib/base/base.h"
#include "lib/net/tls_files.h"

#define CONTEXTS_MAX 256 /* the one that was not used for longest goes first */
#define FILES 3

/* What of a file changes when it is written or replaced. */
struct stamp {
    bool there;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec written, changed;
};

struct load;

struct context {
    struct list link;
    struct tls_settings files; /* strings owned; what is not files does not count */
    SSL_CTX *ctx;              /* owned; NULL: none yet */
    struct stamp stamps[FILES];
    uint64_t made, used;
    struct load *load; /* borrowed; under way */
    struct list waits; /* struct tls_wait.link */
};

struct tls_contexts {
    uv_loop_t *loop;
    struct list items; /* struct context.link */
    unsigned n;
    uint64_t count; /* of gets and loads */
};

/* Belongs to the loop while the thread is at it. */
struct load {
    uv_work_t req;
    struct tls_contexts *contexts; /* borrowed */
    struct context *context;       /* borrowed; NULL: nobody wants it any more */
    struct tls_settings files;     /* strings owned */
    struct stamp stamps[FILES];
    SSL_CTX *ctx;
    struct err err;
};

/* --- files --- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static void take_stamps(const struct tls_settings *files, struct stamp ret[FILES])
{
    const char *const paths[FILES] = {files->ca_file, files->cert_file, files->key_file};
    struct stat st;

    for (int i = 0; i < FILES; i++) {
        ret[i] = (struct stamp){.there = paths[i] && stat(paths[i], &st) == 0};
        if (ret[i].there)
            ret[i] = (struct stamp){.there = true,
                                    .dev = st.st_dev,
                                    .ino = st.st_ino,
                                    .size = st.st_size,
                                    .written = st.st_mtim,
                                    .changed = st.st_ctim};
    }
}

static bool is_current(const struct context *c)
{
    struct stamp now[FILES];
    bool current = c->ctx != NULL;

    take_stamps(&c->files, now);
    for (int i = 0; current && i < FILES; i++)
        current = now[i].there == c->stamps[i].there && now[i].dev == c->stamps[i].dev &&
                  now[i].ino == c->stamps[i].ino && now[i].size == c->stamps[i].size &&
                  same_time(&now[i].written, &c->stamps[i].written) &&
                  same_time(&now[i].changed, &c->stamps[i].changed);
    return current;
}

/* --- loading --- */

static void load_now(uv_work_t *req)
{
    struct load *load = container_of(req, struct load, req);

    /* Before the reading: what changes meanwhile is then read once more, and not missed. */
    take_stamps(&load->files, load->stamps);
    if (tls_files_load(&load->files, &load->ctx, &load->err))
        load->ctx = NULL;
}

static void tell_all(struct context *c, const struct err *err)
{
    SSL_CTX *ctx = err->code == ERR_NONE ? c->ctx : NULL;
    uint64_t made = c->made;
    struct list now;

    list_move(&now, &c->waits);
    /* Whoever is told may ask for other contexts, which may cost this one its place. */
    if (ctx)
        SSL_CTX_up_ref(ctx);
    while (!list_empty(&now)) {
        struct tls_wait *wait = container_of(now.next, struct tls_wait, link);

        list_remove(&wait->link);
        wait->ready(wait, ctx, made, err);
    }
    SSL_CTX_free(ctx);
}

static void loaded(uv_work_t *req, int status)
{
    struct load *load = container_of(req, struct load, req);
    struct context *c = load->context;

    (void)status; /* nobody cancels it */
    if (c) {
        c->load = NULL;
        if (load->ctx) {
            SSL_CTX_free(c->ctx);
            c->ctx = take(load->ctx);
            c->made = ++load->contexts->count;
            memcpy(c->stamps, load->stamps, sizeof(c->stamps));
        }
        tell_all(c, &load->err);
    }
    SSL_CTX_free(load->ctx);
    tls_settings_clear(&load->files);
    free(load);
}

static void start_load(struct tls_contexts *contexts, struct context *c)
{
    struct load *load = xcalloc(1, sizeof(*load));

    load->contexts = contexts;
    load->context = c;
    tls_settings_copy(&load->files, &c->files);
    c->load = load;
    uv_queue_work(contexts->loop, &load->req, load_now, loaded);
}

/* --- contexts --- */

struct tls_contexts *tls_contexts_new(uv_loop_t *loop)
{
    struct tls_contexts *contexts = xcalloc(1, sizeof(*contexts));

    contexts->loop = loop;
    list_init(&contexts->items);
    return contexts;
}

static void drop(struct tls_contexts *contexts, struct context *c)
{
    assert(list_empty(&c->waits));
    if (c->load)
        c->load->context = NULL;
    list_remove(&c->link);
    contexts->n--;
    SSL_CTX_free(c->ctx);
    tls_settings_clear(&c->files);
    free(c);
}

void tls_contexts_forget(struct tls_contexts *contexts)
{
    list_each (link, &contexts->items) {
        struct context *c = container_of(link, struct context, link);

        if (!c->load)
            drop(contexts, c);
    }
}

void tls_contexts_free(struct tls_contexts *contexts)
{
    if (!contexts)
        return;
    list_each (link, &contexts->items)
        drop(contexts, container_of(link, struct context, link));
    free(contexts);
}

static void make_room(struct tls_contexts *contexts)
{
    struct context *oldest = NULL;

    if (contexts->n < CONTEXTS_MAX)
        return;
    list_each (link, &contexts->items) {
        struct context *c = container_of(link, struct context, link);

        if (!c->load && (!oldest || c->used < oldest->used))
            oldest = c;
    }
    if (oldest)
        drop(contexts, oldest);
}

static struct context *context_of(struct tls_contexts *contexts,
                                  const struct tls_settings *settings)
{
    struct context *c;

    list_each (link, &contexts->items) {
        c = container_of(link, struct context, link);
        if (tls_settings_same_files(&c->files, settings))
            return c;
    }
    make_room(contexts);
    c = xcalloc(1, sizeof(*c));
    tls_settings_copy(&c->files, settings);
    list_init(&c->waits);
    list_push(&contexts->items, &c->link);
    contexts->n++;
    return c;
}

void tls_contexts_get(struct tls_contexts *contexts, const struct tls_settings *settings,
                      struct tls_wait *wait)
{
    struct context *c = context_of(contexts, settings);

    c->used = ++contexts->count;
    if (!c->load && is_current(c)) {
        wait->ready(wait, c->ctx, c->made, &ERR_INIT);
        return;
    }
    list_push(&c->waits, &wait->link);
    if (!c->load)
        start_load(contexts, c);
}

void tls_wait_init(struct tls_wait *wait, void (*ready)(struct tls_wait *wait, SSL_CTX *ctx,
                                                        uint64_t made, const struct err *err))
{
    wait->ready = ready;
    list_init(&wait->link);
}

void tls_wait_cancel(struct tls_wait *wait)
{
    list_remove(&wait->link);
}
