/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The text of INFO, as typed fields. Pure: no I/O, no clock.
 *
 * Parsing merges: a section that is in the text replaces what was known of it, the others stay. A
 * field a server does not report has the value named in its comment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"

#define REDIS_REPLICAS_MAX 16

enum redis_role { REDIS_ROLE_UNKNOWN, REDIS_ROLE_MASTER, REDIS_ROLE_REPLICA };

enum redis_info_section {
    REDIS_INFO_SERVER = 1 << 0,
    REDIS_INFO_REPLICATION = 1 << 1,
    REDIS_INFO_PERSISTENCE = 1 << 2,
    REDIS_INFO_MEMORY = 1 << 3,
    REDIS_INFO_STATS = 1 << 4,
    REDIS_INFO_KEYSPACE = 1 << 5,
    REDIS_INFO_CLUSTER = 1 << 6,
    REDIS_INFO_CLIENTS = 1 << 7,
    REDIS_INFO_MODULES = 1 << 8,
    REDIS_INFO_ERRORSTATS = 1 << 9,
};

enum redis_replica_state {
    REDIS_REPLICA_OTHER,
    REDIS_REPLICA_WAIT_BGSAVE,
    REDIS_REPLICA_SEND_BULK,
    REDIS_REPLICA_ONLINE,
};

struct redis_info_replica {
    char ip[64];
    uint16_t port;
    enum redis_replica_state state;
    int64_t offset;
    int64_t lag_seconds; /* -1: not reported */
};

/* Beyond this no server can have got: an offset outside 0..max counts as not reported. */
#define REDIS_OFFSET_MAX (INT64_MAX / 4)

struct redis_info {
    unsigned sections; /* enum redis_info_section bits seen so far */

    /* clients */
    uint64_t connected_clients;
    int64_t maxclients;     /* -1: before 7.0 */
    char paused_reason[24]; /* "none", "client_pause", …; "": not told, as by Redis, 8.0 too */
    int64_t paused_ms;      /* how long it still lasts; 0 */

    /* server */
    char product[16]; /* "redis", "valkey", "redict"; "dragonfly", "keydb", "garnet", "kvrocks" */
    char version[24]; /* the product's own version ("8.0.1" for Valkey, not the 7.2.4 it claims) */
    unsigned version_num;      /* of that: major * 10000 + minor * 100 + patch */
    unsigned redis_compat_num; /* of redis_version:, which tells what commands there are */
    char run_id[41];
    uint64_t uptime_seconds;
    uint16_t tcp_port;
    int64_t time_us; /* its clock; -1: before 7.0 */

    /* replication */
    enum redis_role role;
    char replid[41], replid2[41];
    int64_t master_repl_offset; /* 0 */
    int64_t second_repl_offset; /* -1 */
    int64_t backlog_bytes;      /* its configured size; 0 */
    bool backlog_active;        /* there is one */
    int64_t backlog_first;      /* the offset of its first byte; 0 */
    bool failing_over;          /* FAILOVER is under way */
    int64_t good_replicas;      /* that min-replicas-to-write counts; -1: that is off */
    unsigned connected_replicas;
    unsigned n_replicas; /* at most REDIS_REPLICAS_MAX are kept */
    struct redis_info_replica replicas[REDIS_REPLICAS_MAX];
    /* … of a replica */
    char master_host[254];
    uint16_t master_port;
    bool read_only;
    bool link_up;
    bool sync_in_progress;
    int64_t link_down_seconds; /* -1: not reported, or never was up */
    int64_t last_io_seconds;   /* -1 */
    int64_t replica_offset;    /* slave_repl_offset: what has been applied; -1 */
    int64_t sync_total_bytes;  /* 0 or -1: unknown yet */
    int64_t sync_read_bytes;   /* -1 */
    int64_t sync_left_bytes;   /* -1 */

    /* persistence */
    bool loading, async_loading;
    double loading_percent;       /* 0 */
    int64_t loading_loaded_bytes; /* -1 */
    int64_t loading_eta_seconds;  /* -1 */
    bool bgsave_in_progress;
    int64_t save_keys_processed; /* -1: before 7.0 */
    int64_t save_keys_total;     /* -1 */
    int64_t changes;             /* since the data were last saved, or loaded; 0 */
    int64_t saves;               /* RDB files written since the start; -1: before 7.0 */
    int64_t last_save_seconds;   /* how long the last one in the background took; -1: none yet */
    bool save_failed;            /* the last one, or the last write to the AOF */
    bool aof_failed;
    bool aof_enabled;

    /* memory */
    uint64_t used_memory, used_memory_dataset, maxmemory, total_system_memory;
    uint64_t not_counted_for_evict;
    uint64_t backlog_used; /* what its backlog takes now */
    char maxmemory_policy[24];

    /* stats */
    int64_t sync_full, sync_partial_ok, sync_partial_err;
    int64_t unexpected_error_replies; /* -1: before 7.0 */
    int64_t rejected_connections;     /* turned away: maxclients, protected mode */
    int64_t forks;                    /* -1: before 6.2 */
    int64_t buffer_cuts;              /* clients closed for their output buffer; -1: before 7.2 */
    int64_t evicted_keys;
    int64_t ops_per_second;
    double input_kbps; /* KiB per second that it is sent: at least what is written */

    /* errorstats, from 6.2 on */
    int64_t refused_logins; /* WRONGPASS and NOAUTH */

    /* keyspace */
    int64_t keys;           /* over all databases; 0 */
    int64_t lasting;        /* those without an expiry */
    uint64_t lasting_sum;   /* … as a checksum over the databases they are in; 0: none */
    unsigned databases;     /* that hold keys */
    uint64_t database_bits; /* … and which: 1 << number; the first 64 of them */
    int64_t last_database;  /* the highest number of these; -1: none */
    int64_t field_ttls;     /* hashes with fields that expire by themselves */

    /* modules */
    char modules[128]; /* their names, with commas between; "" */

    /* cluster */
    bool cluster_enabled;
};

/* Merges text into *info. ERR_PROTOCOL when nothing in the text looks like INFO; *info is unchanged
 * then. */
int redis_info_parse(struct redis_info *info, const char *text, size_t len,
                     struct err *err) must_check;
