/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/arguments.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/api/elasticache/timestamp.h"

enum kind {
    KIND_TEXT,      /* const char *, not empty */
    KIND_MARKER,    /* const char *; an empty one is none, as paginating clients have it */
    KIND_BOOL,      /* bool */
    KIND_NUMBER,    /* int64_t, within min and max */
    KIND_TIME,      /* int64_t */
    KIND_ENDPOINTS, /* struct endpoint: a list of exactly one */
};

struct row {
    enum parameter id;
    const char *name;
    enum kind kind;
    size_t offset; /* in struct arguments */
    int64_t min, max;
};

#define MEMBER(member) offsetof(struct arguments, member)

static const struct row rows[] = {
    {PARAMETER_GROUP, "ReplicationGroupId", KIND_TEXT, MEMBER(group), 0, 0},
    {PARAMETER_ENDPOINTS, "CustomerNodeEndpointList", KIND_ENDPOINTS, MEMBER(source), 0, 0},
    {PARAMETER_FORCE, "Force", KIND_BOOL, MEMBER(force), 0, 0},
    {PARAMETER_MAX_RECORDS, "MaxRecords", KIND_NUMBER, MEMBER(max_records), 20, 100},
    {PARAMETER_MARKER, "Marker", KIND_MARKER, MEMBER(marker), 0, 0},
    {PARAMETER_SOURCE_IDENTIFIER, "SourceIdentifier", KIND_TEXT, MEMBER(source_identifier), 0, 0},
    {PARAMETER_SOURCE_TYPE, "SourceType", KIND_TEXT, MEMBER(source_type), 0, 0},
    {PARAMETER_START_TIME, "StartTime", KIND_TIME, MEMBER(start_ms), 0, 0},
    {PARAMETER_END_TIME, "EndTime", KIND_TIME, MEMBER(end_ms), 0, 0},
    {PARAMETER_DURATION, "Duration", KIND_NUMBER, MEMBER(duration_minutes), 1, 14 * 24 * 60},
};

/* --- the kinds --- */

static int read_text(const char *text, const char **ret, struct err *err)
{
    if (!*text)
        return err_set(err, ERR_INVALID, "it is empty");
    *ret = text;
    return 0;
}

static int read_bool(const char *text, bool *ret, struct err *err)
{
    bool yes = strcmp(text, "true") == 0;

    if (!yes && strcmp(text, "false") != 0)
        return err_set(err, ERR_INVALID, "'%.40s' is neither true nor false", text);
    *ret = yes;
    return 0;
}

static int read_number(const char *text, const struct row *row, int64_t *ret, struct err *err)
{
    size_t digits = strspn(text, "0123456789");
    int64_t value = 0;

    if (!*text || text[digits])
        return err_set(err, ERR_INVALID, "'%.40s' is not a number", text);
    for (; *text && value <= row->max; text++)
        value = value * 10 + (*text - '0');
    if (value < row->min || value > row->max)
        return err_set(err, ERR_INVALID, "it is outside %" PRId64 "..%" PRId64, row->min, row->max);
    *ret = value;
    return 0;
}

/* As endpoint_parse() takes it, with the brackets that an IPv6 address needs there. */
static int read_endpoint(const char *address, const char *port, struct endpoint *ret,
                         struct err *err)
{
    bool bare_ipv6 = address[0] != '[' && strchr(address, ':');
    char text[ENDPOINT_STR_MAX];
    int len = snprintf(text, sizeof(text), bare_ipv6 ? "[%s]:%s" : "%s:%s", address, port);

    if (!*address)
        return err_set(err, ERR_INVALID, "the Address is empty");
    if (len < 0 || (size_t)len >= sizeof(text))
        return err_set(err, ERR_INVALID, "the Address or the Port is too long");
    if (bare_ipv6 && inet_pton(AF_INET6, address, &(struct in6_addr){0}) != 1)
        return err_set(err, ERR_INVALID,
                       "the Address is no name and no IP address (the port is a field of its own)");
    return endpoint_parse(text, ret, err);
}

static int read_endpoints(const struct query *query, const char *list, struct endpoint *ret,
                          struct err *err)
{
    const char *address, *port;
    unsigned n;

    if (query_members(query, list, &n, err))
        return err->code;
    if (n != 1)
        return err_set(err, ERR_INVALID, "it has %u endpoints; exactly one is needed", n);
    address = query_member(query, list, 1, "Address");
    port = query_member(query, list, 1, "Port");
    if (!address || !port)
        return err_set(err, ERR_INVALID, "its endpoint has no %s", address ? "Port" : "Address");
    return read_endpoint(address, port, ret, err);
}

/* --- one parameter --- */

/* A list is there by any of its members. */
static bool is_there(const struct query *query, const struct row *row)
{
    size_t len = strlen(row->name);

    for (unsigned i = 0; i < query->n; i++) {
        const char *name = query->pairs[i].name;

        if (strncmp(name, row->name, len) == 0 &&
            (!name[len] || (row->kind == KIND_ENDPOINTS && name[len] == '.')))
            return true;
    }
    return false;
}

static int read_value(const struct query *query, const struct row *row, void *member,
                      struct err *err)
{
    const char *text = query_get(query, row->name);

    switch (row->kind) {
    case KIND_TEXT:
        return read_text(text, member, err);
    case KIND_MARKER:
        *(const char **)member = *text ? text : NULL;
        return 0;
    case KIND_BOOL:
        return read_bool(text, member, err);
    case KIND_NUMBER:
        return read_number(text, row, member, err);
    case KIND_TIME:
        return timestamp_parse(text, member, err);
    case KIND_ENDPOINTS:
        return read_endpoints(query, row->name, member, err);
    }
    return 0;
}

int arguments_read(const struct query *query, unsigned required, unsigned optional,
                   struct arguments *ret, struct err *err)
{
    struct arguments arguments = {
        .max_records = 100, .start_ms = ARGUMENT_NO_TIME, .end_ms = ARGUMENT_NO_TIME};

    for (size_t i = 0; i < array_len(rows); i++) {
        const struct row *row = &rows[i];

        if (!((required | optional) & row->id))
            continue;
        if (!is_there(query, row)) {
            if (required & row->id)
                return err_set(err, ERR_NOT_FOUND, "the parameter %s is missing", row->name);
            continue;
        }
        if (read_value(query, row, (char *)&arguments + row->offset, err))
            return err_wrap(err, "%s", row->name);
    }
    *ret = arguments;
    return 0;
}
