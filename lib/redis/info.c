/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table says which field of which section goes where. A section's header sets its fields back to
 * what they are when a server does not report them; unknown sections, fields and malformed values
 * are passed over, because every product and version has its own.
 */
#include "lib/redis/info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_KEPT 512 /* longer lines hold nothing that is wanted here */

enum type {
    T_STRING,
    T_U16,
    T_U32,
    T_U64,
    T_I64,
    T_OFFSET,
    T_DOUBLE,
    T_BOOL,
    T_ROLE,
    T_LINK,
    T_FAILOVER,
    T_FAILED,
    T_REDIS_VERSION,
    T_OTHER_VERSION,
    T_MODE,
    T_EXECUTABLE,
    T_COUNT, /* "count=3", added up */
    T_NONE,  /* no line of its own; reset with its section */
};

struct row {
    enum redis_info_section section;
    const char *name;
    enum type type;
    size_t offset, size;
    int64_t absent; /* the value of a number that is not reported */
};

#define FIELD(member)                                                                              \
    offsetof(struct redis_info, member), sizeof(((struct redis_info *)NULL)->member)
#define CLIENTS REDIS_INFO_CLIENTS
#define SERVER REDIS_INFO_SERVER
#define REPL REDIS_INFO_REPLICATION
#define PERSIST REDIS_INFO_PERSISTENCE
#define MEMORY REDIS_INFO_MEMORY
#define STATS REDIS_INFO_STATS
#define KEYS REDIS_INFO_KEYSPACE
#define ERRORSTATS REDIS_INFO_ERRORSTATS

static const struct row rows[] = {
    {CLIENTS, "connected_clients", T_U64, FIELD(connected_clients), 0},
    {CLIENTS, "maxclients", T_I64, FIELD(maxclients), -1},
    {CLIENTS, "paused_reason", T_STRING, FIELD(paused_reason), 0},
    {CLIENTS, "paused_timeout_milliseconds", T_I64, FIELD(paused_ms), 0},

    {SERVER, "redis_version", T_REDIS_VERSION, FIELD(redis_compat_num), 0},
    {SERVER, "valkey_version", T_OTHER_VERSION, FIELD(product), 0},
    {SERVER, "redict_version", T_OTHER_VERSION, FIELD(product), 0},
    {SERVER, "dragonfly_version", T_OTHER_VERSION, FIELD(product), 0},
    {SERVER, "garnet_version", T_OTHER_VERSION, FIELD(product), 0},
    {SERVER, "kvrocks_version", T_OTHER_VERSION, FIELD(product), 0},
    {SERVER, "executable", T_EXECUTABLE, FIELD(product), 0},
    {SERVER, "server_time_usec", T_I64, FIELD(time_us), -1},
    {SERVER, "", T_NONE, FIELD(version), 0},
    {SERVER, "", T_NONE, FIELD(version_num), 0},
    {SERVER, "redis_mode", T_MODE, FIELD(cluster_enabled), 0},
    {SERVER, "server_mode", T_MODE, FIELD(cluster_enabled), 0},
    {SERVER, "redict_mode", T_MODE, FIELD(cluster_enabled), 0},
    {SERVER, "run_id", T_STRING, FIELD(run_id), 0},
    {SERVER, "uptime_in_seconds", T_U64, FIELD(uptime_seconds), 0},
    {SERVER, "tcp_port", T_U16, FIELD(tcp_port), 0},

    {REPL, "role", T_ROLE, FIELD(role), 0},
    {REPL, "master_replid", T_STRING, FIELD(replid), 0},
    {REPL, "master_replid2", T_STRING, FIELD(replid2), 0},
    {REPL, "master_repl_offset", T_OFFSET, FIELD(master_repl_offset), 0},
    {REPL, "second_repl_offset", T_OFFSET, FIELD(second_repl_offset), -1},
    {REPL, "repl_backlog_size", T_I64, FIELD(backlog_bytes), 0},
    {REPL, "repl_backlog_active", T_BOOL, FIELD(backlog_active), 0},
    {REPL, "repl_backlog_first_byte_offset", T_OFFSET, FIELD(backlog_first), 0},
    {REPL, "master_failover_state", T_FAILOVER, FIELD(failing_over), 0},
    {REPL, "min_slaves_good_slaves", T_I64, FIELD(good_replicas), -1},
    {REPL, "connected_slaves", T_U32, FIELD(connected_replicas), 0},
    {REPL, "", T_NONE, FIELD(n_replicas), 0},
    {REPL, "", T_NONE, FIELD(replicas), 0},
    {REPL, "master_host", T_STRING, FIELD(master_host), 0},
    {REPL, "master_port", T_U16, FIELD(master_port), 0},
    {REPL, "slave_read_only", T_BOOL, FIELD(read_only), 0},
    {REPL, "master_link_status", T_LINK, FIELD(link_up), 0},
    {REPL, "master_sync_in_progress", T_BOOL, FIELD(sync_in_progress), 0},
    {REPL, "master_link_down_since_seconds", T_I64, FIELD(link_down_seconds), -1},
    {REPL, "master_last_io_seconds_ago", T_I64, FIELD(last_io_seconds), -1},
    {REPL, "slave_repl_offset", T_OFFSET, FIELD(replica_offset), -1},
    {REPL, "master_sync_total_bytes", T_I64, FIELD(sync_total_bytes), 0},
    {REPL, "master_sync_read_bytes", T_I64, FIELD(sync_read_bytes), -1},
    {REPL, "master_sync_left_bytes", T_I64, FIELD(sync_left_bytes), -1},

    {PERSIST, "loading", T_BOOL, FIELD(loading), 0},
    {PERSIST, "async_loading", T_BOOL, FIELD(async_loading), 0},
    {PERSIST, "loading_loaded_perc", T_DOUBLE, FIELD(loading_percent), 0},
    {PERSIST, "loading_loaded_bytes", T_I64, FIELD(loading_loaded_bytes), -1},
    {PERSIST, "loading_eta_seconds", T_I64, FIELD(loading_eta_seconds), -1},
    {PERSIST, "rdb_bgsave_in_progress", T_BOOL, FIELD(bgsave_in_progress), 0},
    {PERSIST, "current_save_keys_processed", T_I64, FIELD(save_keys_processed), -1},
    {PERSIST, "current_save_keys_total", T_I64, FIELD(save_keys_total), -1},
    {PERSIST, "rdb_changes_since_last_save", T_I64, FIELD(changes), 0},
    {PERSIST, "rdb_saves", T_I64, FIELD(saves), -1},
    {PERSIST, "rdb_last_bgsave_time_sec", T_I64, FIELD(last_save_seconds), -1},
    {PERSIST, "rdb_last_bgsave_status", T_FAILED, FIELD(save_failed), 0},
    {PERSIST, "aof_last_write_status", T_FAILED, FIELD(aof_failed), 0},
    {PERSIST, "aof_enabled", T_BOOL, FIELD(aof_enabled), 0},

    {MEMORY, "used_memory", T_U64, FIELD(used_memory), 0},
    {MEMORY, "used_memory_dataset", T_U64, FIELD(used_memory_dataset), 0},
    {MEMORY, "maxmemory", T_U64, FIELD(maxmemory), 0},
    {MEMORY, "total_system_memory", T_U64, FIELD(total_system_memory), 0},
    {MEMORY, "mem_not_counted_for_evict", T_U64, FIELD(not_counted_for_evict), 0},
    {MEMORY, "mem_replication_backlog", T_U64, FIELD(backlog_used), 0},
    {MEMORY, "maxmemory_policy", T_STRING, FIELD(maxmemory_policy), 0},

    {STATS, "sync_full", T_OFFSET, FIELD(sync_full), 0},
    {STATS, "sync_partial_ok", T_I64, FIELD(sync_partial_ok), 0},
    {STATS, "sync_partial_err", T_I64, FIELD(sync_partial_err), 0},
    {STATS, "unexpected_error_replies", T_I64, FIELD(unexpected_error_replies), -1},
    {STATS, "rejected_connections", T_I64, FIELD(rejected_connections), 0},
    {STATS, "total_forks", T_I64, FIELD(forks), -1},
    {STATS, "client_output_buffer_limit_disconnections", T_I64, FIELD(buffer_cuts), -1},
    {STATS, "evicted_keys", T_I64, FIELD(evicted_keys), 0},
    {STATS, "instantaneous_ops_per_sec", T_I64, FIELD(ops_per_second), 0},
    {STATS, "instantaneous_input_kbps", T_DOUBLE, FIELD(input_kbps), 0},

    {KEYS, "", T_NONE, FIELD(keys), 0},
    {KEYS, "", T_NONE, FIELD(databases), 0},
    {KEYS, "", T_NONE, FIELD(lasting), 0},
    {KEYS, "", T_NONE, FIELD(lasting_sum), 0},
    {KEYS, "", T_NONE, FIELD(last_database), -1},
    {KEYS, "", T_NONE, FIELD(database_bits), 0},
    {KEYS, "", T_NONE, FIELD(field_ttls), 0},
    {REDIS_INFO_MODULES, "", T_NONE, FIELD(modules), 0},
    {ERRORSTATS, "errorstat_WRONGPASS", T_COUNT, FIELD(refused_logins), 0},
    {ERRORSTATS, "errorstat_NOAUTH", T_COUNT, FIELD(refused_logins), 0},

    {REDIS_INFO_CLUSTER, "cluster_enabled", T_BOOL, FIELD(cluster_enabled), 0},
};

static const struct {
    const char *name;
    enum redis_info_section section;
} sections[] = {
    {"Server", REDIS_INFO_SERVER},           {"Clients", REDIS_INFO_CLIENTS},
    {"Replication", REDIS_INFO_REPLICATION}, {"Persistence", REDIS_INFO_PERSISTENCE},
    {"Memory", REDIS_INFO_MEMORY},           {"Stats", REDIS_INFO_STATS},
    {"Keyspace", REDIS_INFO_KEYSPACE},       {"Cluster", REDIS_INFO_CLUSTER},
    {"Modules", REDIS_INFO_MODULES},         {"Errorstats", REDIS_INFO_ERRORSTATS},
};

/* --- values --- */

static bool integer(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 10);
    if (errno || end == text || *end || v < min || v > max)
        return false;
    *ret = v;
    return true;
}

static unsigned version_number(const char *text)
{
    unsigned part[3] = {0};
    unsigned i = 0;

    for (; *text && i < 3; text++) {
        if (*text == '.')
            i++;
        else if (*text >= '0' && *text <= '9')
            part[i] = min_of(part[i] * 10 + (unsigned)(*text - '0'), 999u);
        else
            break; /* 8.1.0-rc1 */
    }
    return part[0] * 10000 + min_of(part[1], 99u) * 100 + min_of(part[2], 99u);
}

static void set_version(struct redis_info *info, const char *product, size_t len,
                        const char *version)
{
    snprintf(info->product, sizeof(info->product), "%.*s", (int)len, product);
    str_copy(info->version, sizeof(info->version), version);
    info->version_num = version_number(version);
}

static enum redis_role role_of(const char *text)
{
    if (strcmp(text, "master") == 0 || strcmp(text, "primary") == 0)
        return REDIS_ROLE_MASTER;
    if (strcmp(text, "slave") == 0 || strcmp(text, "replica") == 0)
        return REDIS_ROLE_REPLICA;
    return REDIS_ROLE_UNKNOWN;
}

/* Writes a number into a member of this type; true and false are 1 and 0. */
static void store_number(const struct row *row, void *member, int64_t v)
{
    if (row->type == T_BOOL || row->type == T_LINK || row->type == T_MODE ||
        row->type == T_FAILOVER || row->type == T_FAILED)
        *(bool *)member = v != 0;
    else if (row->type == T_DOUBLE)
        *(double *)member = (double)v;
    else if (row->type == T_U16)
        *(uint16_t *)member = (uint16_t)v;
    else if (row->type == T_U32)
        *(unsigned *)member = (unsigned)v;
    else
        *(int64_t *)member = v; /* and its unsigned twin */
}

static void limits_of(enum type type, int64_t *min, int64_t *max)
{
    *min = type == T_I64 || type == T_BOOL ? INT64_MIN : 0;
    *max = type == T_U16      ? UINT16_MAX
           : type == T_U32    ? UINT32_MAX
           : type == T_OFFSET ? REDIS_OFFSET_MAX
                              : INT64_MAX;
}

/* "count=3" */
static void add_count(int64_t *sum, const char *value)
{
    int64_t n;

    if (strncmp(value, "count=", 6) == 0 && integer(value + 6, 0, INT64_MAX / 4, &n))
        *sum = min_of(*sum + n, INT64_MAX / 4);
}

static void store(struct redis_info *info, const struct row *row, const char *value)
{
    void *member = (char *)info + row->offset;
    int64_t min, max, v;
    char *end;
    double d;

    switch (row->type) {
    case T_STRING:
        str_copy(member, row->size, value);
        break;
    case T_U16:
    case T_U32:
    case T_U64:
    case T_I64:
    case T_BOOL:
    case T_OFFSET:
        limits_of(row->type, &min, &max);
        if (integer(value, min, max, &v))
            store_number(row, member, v);
        break;
    case T_DOUBLE:
        d = strtod(value, &end);
        if (end != value && d >= 0 && d <= 1e18)
            *(double *)member = d;
        break;
    case T_ROLE:
        info->role = role_of(value);
        break;
    case T_LINK:
        store_number(row, member, strcmp(value, "up") == 0);
        break;
    case T_FAILOVER:
        store_number(row, member, strcmp(value, "no-failover") != 0);
        break;
    case T_FAILED:
        store_number(row, member, strcmp(value, "ok") != 0);
        break;
    case T_MODE:
        store_number(row, member, strcmp(value, "cluster") == 0);
        break;
    case T_COUNT:
        add_count(member, value);
        break;
    case T_EXECUTABLE: /* KeyDB does not say otherwise who it is */
        if (strstr(value, "keydb"))
            str_copy(info->product, sizeof(info->product), "keydb");
        break;
    case T_REDIS_VERSION:
        info->redis_compat_num = version_number(value);
        if (!info->product[0]) /* the forks say whom they are compatible with here */
            set_version(info, "redis", 5, value);
        break;
    case T_OTHER_VERSION:
        set_version(info, row->name, strcspn(row->name, "_"), value);
        break;
    case T_NONE:
        break;
    }
}

/* --- lines with a number in their name: slave0:ip=…,port=… and db0:keys=…,… --- */

/* Copies what stands behind "<key>=" in a comma separated list. */
static bool pair_value(const char *list, const char *key, char *ret, size_t size)
{
    size_t n = strlen(key);

    while (*list) {
        size_t len = strcspn(list, ",");

        if (len > n && strncmp(list, key, n) == 0 && list[n] == '=') {
            if (len - n - 1 >= size)
                return false;
            memcpy(ret, list + n + 1, len - n - 1);
            ret[len - n - 1] = '\0';
            return true;
        }
        list += len + (list[len] == ',');
    }
    return false;
}

static bool pair_integer(const char *list, const char *key, int64_t min, int64_t max, int64_t *ret)
{
    char text[24];

    return pair_value(list, key, text, sizeof(text)) && integer(text, min, max, ret);
}

/* "slave12" is numbered "slave"; "slave_priority" is not. */
static bool numbered(const char *name, const char *stem)
{
    size_t n = strlen(stem);

    return strncmp(name, stem, n) == 0 && name[n] && !name[n + strspn(name + n, "0123456789")];
}

static void replica_line(struct redis_info *info, const char *value)
{
    static const struct {
        const char *word;
        enum redis_replica_state state;
    } states[] = {
        {"wait_bgsave", REDIS_REPLICA_WAIT_BGSAVE},
        {"send_bulk", REDIS_REPLICA_SEND_BULK},
        {"online", REDIS_REPLICA_ONLINE},
    };
    struct redis_info_replica r = {.lag_seconds = -1};
    char word[24];
    int64_t v;

    if (info->n_replicas == REDIS_REPLICAS_MAX || !pair_value(value, "ip", r.ip, sizeof(r.ip)))
        return;
    if (pair_integer(value, "port", 0, UINT16_MAX, &v))
        r.port = (uint16_t)v;
    if (pair_value(value, "state", word, sizeof(word)))
        for (size_t i = 0; i < array_len(states); i++)
            if (strcmp(word, states[i].word) == 0)
                r.state = states[i].state;
    if (pair_integer(value, "offset", 0, REDIS_OFFSET_MAX, &v))
        r.offset = v;
    if (pair_integer(value, "lag", 0, INT64_MAX, &v))
        r.lag_seconds = v;
    info->replicas[info->n_replicas++] = r;
}

/* number: of the database, as text. */
static void database_line(struct redis_info *info, const char *number, const char *value)
{
    int64_t keys, expires = 0, db = 0, fields = 0, lasting;

    if (!pair_integer(value, "keys", 0, INT64_MAX, &keys))
        return;
    (void)pair_integer(value, "expires", 0, INT64_MAX, &expires);
    (void)integer(number, 0, INT32_MAX, &db);
    if (__builtin_add_overflow(info->keys, keys, &info->keys))
        info->keys = INT64_MAX;
    info->databases += keys > 0;
    if (keys > 0)
        info->last_database = max_of(info->last_database, db);
    if (keys > 0 && db < 64)
        info->database_bits |= UINT64_C(1) << db;
    if (pair_integer(value, "subexpiry", 0, INT64_MAX / 4, &fields) ||
        pair_integer(value, "keys_with_volatile_items", 0, INT64_MAX / 4, &fields))
        info->field_ttls = min_of(info->field_ttls + fields, INT64_MAX / 4);
    lasting = max_of(keys - expires, (int64_t)0);
    if (__builtin_add_overflow(info->lasting, lasting, &info->lasting))
        info->lasting = INT64_MAX;
    /* Databases may come in any order: a sum. */
    if (lasting > 0)
        info->lasting_sum += (uint64_t)lasting * (2 * (uint64_t)db + UINT64_C(0x9e3779b97f4a7c15));
}

/* "module:name=vectorset,ver=1,…" */
static void module_line(struct redis_info *info, const char *value)
{
    size_t used = strlen(info->modules);
    char name[48];

    /* Half a name would be another one. */
    if (pair_value(value, "name", name, sizeof(name)) &&
        used + strlen(name) + 2 <= sizeof(info->modules))
        snprintf(info->modules + used, sizeof(info->modules) - used, "%s%s", used ? "," : "", name);
}

/* --- text --- */

static void section_reset(struct redis_info *info, unsigned section)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        const struct row *row = &rows[i];

        /* The mode is told by two sections; each overwrites it, neither takes it back. */
        if (row->section != section || row->type == T_MODE)
            continue;
        memset((char *)info + row->offset, 0, row->size);
        if (row->absent)
            store_number(row, (char *)info + row->offset, row->absent);
    }
}

/* Returns the section that a header opens: 0 for one that is of no interest. */
static unsigned header(const char *line)
{
    const char *name = line + 1 + strspn(line + 1, " ");

    for (size_t i = 0; i < array_len(sections); i++)
        if (strcmp(name, sections[i].name) == 0)
            return sections[i].section;
    return 0;
}

static void field(struct redis_info *info, unsigned section, char *line)
{
    char *value = strchr(line, ':');

    if (!value || !section)
        return;
    *value++ = '\0';
    if (section == REDIS_INFO_REPLICATION && numbered(line, "slave"))
        replica_line(info, value);
    else if (section == REDIS_INFO_KEYSPACE && numbered(line, "db"))
        database_line(info, line + 2, value);
    else if (section == REDIS_INFO_MODULES && strcmp(line, "module") == 0)
        module_line(info, value);
    else
        for (size_t i = 0; i < array_len(rows); i++)
            if (rows[i].section == section && strcmp(rows[i].name, line) == 0)
                store(info, &rows[i], value);
}

/* Copies the line at text, without its end, and returns the length of all of it. */
static size_t next_line(const char *text, size_t len, char line[LINE_MAX_KEPT])
{
    const char *end = memchr(text, '\n', len);
    size_t whole = end ? (size_t)(end - text) + 1 : len;
    size_t n = end ? whole - 1 : whole;

    if (n > 0 && text[n - 1] == '\r')
        n--;
    if (n >= LINE_MAX_KEPT)
        n = 0;
    memcpy(line, text, n);
    line[n] = '\0';
    return whole;
}

int redis_info_parse(struct redis_info *info, const char *text, size_t len, struct err *err)
{
    struct redis_info parsed = *info;
    char line[LINE_MAX_KEPT];
    unsigned section = 0;
    bool any = false;

    while (len > 0) {
        size_t n = next_line(text, len, line);

        text += n;
        len -= n;
        if (line[0] != '#') {
            field(&parsed, section, line);
            continue;
        }
        any = true;
        section = header(line);
        if (section)
            section_reset(&parsed, section);
        parsed.sections |= section;
    }
    if (!any)
        return err_set(err, ERR_PROTOCOL, "the answer to INFO has no section in it");
    *info = parsed;
    return 0;
}
