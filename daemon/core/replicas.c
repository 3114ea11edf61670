/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/replicas.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_address(const char *host)
{
    unsigned char buf[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, buf) == 1 || inet_pton(AF_INET6, host, buf) == 1;
}

/* One IPv6 address is written in many ways. */
static bool same_host(const char *a, const char *b)
{
    struct in6_addr x, y;

    if (inet_pton(AF_INET6, a, &x) == 1 && inet_pton(AF_INET6, b, &y) == 1)
        return memcmp(&x, &y, sizeof(x)) == 0;
    return strcasecmp(a, b) == 0;
}

const struct redis_info_replica *replica_at(const struct redis_info *info,
                                            const struct endpoint *endpoint)
{
    const struct redis_info_replica *by_port = NULL;

    for (unsigned i = 0; i < info->n_replicas; i++) {
        const struct redis_info_replica *replica = &info->replicas[i];

        if (replica->port != endpoint->port)
            continue;
        if (same_host(replica->ip, endpoint->host))
            return replica;
        by_port = replica;
    }
    return is_address(endpoint->host) ? NULL : by_port;
}

const struct redis_info_replica *replica_exactly_at(const struct redis_info *info,
                                                    const struct endpoint *endpoint)
{
    for (unsigned i = 0; i < info->n_replicas; i++)
        if (info->replicas[i].port == endpoint->port &&
            same_host(info->replicas[i].ip, endpoint->host))
            return &info->replicas[i];
    return NULL;
}

unsigned replicas_online(const struct redis_info *info)
{
    unsigned online = 0;

    for (unsigned i = 0; i < info->n_replicas; i++)
        online += info->replicas[i].state == REDIS_REPLICA_ONLINE;
    if (info->connected_replicas > REDIS_REPLICAS_MAX)
        online += info->connected_replicas - REDIS_REPLICAS_MAX; /* their lines are not kept */
    return online;
}

/* --- as they are shown --- */

static const char *const states[] = {
    [REDIS_REPLICA_OTHER] = "other",
    [REDIS_REPLICA_WAIT_BGSAVE] = "wait_bgsave",
    [REDIS_REPLICA_SEND_BULK] = "send_bulk",
    [REDIS_REPLICA_ONLINE] = "online",
};
static const char missing[] = "missing";

/* What reads the stream and is no server gives no port, and need not acknowledge anything. */
static bool acknowledges(const struct redis_info_replica *replica)
{
    return replica->state == REDIS_REPLICA_ONLINE && replica->port != 0;
}

static struct replica_row row_of(const struct redis_info *info,
                                 const struct redis_info_replica *replica)
{
    struct replica_row row = {.at.port = replica->port,
                              .state = states[replica->state],
                              .offset = acknowledges(replica) ? replica->offset : -1,
                              .lag = -1};

    (void)str_copy(row.at.host, sizeof(row.at.host), replica->ip);
    if (row.offset >= 0)
        row.lag = max_of(info->master_repl_offset - row.offset, (int64_t)0);
    return row;
}

/*
 * A line for each of the named ones, none for two of them: an address finds its own, then a name
 * that the server does not list takes what is left on its port. Returns those that found one.
 */
static uint32_t match(const struct redis_info *info, const struct endpoint *named, unsigned n)
{
    bool taken[REDIS_REPLICAS_MAX] = {false};
    uint32_t found = 0;

    for (int exact = 1; exact >= 0; exact--) {
        for (unsigned i = 0; i < n * info->n_replicas; i++) {
            const struct endpoint *want = &named[i / info->n_replicas];
            unsigned line = i % info->n_replicas, bit = 1u << i / info->n_replicas;
            const struct redis_info_replica *replica = &info->replicas[line];

            if (found & bit || taken[line] || replica->port != want->port)
                continue;
            if (exact ? !same_host(replica->ip, want->host) : is_address(want->host))
                continue;
            taken[line] = true;
            found |= bit;
        }
    }
    return found;
}

unsigned replica_rows(const struct redis_info *info, const struct endpoint *named, unsigned n,
                      struct replica_row ret[REPLICA_ROWS_MAX])
{
    uint32_t found = match(info, named, n);
    unsigned rows = 0;

    for (unsigned i = 0; i < info->n_replicas; i++)
        ret[rows++] = row_of(info, &info->replicas[i]);
    for (unsigned i = 0; i < n; i++)
        if (!(found & 1u << i))
            ret[rows++] =
                (struct replica_row){.at = named[i], .state = missing, .offset = -1, .lag = -1};
    return rows;
}

bool replica_is_near(const struct replica_row *row, int64_t max_lag)
{
    return row->state == states[REDIS_REPLICA_ONLINE] && row->lag <= max_lag;
}

static void say_where(const struct replica_row *row, char *buf, size_t size)
{
    char label[ENDPOINT_LABEL_MAX];

    endpoint_label(&row->at, label);
    if (row->state == missing)
        snprintf(buf, size, "'%s' is not connected", label);
    else if (row->state == states[REDIS_REPLICA_ONLINE])
        snprintf(buf, size, "'%s' is %" PRId64 " bytes behind", label, row->lag);
    else
        snprintf(buf, size, "'%s' is being sent a copy (%s)", label, row->state);
}

#define MORE_ROOM 16 /* " and 255 more" */

unsigned replicas_far(const struct redis_info *info, const struct endpoint *named, unsigned n,
                      int64_t max_lag, char *buf, size_t size)
{
    struct replica_row rows[REPLICA_ROWS_MAX];
    unsigned n_rows = replica_rows(info, named, n, rows), far = 0, said = 0;
    size_t used = 0;

    buf[0] = '\0';
    for (unsigned i = 0; i < n_rows; i++) {
        char where[ENDPOINT_LABEL_MAX + 48];

        if (replica_is_near(&rows[i], max_lag))
            continue;
        far++;
        say_where(&rows[i], where, sizeof(where));
        if (used + strlen(where) + MORE_ROOM >= size)
            continue;
        used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", where);
        said++;
    }
    if (said < far)
        snprintf(buf + used, size - used, "%s%u%s", used ? " and " : "", far - said,
                 used ? " more" : "");
    return far;
}
