/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/message.h"

#include <stdio.h>

#include "lib/base/base.h"
#include "lib/net/endpoint.h"

enum origin { ANY, TEST, RUN }; /* of a check: asked for by itself, or as part of a run */

/*
 * In a text {group} is the job, {cause} the event's own sentence, {warning} that sentence where the
 * event has a reason, {source} and {file_source} are endpoints of its data, {host} and {port} the
 * former's parts, {gap} is how long writes stood still. Where one of them is not known, bare is
 * said instead; NULL: nothing is.
 *
 * Programs look for some of these sentences as a whole: those of a start and of its end, and that
 * of a completed migration. What else we know is said in sentences of its own.
 */
static const struct row {
    enum event_name event;
    enum origin origin;
    const char *text, *bare;
} rows[] = {
    {EVENT_RUN_STARTED, ANY,
     "Starting migration operation for target cluster {group} with source cluster endpoint {host} "
     "and port {port}",
     "Starting migration operation for target cluster {group}"},
    {EVENT_SOURCE_OVERRIDDEN, ANY,
     "Replication group {group} migrates from {source}, as the start asked for, and not from "
     "{file_source}, which its job file names",
     NULL},
    {EVENT_CHECK_PASSED, TEST, "Test migration succeeded for replication group {group}.", NULL},
    {EVENT_CHECK_FAILED, TEST,
     "Test migration failed for replication group {group} because of {cause}",
     "Test migration failed for replication group {group}."},
    {EVENT_CHECK_FAILED, RUN,
     "A check before the migration of replication group {group} failed because of {cause}", NULL},
    {EVENT_ATTACH_FAILED, ANY,
     "An attempt to migrate replication group {group} failed because of {cause}", NULL},
    {EVENT_SYNC_STARTED, ANY,
     "The full synchronisation of replication group {group} with its source began", NULL},
    {EVENT_IN_SYNC, ANY, "Migration operation succeeded for replication group {group}.", NULL},
    {EVENT_LINK_LOST, ANY,
     "Replication group {group} lost its link to the source because of {cause}",
     "Replication group {group} lost its link to the source"},
    {EVENT_LINK_RESTORED, ANY, "Replication group {group} has its link to the source again", NULL},
    {EVENT_CUTOVER_REQUESTED, ANY, "Complete Migration requested for {group}", NULL},
    {EVENT_CUTOVER_ABORTED, ANY,
     "Complete Migration failed for {group} because of {cause}; the replication group stays "
     "migrating and writes go on at the source",
     "Complete Migration failed for {group}; the replication group stays migrating and writes go "
     "on at the source"},
    {EVENT_CUTOVER_COMPLETED, ANY,
     "Replication group {group} takes the writes now, which stood still for {gap} ms",
     "Replication group {group} takes the writes now"},
    {EVENT_MIGRATION_COMPLETED, ANY, "Complete Migration successful for {group}; {warning}",
     "Complete Migration successful for {group}"},
    {EVENT_ROLLED_BACK, ANY, "The migration of replication group {group} has been rolled back",
     NULL},
    {EVENT_MIGRATION_FAILED, ANY,
     "Migration operation failed for replication group {group} because of {cause}",
     "Migration operation failed for replication group {group}."},
    {EVENT_JOB_HALTED, ANY,
     "The migration of replication group {group} is halted because of {cause}; only an operator "
     "can decide how it goes on",
     "The migration of replication group {group} is halted; only an operator can decide how it "
     "goes on"},
};

const char *message_names(char buf[MESSAGE_NAMES_MAX])
{
    size_t len = 1;

    memcpy(buf, " ", 2);
    for (size_t i = 0; i < array_len(rows); i++)
        len += (size_t)snprintf(buf + len, MESSAGE_NAMES_MAX - len, "%s ",
                                event_def(rows[i].event)->name);
    assert(len < MESSAGE_NAMES_MAX);
    return buf;
}

static bool is_for(const struct row *row, const struct event *event)
{
    bool test = json_is_true(json_object_get(event->data, "test"));

    return strcmp(event_def(row->event)->name, event->name) == 0 &&
           (row->origin == ANY || (row->origin == TEST) == test);
}

/* The value of the placeholder in braces, to be freed; NULL: not known. */
static char *value_of(const struct event *event, const char *name, size_t len)
{
    const char *source = json_string_value(json_object_get(event->data, "source"));
    const char *file_source = json_string_value(json_object_get(event->data, "file_source"));
    const json_t *gap = json_object_get(event->data, "write_gap_ms");
    struct endpoint endpoint;
    struct err err;

#define IS(word) (len == sizeof(word) - 1 && memcmp(name, word, len) == 0)
    if (IS("group"))
        return xstrdup(event->job);
    if (IS("cause"))
        return event->message && *event->message ? xstrdup(event->message) : NULL;
    if (IS("warning"))
        return json_object_get(event->data, "reason") ? xstrdup(event->message) : NULL;
    if (IS("source"))
        return xstrdup(source);
    if (IS("file_source"))
        return xstrdup(file_source);
    if (IS("gap"))
        return json_is_number(gap) ? xasprintf("%.3f", json_number_value(gap)) : NULL;
    if (!source || endpoint_parse(source, &endpoint, &err))
        return NULL;
    if (IS("host"))
        return xstrdup(endpoint.host);
    assert(IS("port"));
#undef IS
    return xasprintf("%u", endpoint.port);
}

/* text with its placeholders filled in, to be freed; NULL: one of them is not known. */
static char *fill(const char *text, const struct event *event)
{
    char *out = xstrdup("");

    while (*text) {
        size_t plain = strcspn(text, "{");
        const char *name = text + plain + 1;
        size_t name_len = text[plain] ? strcspn(name, "}") : 0;
        cleanup(freep) char *value = text[plain] ? value_of(event, name, name_len) : xstrdup("");
        cleanup(freep) char *before = out;

        if (!value)
            return NULL;
        out = xasprintf("%s%.*s%s", before, (int)plain, text, value);
        text += plain + (text[plain] ? name_len + 2 : 0);
    }
    return out;
}

char *message_of(const struct event *event)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        char *text;

        if (!event->job || !is_for(&rows[i], event))
            continue;
        text = fill(rows[i].text, event);
        return text || !rows[i].bare ? text : fill(rows[i].bare, event);
    }
    return NULL;
}
