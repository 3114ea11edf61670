/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of memory, at their boundaries; and hosts that are too small, which no test machine is. */
#include <string.h>

#include "daemon/core/memory.h"
#include "lib/base/base.h"
#include "tests/unit/check_rig.h"
#include "tests/unit/fixture.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void maxmemory_has_to_hold_data_and_backlog(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->used_memory = 89 * MIB;
    rig.pair.target->maxmemory = 100 * MIB;
    check_rig_expect(&rig, "maxmemory", CHECK_OK, ""); /* 90 with its backlog */
    assert_non_null(strstr(rig.result.value[SIDE_TARGET], "100.0 MiB"));
    rig.pair.source->used_memory++;
    check_rig_expect(&rig, "maxmemory", CHECK_WARNING, "may soon");
    rig.pair.source->used_memory = 99 * MIB;
    check_rig_expect(&rig, "maxmemory", CHECK_WARNING, "may soon");
    rig.pair.source->used_memory++;
    str_copy(rig.pair.target->maxmemory_policy, 24, "noeviction");
    check_rig_expect(&rig, "maxmemory", CHECK_ERROR, "would refuse writes|100.0 MiB");
    str_copy(rig.pair.target->maxmemory_policy, 24, "volatile-ttl");
    check_rig_expect(&rig, "maxmemory", CHECK_ERROR, "would evict keys");
    assert_string_equal(rig.result.remedy,
                        "redis-cli -h 10.0.0.2 -p 6379 CONFIG SET maxmemory 132120576");
    rig.pair.target->maxmemory = 132120576;
    check_rig_expect(&rig, "maxmemory", CHECK_OK, "");
    rig.pair.target->maxmemory = 0;
    check_rig_expect(&rig, "maxmemory", CHECK_OK, "");
}

static void what_does_not_come_along_does_not_count(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->used_memory = 500 * MIB;
    rig.pair.target->maxmemory = 100 * MIB;
    rig.pair.source->not_counted_for_evict = 211 * MIB;
    rig.pair.source->backlog_used = 200 * MIB;
    check_rig_expect(&rig, "maxmemory", CHECK_OK, "");
    rig.pair.source->backlog_used--;
    check_rig_expect(&rig, "maxmemory", CHECK_WARNING, "");
    rig.pair.source->backlog_used = UINT64_MAX; /* nonsense is no reason to fail */
    check_rig_expect(&rig, "maxmemory", CHECK_OK, "");
}

static void a_target_that_follows_is_judged_by_itself(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->used_memory = 500 * MIB;
    rig.pair.target->used_memory = 91 * MIB;
    rig.pair.target->backlog_used = 2 * MIB;
    rig.pair.target->maxmemory = 100 * MIB;
    rig.pair.target->role = REDIS_ROLE_REPLICA;
    rig.pair.target->link_up = true;
    check_rig_expect(&rig, "maxmemory", CHECK_OK, "");
    rig.pair.target->link_up = false;
    check_rig_expect(&rig, "maxmemory", CHECK_ERROR, "");
}

static void a_host_has_to_hold_what_the_source_uses(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.target->total_system_memory = 10 * GIB;
    rig.pair.source->used_memory = 9 * GIB;
    check_rig_expect(&rig, "host-memory", CHECK_OK, "");
    rig.pair.source->used_memory++;
    check_rig_expect(&rig, "host-memory", CHECK_WARNING, "9.0 GiB|10.0 GiB");
    rig.pair.source->used_memory = 10 * GIB;
    check_rig_expect(&rig, "host-memory", CHECK_WARNING, "");
    rig.pair.source->used_memory++;
    check_rig_expect(&rig, "host-memory", CHECK_ERROR, "10.0 GiB");
    rig.pair.target->total_system_memory = 0;
    check_rig_expect(&rig, "host-memory", CHECK_OK, "");
}

static void a_fork_may_need_it_all_twice(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->total_system_memory = 10 * GIB;
    rig.pair.source->used_memory = 5 * GIB;
    check_rig_expect(&rig, "fork-memory", CHECK_OK, "");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "uses 5.0 GiB of its host's 10.0 GiB");
    rig.pair.source->used_memory++;
    check_rig_expect(&rig, "fork-memory", CHECK_WARNING, "5.0 GiB");
    rig.pair.source->total_system_memory = 0;
    check_rig_expect(&rig, "fork-memory", CHECK_OK, "");
}

static void a_source_evicts_at_its_maxmemory(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.source->maxmemory = 100 * MIB;
    str_copy(rig.pair.source->maxmemory_policy, 24, "allkeys-lru");
    rig.pair.source->used_memory = 95 * MIB - 1;
    check_rig_expect(&rig, "evicting-source", CHECK_OK, "");
    rig.pair.source->used_memory++;
    check_rig_expect(&rig, "evicting-source", CHECK_WARNING, "95.0 MiB");
    rig.pair.source->maxmemory = 119 * MIB; /* as it is printed */
    assert_non_null(strstr(rig.result.remedy, "CONFIG SET maxmemory 124780544"));
    check_rig_expect(&rig, "evicting-source", CHECK_OK, "");
    rig.pair.source->maxmemory = 95 * MIB;
    str_copy(rig.pair.source->maxmemory_policy, 24, "noeviction");
    check_rig_expect(&rig, "evicting-source", CHECK_OK, "");
    rig.pair.source->maxmemory = 0;
    str_copy(rig.pair.source->maxmemory_policy, 24, "allkeys-lru");
    check_rig_expect(&rig, "evicting-source", CHECK_OK, "");
}

/* --- buffers --- */

/* 200 MiB: four seconds; half a host of 10 GiB. */
static void write_per_second(struct check_rig *rig, uint64_t mib)
{
    rig->pair.source->used_memory = 200 * MIB;
    rig->pair.source->total_system_memory = 10 * GIB;
    rig->pair.source->input_kbps = (double)mib * 1024;
}

static void an_output_buffer_has_to_hold_what_is_written_meanwhile(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    write_per_second(&rig, 63);
    check_rig_expect(&rig, "output-buffer", CHECK_OK, ""); /* 252 of 256 MiB */
    write_per_second(&rig, 64);
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING,
                     "64.0 MiB written|4 s|256.0 MiB pile up");
    assert_string_equal(rig.result.value[SIDE_SOURCE], "replica 268435456 67108864 60");
    assert_non_null(strstr(rig.result.remedy, "'replica 536870912 536870912 60'"));
    rig.facts[SIDE_SOURCE].buffer_seconds = 3; /* then it is the soft one that ends it */
    write_per_second(&rig, 16);
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING, "64.0 MiB");
    rig.facts[SIDE_SOURCE].buffer_soft = 0;
    check_rig_expect(&rig, "output-buffer", CHECK_OK, "");
    write_per_second(&rig, 10000);
    rig.facts[SIDE_SOURCE].buffer_hard = 0; /* there is no end */
    check_rig_expect(&rig, "output-buffer", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].buffer_hard = -1; /* nor is it known */
    check_rig_expect(&rig, "output-buffer", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].buffer_hard = 1;
    rig.pair.source->input_kbps = 1e18;
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING, "pile up");
}

static void no_line_takes_memory_that_there_is_not(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    write_per_second(&rig, 64);
    rig.pair.source->total_system_memory = 1 * GIB; /* a quarter of 824 MiB is too little */
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING, "");
    assert_string_equal(rig.result.remedy, "");
    check_rig_expect(&rig, "backlog-small", CHECK_WARNING, "");
    assert_string_equal(rig.result.remedy, "");
}

static void tuning_raises_a_buffer_as_far_as_its_host_allows(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.spec.sync.tune = true;
    write_per_second(&rig, 255);
    check_rig_expect(&rig, "output-buffer", CHECK_OK, ""); /* 1020 MiB, of 1 GiB */
    write_per_second(&rig, 256);
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING, "1.0 GiB");
    assert_string_equal(rig.result.remedy, "");
    write_per_second(&rig, 100);
    rig.pair.source->total_system_memory = 1800 * MIB; /* 400 MiB */
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING, "400.0 MiB");
    rig.pair.source->total_system_memory++;
    write_per_second(&rig, 1);
    check_rig_expect(&rig, "output-buffer", CHECK_OK, "");
}

static void a_small_buffer_is_told_of_when_nobody_writes_either(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.facts[SIDE_SOURCE].buffer_hard = 16 * MIB;
    check_rig_expect(&rig, "output-buffer", CHECK_OK, "");
    rig.facts[SIDE_SOURCE].buffer_hard--;
    check_rig_expect(&rig, "output-buffer", CHECK_WARNING, "not much can be written");
}

static void a_backlog_has_to_hold_ten_seconds(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    check_rig_expect(&rig, "backlog-small", CHECK_OK, ""); /* 1 MiB */
    rig.pair.source->backlog_bytes--;
    check_rig_expect(&rig, "backlog-small", CHECK_WARNING, "1.0 MiB");
    write_per_second(&rig, 3);
    rig.pair.source->backlog_bytes = 30 * MIB;
    check_rig_expect(&rig, "backlog-small", CHECK_OK, "");
    rig.pair.source->backlog_bytes--;
    check_rig_expect(&rig, "backlog-small", CHECK_WARNING, "in 10 s");
    assert_non_null(
        strstr(rig.result.remedy, "-h 10.0.0.1 -p 6379 CONFIG SET repl-backlog-size 62914560"));
    rig.pair.source->maxmemory = 200 * MIB; /* then it would evict */
    check_rig_expect(&rig, "backlog-small", CHECK_WARNING, "");
    assert_string_equal(rig.result.remedy, "");
    rig.pair.source->backlog_bytes = 0; /* not known */
    check_rig_expect(&rig, "backlog-small", CHECK_OK, "");
}

static void tuning_raises_a_backlog_as_far_as_memory_allows(void **state)
{
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    rig.pair.spec.sync.tune = true;
    write_per_second(&rig, 6);
    check_rig_expect(&rig, "backlog-small", CHECK_OK, ""); /* 60 of 64 MiB */
    write_per_second(&rig, 7);
    check_rig_expect(&rig, "backlog-small", CHECK_WARNING, "64.0 MiB");
    assert_string_equal(rig.result.remedy, "");
    write_per_second(&rig, 2);
    rig.pair.source->maxmemory = 276 * MIB; /* 1 + 76 / 4 */
    check_rig_expect(&rig, "backlog-small", CHECK_OK, "");
    rig.pair.source->maxmemory -= 4 * MIB;
    check_rig_expect(&rig, "backlog-small", CHECK_WARNING, "19.0 MiB");
}

static void what_is_not_known_fails_nobody(void **state)
{
    static const char *const codes[] = {"maxmemory",   "host-memory",   "evicting-source",
                                        "fork-memory", "output-buffer", "backlog-small"};
    struct check_rig rig;

    (void)state;
    check_rig_init(&rig);
    for (int side = 0; side < SIDE_MAX; side++) {
        struct redis_info *info = &rig.pair.seen.node[side].info;

        rig.pair.seen.node[side].facts = NULL;
        info->used_memory = 100 * GIB;
        info->backlog_bytes = 0;
    }
    for (size_t i = 0; i < array_len(codes); i++)
        check_rig_expect(&rig, codes[i], CHECK_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maxmemory_has_to_hold_data_and_backlog),
        cmocka_unit_test(what_does_not_come_along_does_not_count),
        cmocka_unit_test(a_target_that_follows_is_judged_by_itself),
        cmocka_unit_test(a_host_has_to_hold_what_the_source_uses),
        cmocka_unit_test(a_fork_may_need_it_all_twice),
        cmocka_unit_test(a_source_evicts_at_its_maxmemory),
        cmocka_unit_test(an_output_buffer_has_to_hold_what_is_written_meanwhile),
        cmocka_unit_test(no_line_takes_memory_that_there_is_not),
        cmocka_unit_test(tuning_raises_a_buffer_as_far_as_its_host_allows),
        cmocka_unit_test(a_small_buffer_is_told_of_when_nobody_writes_either),
        cmocka_unit_test(a_backlog_has_to_hold_ten_seconds),
        cmocka_unit_test(tuning_raises_a_backlog_as_far_as_memory_allows),
        cmocka_unit_test(what_is_not_known_fails_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
