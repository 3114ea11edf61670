/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue between those who log and the thread that writes.
 *
 * log_write() formats, copies and returns; one lock is held for a few pointer moves. The thread
 * takes one record at a time and writes it without the lock, so a sink that blocks fills the queue
 * and from then on costs records, never time. Dropping happens with LOG_QUEUE_MAX records waiting,
 * so a later record always comes by to carry the count of those dropped.
 */
#include "lib/base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <uv.h>

#include "lib/base/base.h"
#include "lib/base/list.h"
#include "lib/base/thread.h"

#define MESSAGE_MAX 4096 /* bytes of a sentence; what is longer is cut */
#define VALUE_MAX 1024   /* bytes of a field's value */
#define FREE_WAIT_NS (2 * UINT64_C(1000000000))

struct entry {
    struct list link;
    struct log_record record; /* its strings lie behind the entry */
};

struct log {
    struct log_sink sink;
    enum log_level threshold; /* atomic */
    uint64_t dropped;         /* atomic */
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake, over;
    /* under the lock */
    struct list queue;
    unsigned n;
    uint64_t reported; /* of dropped */
    bool stop, ended, abandoned;
};

static const char *const level_names[LEVEL_MAX] = {"debug", "info", "warn", "error"};

const char *log_level_name(enum log_level level)
{
    assert(level >= 0 && level < LEVEL_MAX);
    return level_names[level];
}

bool log_level_parse(const char *text, enum log_level *ret)
{
    for (unsigned i = 0; i < LEVEL_MAX; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static uint64_t wall_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void report_dropped(struct log *log, uint64_t missing)
{
    char message[96];
    struct log_record record = {.level = LEVEL_WARN, .wall_us = wall_us(), .message = message};

    snprintf(message, sizeof(message),
             "%llu log records were dropped: they came faster than they could be written",
             (unsigned long long)missing);
    log->sink.write(&log->sink, &record);
}

static void log_destroy(struct log *log)
{
    list_each (link, &log->queue) {
        list_remove(link);
        free(container_of(link, struct entry, link));
    }
    uv_cond_destroy(&log->over);
    uv_cond_destroy(&log->wake);
    uv_mutex_destroy(&log->lock);
    free(log);
}

static void run(void *arg)
{
    struct log *log = arg;
    bool abandoned;

    uv_mutex_lock(&log->lock);
    for (;;) {
        struct entry *entry;
        uint64_t dropped, missing;

        while (!log->stop && list_empty(&log->queue))
            uv_cond_wait(&log->wake, &log->lock);
        if (log->abandoned || list_empty(&log->queue))
            break;
        entry = container_of(log->queue.next, struct entry, link);
        list_remove(&entry->link);
        log->n--;
        dropped = log_dropped(log);
        missing = dropped - log->reported;
        log->reported = dropped;
        uv_mutex_unlock(&log->lock);

        if (missing > 0)
            report_dropped(log, missing);
        log->sink.write(&log->sink, &entry->record);
        free(entry);
        uv_mutex_lock(&log->lock);
    }
    log->ended = true;
    abandoned = log->abandoned;
    uv_cond_signal(&log->over);
    uv_mutex_unlock(&log->lock);
    if (abandoned)
        log_destroy(log);
}

struct log *log_new(const struct log_sink *sink, enum log_level threshold)
{
    struct log *log = xcalloc(1, sizeof(*log));
    struct err err;

    log->sink = *sink;
    log->threshold = threshold;
    list_init(&log->queue);
    if (uv_mutex_init(&log->lock) || uv_cond_init(&log->wake) || uv_cond_init(&log->over))
        abort();
    if (thread_start(&log->thread, "log", run, log, &err)) {
        /* Like running out of memory: a daemon that cannot speak must not begin. */
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    return log;
}

void log_free(struct log *log)
{
    uint64_t deadline = uv_hrtime() + FREE_WAIT_NS;
    uv_thread_t thread;
    bool ended;

    if (!log)
        return;
    thread = log->thread;
    uv_mutex_lock(&log->lock);
    log->stop = true;
    uv_cond_signal(&log->wake);
    while (!log->ended) {
        uint64_t now = uv_hrtime();

        if (now >= deadline)
            break;
        uv_cond_timedwait(&log->over, &log->lock, deadline - now);
    }
    ended = log->ended;
    log->abandoned = !ended;
    uv_mutex_unlock(&log->lock);
    if (ended) {
        uv_thread_join(&thread);
        log_destroy(log);
    } else {
        pthread_detach(thread);
    }
}

void log_set_level(struct log *log, enum log_level threshold)
{
    if (log)
        __atomic_store_n(&log->threshold, threshold, __ATOMIC_RELAXED);
}

bool log_enabled(const struct log *log, enum log_level level)
{
    return log && level >= __atomic_load_n(&log->threshold, __ATOMIC_RELAXED);
}

uint64_t log_dropped(const struct log *log)
{
    return log ? __atomic_load_n(&log->dropped, __ATOMIC_RELAXED) : 0;
}

/* Copies the first n bytes of s to *at, terminates them and moves *at behind them. */
static const char *put_string(char **at, const char *s, size_t n)
{
    char *start = *at;

    memcpy(start, s, n);
    start[n] = '\0';
    *at = start + n + 1;
    return start;
}

static struct entry *entry_new(enum log_level level, const struct log_field *fields,
                               size_t n_fields, const char *message)
{
    size_t length = strlen(message), size = sizeof(struct entry) + length + 1;
    struct entry *entry;
    char *at;

    for (size_t i = 0; i < n_fields; i++) {
        if (fields[i].value)
            size += strlen(fields[i].key) + 1 + strnlen(fields[i].value, VALUE_MAX) + 1;
    }
    entry = xmalloc(size);
    at = (char *)(entry + 1);
    list_init(&entry->link);
    entry->record = (struct log_record){.level = level, .wall_us = wall_us()};
    entry->record.message = put_string(&at, message, length);
    for (size_t i = 0; i < n_fields; i++) {
        struct log_field *field = &entry->record.fields[entry->record.n_fields];

        if (!fields[i].value)
            continue;
        field->key = put_string(&at, fields[i].key, strlen(fields[i].key));
        field->value = put_string(&at, fields[i].value, strnlen(fields[i].value, VALUE_MAX));
        entry->record.n_fields++;
    }
    return entry;
}

void log_write(struct log *log, enum log_level level, const struct log_field *fields,
               size_t n_fields, const char *fmt, ...)
{
    char message[MESSAGE_MAX];
    struct entry *entry;
    bool kept;
    va_list ap;

    assert(n_fields <= LOG_FIELDS_MAX);
    if (!log_enabled(log, level))
        return;
    va_start(ap, fmt);
    if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
        message[0] = '\0';
    va_end(ap);
    entry = entry_new(level, fields, n_fields, message);

    uv_mutex_lock(&log->lock);
    kept = log->n < LOG_QUEUE_MAX;
    if (kept) {
        list_push(&log->queue, &entry->link);
        if (log->n++ == 0)
            uv_cond_signal(&log->wake);
    } else {
        __atomic_add_fetch(&log->dropped, 1, __ATOMIC_RELAXED);
    }
    uv_mutex_unlock(&log->lock);
    if (!kept)
        free(entry);
}
