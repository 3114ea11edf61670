/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Log records, written by a thread of their own so that a slow journal or terminal never holds the
 * loop.
 *
 * A record is a level, a sentence and fields. The queue is bounded; what does not fit is dropped
 * and counted, and the count is logged as soon as there is room. Thread safe. lib/ itself logs
 * nothing above debug. Where records go is a sink: stderr as text or JSON (lib/base/log_stderr.c),
 * journald (lib/sd/journal.c).
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_MAX };

#define LOG_FIELDS_MAX 12
#define LOG_QUEUE_MAX 4096 /* records waiting for the thread */

struct log_field {
    const char *key;   /* snake_case: "job", "phase"; the journal sink writes ECMIGRATE_JOB;
                          "message_id" is   MESSAGE_ID */
    const char *value; /* NULL: the field is left out */
};

struct log_record {
    enum log_level level;
    uint64_t wall_us; /* since the epoch */
    const char *message;
    size_t n_fields;
    struct log_field fields[LOG_FIELDS_MAX];
};

/* Writes one record; called from the log's thread only. */
struct log_sink {
    void (*write)(const struct log_sink *sink, const struct log_record *record);
    void *arg;
};

extern const struct log_sink
    log_sink_text; /* stderr: one line of text a record, field=value at the end */
extern const struct log_sink log_sink_json; /* stderr: one JSON object a line */

struct log;

struct log *log_new(const struct log_sink *sink, enum log_level threshold);
/* Writes what is queued and ends the thread; NULL is fine. Waits at most 2 s: with a sink that
 * blocks for longer the rest is lost, and the thread is left behind to end by itself when its
 * write() returns. It does not call the sink again. */
void log_free(struct log *log);
void log_set_level(struct log *log, enum log_level threshold);
bool log_enabled(const struct log *log, enum log_level level);
uint64_t log_dropped(const struct log *log); /* records lost since the start */

/* Copies everything it is given; a sentence is cut after 4 KiB, a value after 1 KiB. log NULL:
 * nothing happens. */
void log_write(struct log *log, enum log_level level, const struct log_field *fields,
               size_t n_fields, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#define log_debug(log, ...) log_write((log), LEVEL_DEBUG, NULL, 0, __VA_ARGS__)
#define log_info(log, ...) log_write((log), LEVEL_INFO, NULL, 0, __VA_ARGS__)
#define log_warn(log, ...) log_write((log), LEVEL_WARN, NULL, 0, __VA_ARGS__)
#define log_error(log, ...) log_write((log), LEVEL_ERROR, NULL, 0, __VA_ARGS__)

/* "debug", "info", "warn", "error"; false when it is none of them. */
bool log_level_parse(const char *text, enum log_level *ret);
const char *log_level_name(enum log_level level);
