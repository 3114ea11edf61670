/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/redis/info.h"
#include "tests/unit/fixture.h"

#define REPLID "8c71ae0e0b8a2a3c4b1f2b2a0b5b3f6e8a9f0c1d"

static void parse(struct redis_info *info, const char *text)
{
    struct err err = ERR_INIT;

    assert_int_equal(redis_info_parse(info, text, strlen(text), &err), 0);
}

static const char primary[] = "# Server\r\n"
                              "redis_version:7.0.15\r\n"
                              "redis_mode:standalone\r\n"
                              "run_id:" REPLID "\r\n"
                              "tcp_port:7001\r\n"
                              "uptime_in_seconds:42\r\n"
                              "\r\n"
                              "# Replication\r\n"
                              "role:master\r\n"
                              "connected_slaves:2\r\n"
                              "slave0:ip=10.0.1.7,port=6379,state=online,offset=1234,lag=1\r\n"
                              "slave1:ip=::1,port=6380,state=wait_bgsave,offset=0,lag=0\r\n"
                              "slave_expires_tracked_keys:0\r\n"
                              "master_failover_state:no-failover\r\n"
                              "master_replid:" REPLID "\r\n"
                              "master_replid2:0000000000000000000000000000000000000000\r\n"
                              "master_repl_offset:1250\r\n"
                              "second_repl_offset:-1\r\n"
                              "\r\n"
                              "# Keyspace\r\n"
                              "db0:keys=1000000,expires=3,avg_ttl=17\r\n"
                              "db15:keys=7,expires=0,avg_ttl=0,subexpiry=0\r\n";

static void test_primary(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, primary);
    assert_int_equal(info.sections,
                     REDIS_INFO_SERVER | REDIS_INFO_REPLICATION | REDIS_INFO_KEYSPACE);
    assert_string_equal(info.product, "redis");
    assert_string_equal(info.version, "7.0.15");
    assert_int_equal(info.version_num, 70015);
    assert_int_equal(info.redis_compat_num, 70015);
    assert_string_equal(info.run_id, REPLID);
    assert_int_equal(info.tcp_port, 7001);
    assert_int_equal(info.uptime_seconds, 42);
    assert_int_equal(info.role, REDIS_ROLE_MASTER);
    assert_string_equal(info.replid, REPLID);
    assert_int_equal(info.master_repl_offset, 1250);
    assert_int_equal(info.second_repl_offset, -1);
    assert_int_equal(info.connected_replicas, 2);
    assert_int_equal(info.n_replicas, 2);
    assert_string_equal(info.replicas[0].ip, "10.0.1.7");
    assert_int_equal(info.replicas[0].port, 6379);
    assert_int_equal(info.replicas[0].state, REDIS_REPLICA_ONLINE);
    assert_int_equal(info.replicas[0].offset, 1234);
    assert_int_equal(info.replicas[0].lag_seconds, 1);
    assert_string_equal(info.replicas[1].ip, "::1");
    assert_int_equal(info.replicas[1].state, REDIS_REPLICA_WAIT_BGSAVE);
    assert_int_equal(info.replica_offset, -1);
    assert_int_equal(info.link_down_seconds, -1);
    assert_int_equal(info.keys, 1000007);
    assert_int_equal(info.databases, 2);
    assert_false(info.cluster_enabled);
}

/* A section that comes again replaces all of itself, and nothing else. */
static void test_section_is_replaced(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, primary);
    parse(&info, "# Replication\nrole:slave\nmaster_host:db.example\nmaster_port:6379\n"
                 "master_link_status:down\nmaster_last_io_seconds_ago:-1\n"
                 "master_sync_in_progress:1\nslave_read_repl_offset:1\nslave_repl_offset:77\n"
                 "master_sync_total_bytes:1000\nmaster_sync_read_bytes:250\n"
                 "master_sync_left_bytes:750\nmaster_link_down_since_seconds:3\n"
                 "slave_priority:100\nconnected_slaves:0\n");
    assert_int_equal(info.role, REDIS_ROLE_REPLICA);
    assert_string_equal(info.master_host, "db.example");
    assert_int_equal(info.master_port, 6379);
    assert_false(info.link_up);
    assert_true(info.sync_in_progress);
    assert_int_equal(info.replica_offset, 77);
    assert_int_equal(info.sync_total_bytes, 1000);
    assert_int_equal(info.sync_read_bytes, 250);
    assert_int_equal(info.sync_left_bytes, 750);
    assert_int_equal(info.link_down_seconds, 3);
    assert_int_equal(info.n_replicas, 0);
    assert_string_equal(info.replid, "");
    assert_int_equal(info.keys, 1000007);
    assert_string_equal(info.version, "7.0.15");

    parse(&info, "# Replication\r\nrole:slave\r\nmaster_link_status:up\r\n\r\n# Keyspace\r\n");
    assert_true(info.link_up);
    assert_string_equal(info.master_host, "");
    assert_int_equal(info.link_down_seconds, -1);
    assert_int_equal(info.sync_read_bytes, -1);
    assert_int_equal(info.keys, 0);
    assert_int_equal(info.databases, 0);
}

static void test_products(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n"
                 "server_mode:cluster\r\n");
    assert_string_equal(info.product, "valkey");
    assert_string_equal(info.version, "9.1.2");
    assert_int_equal(info.version_num, 90102);
    assert_int_equal(info.redis_compat_num, 70204);
    assert_true(info.cluster_enabled);

    parse(&info, "# Server\r\nredict_version:7.3.6\r\nredis_version:7.2.4\r\n"
                 "redict_mode:standalone\r\n");
    assert_string_equal(info.product, "redict");
    assert_int_equal(info.version_num, 70306);
    assert_int_equal(info.redis_compat_num, 70204);
    assert_false(info.cluster_enabled);

    parse(&info, "# Server\r\nredis_version:255.255.255\r\nredis_mode:standalone\r\n");
    assert_string_equal(info.product, "redis");
    assert_int_equal(info.version_num, 2559999);
    parse(&info, "# Server\r\nredis_version:8.2-rc1\r\n");
    assert_int_equal(info.version_num, 80200);
}

static void test_the_rest(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, "# Persistence\r\nloading:1\r\nasync_loading:0\r\nloading_loaded_perc:12.50\r\n"
                 "loading_eta_seconds:9\r\nrdb_bgsave_in_progress:1\r\n"
                 "current_save_keys_processed:5\r\ncurrent_save_keys_total:10\r\n"
                 "# Memory\r\nused_memory:1024\r\nused_memory_dataset:512\r\nmaxmemory:2048\r\n"
                 "total_system_memory:9223372036854775807\r\nmaxmemory_policy:allkeys-lru\r\n"
                 "# Stats\r\nsync_full:3\r\nsync_partial_ok:2\r\nsync_partial_err:1\r\n"
                 "evicted_keys:4\r\ninstantaneous_ops_per_sec:100\r\n"
                 "# Cluster\r\ncluster_enabled:1\r\n");
    assert_true(info.loading);
    assert_false(info.async_loading);
    assert_true(info.loading_percent > 12.49 && info.loading_percent < 12.51);
    assert_int_equal(info.loading_eta_seconds, 9);
    assert_true(info.bgsave_in_progress);
    assert_int_equal(info.save_keys_processed, 5);
    assert_int_equal(info.save_keys_total, 10);
    assert_int_equal(info.used_memory, 1024);
    assert_int_equal(info.used_memory_dataset, 512);
    assert_int_equal(info.maxmemory, 2048);
    assert_int_equal(info.total_system_memory, INT64_MAX);
    assert_string_equal(info.maxmemory_policy, "allkeys-lru");
    assert_int_equal(info.sync_full, 3);
    assert_int_equal(info.sync_partial_ok, 2);
    assert_int_equal(info.sync_partial_err, 1);
    assert_int_equal(info.unexpected_error_replies, -1);
    assert_int_equal(info.evicted_keys, 4);
    assert_int_equal(info.ops_per_second, 100);
    assert_true(info.cluster_enabled);

    parse(&info, "# Persistence\r\nloading:0\r\n");
    assert_false(info.loading);
    assert_int_equal(info.loading_eta_seconds, -1);
    assert_int_equal(info.save_keys_total, -1);
}

static void test_malformed_values_are_passed_over(void **state)
{
    struct redis_info info = {0};
    char text[4096] = "# Replication\r\n:\r\nrole\r\nrole:\r\nmaster_repl_offset:12x\r\n"
                      "second_repl_offset:99999999999999999999\r\nmaster_port:70000\r\n"
                      "slave0:port=1\r\nslave:ip=1.2.3.4\r\nslavex:ip=1.2.3.4\r\n"
                      "slave1:ip=1.2.3.4,port=x,state=,offset,lag=-5,,,=\r\n"
                      "slave18446744073709551616:ip=4.3.2.1\r\nmaster_replid:";
    size_t n = strlen(text);

    (void)state;
    memset(text + n, 'a', 600);
    memcpy(text + n + 600, "\r\nmaster_host:h", 16);
    parse(&info, text);
    assert_int_equal(info.role, REDIS_ROLE_UNKNOWN);
    assert_int_equal(info.master_repl_offset, 0);
    assert_int_equal(info.second_repl_offset, -1);
    assert_int_equal(info.master_port, 0);
    assert_int_equal(info.n_replicas, 2);
    assert_string_equal(info.replicas[0].ip, "1.2.3.4");
    assert_int_equal(info.replicas[0].port, 0);
    assert_int_equal(info.replicas[0].state, REDIS_REPLICA_OTHER);
    assert_int_equal(info.replicas[0].lag_seconds, -1);
    assert_string_equal(info.replid, "");
    assert_string_equal(info.master_host, "h"); /* the last line needs no end */
}

static void test_many_replicas(void **state)
{
    struct redis_info info = {0};
    char text[4096] = "# Replication\r\nconnected_slaves:20\r\n";

    (void)state;
    for (int i = 0; i < 20; i++) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "slave%d:ip=10.0.0.%d,port=1,state=send_bulk\r\n", i,
                 i);
    }
    parse(&info, text);
    assert_int_equal(info.connected_replicas, 20);
    assert_int_equal(info.n_replicas, REDIS_REPLICAS_MAX);
    assert_string_equal(info.replicas[7].ip, "10.0.0.7");
    assert_int_equal(info.replicas[7].state, REDIS_REPLICA_SEND_BULK);
}

static void test_no_info(void **state)
{
    static const char *const texts[] = {"", "\r\n", "hello", "role:master\r\n", "\0\0\0"};
    struct redis_info info = {0}, before;
    struct err err = ERR_INIT;

    (void)state;
    parse(&info, primary);
    before = info;
    for (size_t i = 0; i < array_len(texts); i++) {
        assert_int_equal(redis_info_parse(&info, texts[i], strlen(texts[i]), &err), ERR_PROTOCOL);
        assert_memory_equal(&info, &before, sizeof(info));
    }
    assert_int_equal(redis_info_parse(&info, "\0#\0", 3, &err), ERR_PROTOCOL);
    parse(&info, "# Modules\r\nmodule:name=x\r\n# Errorstats\r\n");
    assert_int_equal(info.role, REDIS_ROLE_MASTER);
}

/* Sums and differences of offsets are made without a thought: none comes in that could overflow. */
static void offsets_out_of_range_count_as_not_reported(void **state)
{
    static const struct {
        const char *text;
        int64_t offset; /* REFUSED: as if it were not there */
    } rows[] = {
#define REFUSED INT64_MIN
        {"-9223372036854775808", REFUSED},
        {"-1", REFUSED},
        {"9223372036854775807", REFUSED},
        {"9223372036854775808", REFUSED},
        {"2305843009213693952", REFUSED},
        {"2305843009213693951", REDIS_OFFSET_MAX},
        {"99999999999999999999", REFUSED},
        {"12x", REFUSED},
        {"", REFUSED},
        {"0", 0},
        {"1250", 1250},
    };
    struct redis_info info = {0};
    char text[512];

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        const char *t = rows[i].text;
        int64_t zero = rows[i].offset == REFUSED ? 0 : rows[i].offset;
        int64_t none = rows[i].offset == REFUSED ? -1 : rows[i].offset;

        parse(&info, primary); /* what was known is not kept either */
        snprintf(text, sizeof(text),
                 "# Replication\r\nmaster_repl_offset:%s\r\nsecond_repl_offset:%s\r\n"
                 "slave_repl_offset:%s\r\nslave0:ip=10.0.0.2,port=1,state=online,offset=%s\r\n",
                 t, t, t, t);
        parse(&info, text);
        assert_int_equal(info.master_repl_offset, zero);
        assert_int_equal(info.second_repl_offset, none);
        assert_int_equal(info.replica_offset, none);
        assert_int_equal(info.n_replicas, 1);
        assert_int_equal(info.replicas[0].offset, zero);
        assert_int_equal(info.replicas[0].state, REDIS_REPLICA_ONLINE);
    }
}

static void counters_have_the_value_of_what_is_not_reported(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, "# Stats\r\nsync_full:12\r\nsync_full:9223372036854775807\r\nevicted_keys:5\r\n"
                 "unexpected_error_replies:3\r\n# Clients\r\nconnected_clients:7\r\n"
                 "paused_reason:client_pause\r\npaused_timeout_milliseconds:250\r\n"
                 "# Memory\r\nmem_not_counted_for_evict:77\r\n");
    assert_int_equal(info.sync_full, 12); /* out of range: passed over */
    assert_int_equal(info.unexpected_error_replies, 3);
    assert_int_equal(info.connected_clients, 7);
    assert_string_equal(info.paused_reason, "client_pause");
    assert_int_equal(info.paused_ms, 250);
    assert_int_equal(info.not_counted_for_evict, 77);
    parse(&info, "# Stats\r\nsync_full:9223372036854775808\r\nevicted_keys:\r\n# Clients\r\n"
                 "connected_clients:-1\r\n# Memory\r\nused_memory:18446744073709551615\r\n"
                 "mem_not_counted_for_evict:-1\r\n");
    assert_int_equal(info.sync_full, 0);
    assert_int_equal(info.evicted_keys, 0);
    assert_int_equal(info.unexpected_error_replies, -1);
    assert_int_equal(info.connected_clients, 0);
    assert_string_equal(info.paused_reason, "");
    assert_int_equal(info.paused_ms, 0);
    assert_int_equal(info.used_memory, 0);
    assert_int_equal(info.not_counted_for_evict, 0);
}

static void failures_and_failovers_are_told_by_words(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, "# Persistence\r\nrdb_last_bgsave_status:err\r\naof_last_write_status:ok\r\n"
                 "rdb_changes_since_last_save:4\r\nrdb_saves:2\r\nrdb_last_bgsave_time_sec:-1\r\n"
                 "# Replication\r\nmaster_failover_state:waiting-for-sync\r\n"
                 "repl_backlog_size:1048576\r\nmin_slaves_good_slaves:2\r\nslave_read_only:1\r\n");
    assert_true(info.save_failed);
    assert_false(info.aof_failed);
    assert_int_equal(info.changes, 4);
    assert_int_equal(info.saves, 2);
    assert_int_equal(info.last_save_seconds, -1);
    assert_true(info.failing_over);
    assert_int_equal(info.backlog_bytes, 1048576);
    assert_int_equal(info.good_replicas, 2);
    assert_true(info.read_only);
    parse(&info, "# Persistence\r\naof_last_write_status:err\r\n# Replication\r\n"
                 "master_failover_state:no-failover\r\n");
    assert_false(info.save_failed);
    assert_true(info.aof_failed);
    assert_int_equal(info.saves, -1);
    assert_false(info.failing_over);
    assert_int_equal(info.good_replicas, -1);
    assert_false(info.read_only);
}

static uint64_t lasting_sum(const char *text)
{
    struct redis_info info = {0};

    parse(&info, text);
    return info.lasting_sum;
}

static void lasting_keys_are_compared_by_database_in_any_order(void **state)
{
    static const char *const others[] = {
        "# Keyspace\ndb0:keys=6,expires=1\ndb3:keys=7,expires=0\n",
        "# Keyspace\ndb1:keys=5,expires=1\ndb3:keys=7,expires=0\n",
        "# Keyspace\ndb0:keys=7,expires=0\ndb3:keys=4,expires=0\n",
        "# Keyspace\ndb0:keys=11,expires=0\n",
        "# Keyspace\n",
    };
    struct redis_info info = {0};
    uint64_t sum;

    (void)state;
    parse(&info, "# Keyspace\ndb0:keys=5,expires=1\ndb3:keys=7,expires=0\n");
    assert_int_equal(info.lasting, 11);
    sum = info.lasting_sum;
    assert_int_equal(lasting_sum("# Keyspace\ndb3:keys=7\ndb0:keys=4,expires=0\n"), sum);
    assert_int_equal(lasting_sum("# Keyspace\ndb0:keys=9,expires=5\ndb3:keys=7\n"
                                 "db9:keys=2,expires=2\n"),
                     sum);
    for (size_t i = 0; i < array_len(others); i++)
        assert_true(lasting_sum(others[i]) != sum);
    parse(&info, "# Keyspace\ndb0:keys=1,expires=9\n");
    assert_int_equal(info.lasting, 0);
    parse(&info, "# Keyspace\ndb1:keys=9223372036854775807\ndb2:keys=9223372036854775807\n");
    assert_int_equal(info.keys, INT64_MAX);
    assert_int_equal(info.lasting, INT64_MAX);
}

static void foreign_products_say_who_they_are(void **state)
{
    static const struct {
        const char *text, *product, *version;
    } rows[] = {
        {"# Server\r\nredis_version:7.4.0\r\ndragonfly_version:df-v1.26.1\r\n", "dragonfly",
         "df-v1.26.1"},
        {"# Server\r\nredis_version:7.4.3\r\ngarnet_version:1.0.61\r\n", "garnet", "1.0.61"},
        {"# Server\r\nkvrocks_version:2.11.1\r\nredis_version:4.0.0\r\n", "kvrocks", "2.11.1"},
        {"# Server\r\nredis_version:6.3.4\r\nexecutable:/usr/bin/keydb-server\r\n", "keydb",
         "6.3.4"},
        {"# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/redis-server\r\n", "redis",
         "7.0.15"},
    };
    struct redis_info info = {0};

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        parse(&info, rows[i].text); /* each takes the place of the one before */
        assert_string_equal(info.product, rows[i].product);
        assert_string_equal(info.version, rows[i].version);
    }
}

static void clients_and_clocks_are_told_since_70(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, "# Clients\r\nconnected_clients:3\r\nmaxclients:10000\r\n# Server\r\n"
                 "redis_version:7.0.15\r\nserver_time_usec:1700000000123456\r\n");
    assert_int_equal(info.maxclients, 10000);
    assert_int_equal(info.time_us, INT64_C(1700000000123456));
    parse(&info, "# Clients\r\nconnected_clients:3\r\n# Server\r\nredis_version:6.0.16\r\n");
    assert_int_equal(info.maxclients, -1);
    assert_int_equal(info.time_us, -1);
}

static void databases_show_the_last_one_and_fields_with_an_expiry(void **state)
{
    struct redis_info info = {0};

    (void)state;
    parse(&info, "# Keyspace\ndb0:keys=5,expires=1,avg_ttl=0,subexpiry=2\n"
                 "db12:keys=7,expires=0,avg_ttl=0,subexpiry=1\ndb3:keys=1,expires=0\n"
                 "db15:keys=0,expires=0\n");
    assert_int_equal(info.last_database, 12);
    assert_int_equal(info.field_ttls, 3);
    parse(&info, "# Keyspace\ndb1:keys=5,expires=1,avg_ttl=0,keys_with_volatile_items=4\n");
    assert_int_equal(info.last_database, 1);
    assert_int_equal(info.field_ttls, 4);
    parse(&info, "# Keyspace\n");
    assert_int_equal(info.last_database, -1);
    assert_int_equal(info.field_ttls, 0);
    parse(&info, "# Keyspace\ndb0:keys=1,subexpiry=-1\ndb99999999999:keys=1\n");
    assert_int_equal(info.field_ttls, 0);
    assert_int_equal(info.last_database, 0);
    parse(&info, "# Memory\nmem_replication_backlog:1048576\n");
    assert_int_equal(info.backlog_used, 1048576);
}

/* A name that is cut would be another module's. */
static void modules_are_named_as_long_as_there_is_room(void **state)
{
    struct redis_info info = {0};
    char text[2048] = "# Modules\r\n";

    (void)state;
    parse(&info, "# Modules\r\nmodule:name=vectorset,ver=1,api=1\r\nmodule:name=bf,ver=2\r\n"
                 "module:ver=1\r\n");
    assert_string_equal(info.modules, "vectorset,bf");
    for (int i = 0; i < 20; i++) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "module:name=thirteen-%04d,ver=1\r\n", i);
    }
    parse(&info, text);
    assert_int_equal(strlen(info.modules), 125);
    assert_string_equal(info.modules + 112, "thirteen-0008");
    parse(&info, "# Modules\r\n");
    assert_string_equal(info.modules, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_primary),
        cmocka_unit_test(test_section_is_replaced),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_malformed_values_are_passed_over),
        cmocka_unit_test(test_many_replicas),
        cmocka_unit_test(test_no_info),
        cmocka_unit_test(offsets_out_of_range_count_as_not_reported),
        cmocka_unit_test(counters_have_the_value_of_what_is_not_reported),
        cmocka_unit_test(failures_and_failovers_are_told_by_words),
        cmocka_unit_test(lasting_keys_are_compared_by_database_in_any_order),
        cmocka_unit_test(foreign_products_say_who_they_are),
        cmocka_unit_test(clients_and_clocks_are_told_since_70),
        cmocka_unit_test(databases_show_the_last_one_and_fields_with_an_expiry),
        cmocka_unit_test(modules_are_named_as_long_as_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
