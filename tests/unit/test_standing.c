/* SPDX-License-Identifier: Apache-2.0 */
/* What the target is to the run when it no longer follows, and whether it may be attached again. */
#include <string.h>

#include "daemon/core/phase.h"
#include "daemon/core/standing.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pair_rig.h"

/* --- what it is --- */

#define ROW_OF(name) static void name(struct pair_rig *rig)

static void set(char *member, const char *text)
{
    str_copy(member, 41, text);
}

ROW_OF(it_follows)
{
    (void)rig;
}

ROW_OF(it_follows_another)
{
    str_copy(rig->target->master_host, sizeof(rig->target->master_host), "10.0.0.9");
}

ROW_OF(it_follows_another_port)
{
    rig->target->master_port = 6380;
}

/* Let go where the source's history had got to, and nothing since. */
ROW_OF(let_go)
{
    pair_rig_promote(rig, 1000);
}

ROW_OF(written_to_since)
{
    pair_rig_promote(rig, 1001);
}

ROW_OF(let_go_beyond_what_the_source_has)
{
    rig->source->master_repl_offset = 999;
    rig->run.given_offset = 999;
    pair_rig_promote(rig, 1000);
}

ROW_OF(let_go_of_an_unknown_history)
{
    pair_rig_promote(rig, 1000);
    set(rig->target->replid2, OTHER_HISTORY);
}

/* The source was restarted: its former history is known still, up to where it ended. */
ROW_OF(let_go_of_the_former_history_of_the_source)
{
    pair_rig_promote(rig, 1000);
    set(rig->source->replid, OTHER_HISTORY);
    set(rig->source->replid2, OLD_HISTORY);
    rig->source->second_repl_offset = 1001;
    set(rig->run.given_replid, "");
}

ROW_OF(let_go_beyond_the_former_history_of_the_source)
{
    let_go_of_the_former_history_of_the_source(rig);
    rig->source->second_repl_offset = 1000;
}

ROW_OF(let_go_of_what_it_was_given)
{
    pair_rig_promote(rig, 1000);
    set(rig->source->replid, OTHER_HISTORY);
}

ROW_OF(let_go_of_what_it_had_when_told_to_follow)
{
    pair_rig_promote(rig, 1000);
    set(rig->source->replid, OTHER_HISTORY);
    set(rig->run.given_replid, "");
    set(rig->seen.attached_replid, OLD_HISTORY);
    rig->seen.attached_offset = 1000;
}

ROW_OF(let_go_beyond_what_it_had_when_told_to_follow)
{
    let_go_of_what_it_had_when_told_to_follow(rig);
    rig->seen.attached_offset = 999;
}

ROW_OF(emptied_by_somebody)
{
    pair_rig_promote(rig, 5000);
    rig->target->keys = 0;
}

/* Not ours by its history, but where we had left it. */
ROW_OF(where_it_was_detached)
{
    let_go_of_an_unknown_history(rig);
    rig->seen.detached_offset = 1000;
    rig->target->keys = 100000;
}

/* Without a backlog, writes move the offset only for an append-only file, since 7.2. */
ROW_OF(where_it_was_detached_without_a_backlog)
{
    where_it_was_detached(rig);
    rig->target->backlog_active = false;
}

ROW_OF(where_it_was_detached_with_an_append_only_file)
{
    where_it_was_detached_without_a_backlog(rig);
    rig->target->aof_enabled = true;
}

ROW_OF(where_it_was_detached_with_an_append_only_file_before_7_2)
{
    where_it_was_detached_with_an_append_only_file(rig);
    rig->target->redis_compat_num = 70000;
}

/* As it was when the checks had passed: a primary that never followed. */
ROW_OF(as_it_was_checked)
{
    pair_rig_promote(rig, 1000);
    set(rig->target->replid2, "");
    rig->target->second_repl_offset = -1;
    set(rig->run.given_replid, NEW_HISTORY);
}

ROW_OF(as_it_was_checked_with_more_keys)
{
    as_it_was_checked(rig);
    rig->target->keys = 101;
}

ROW_OF(as_it_was_checked_with_a_write_more)
{
    as_it_was_checked(rig);
    rig->target->master_repl_offset = 1001;
}

ROW_OF(may_be_flushed_before_it_was_in_sync)
{
    pair_rig_promote(rig, 5000);
    rig->spec.target.allow_flush = true;
    rig->run.synced = false;
}

ROW_OF(may_be_flushed_but_was_in_sync)
{
    pair_rig_promote(rig, 5000);
    rig->spec.target.allow_flush = true;
}

/* --- … restarted */

ROW_OF(restarted)
{
    pair_rig_promote(rig, 0);
    set(rig->target->run_id, "another-process");
}

ROW_OF(restarted_beyond_what_the_source_has)
{
    restarted(rig);
    rig->target->second_repl_offset = 1002;
}

ROW_OF(restarted_and_written_to)
{
    restarted(rig);
    rig->target->changes = 1;
}

ROW_OF(restarted_and_saved_since)
{
    restarted(rig);
    rig->target->saves = 1;
}

ROW_OF(restarted_and_saved_since_before_7)
{
    restarted(rig);
    rig->target->saves = -1;
    rig->target->last_save_seconds = 0;
}

ROW_OF(restarted_without_its_data)
{
    restarted_and_written_to(rig);
    rig->target->keys = 0;
}

/* Zeros are no history. */
ROW_OF(restarted_before_7)
{
    restarted(rig);
    rig->target->saves = -1;
    set(rig->target->replid2, "0000000000000000000000000000000000000000");
}

ROW_OF(restarted_before_7_with_more_keys)
{
    restarted_before_7(rig);
    rig->target->keys = 101;
}

ROW_OF(restarted_before_7_with_as_many_keys_as_were_seen)
{
    restarted_before_7_with_more_keys(rig);
    rig->seen.given_keys = 101;
}

#define ROW(name, followed, standing)                                                              \
    {                                                                                              \
#name, name, followed, STANDING_##standing                                                 \
    }

static const struct {
    const char *name;
    void (*make)(struct pair_rig *rig);
    bool followed;
    enum standing standing;
} standings[] = {
    ROW(it_follows, true, FOLLOWS),
    ROW(it_follows_another, true, ELSEWHERE),
    ROW(it_follows_another_port, false, ELSEWHERE),
    ROW(let_go, false, UNTOUCHED),
    ROW(let_go, true, PROMOTED),
    ROW(written_to_since, false, PROMOTED),
    ROW(let_go_beyond_what_the_source_has, false, PROMOTED),
    ROW(let_go_of_an_unknown_history, false, PROMOTED),
    ROW(let_go_of_the_former_history_of_the_source, false, UNTOUCHED),
    ROW(let_go_beyond_the_former_history_of_the_source, false, PROMOTED),
    ROW(let_go_of_what_it_was_given, false, UNTOUCHED),
    ROW(let_go_of_what_it_had_when_told_to_follow, false, UNTOUCHED),
    ROW(let_go_beyond_what_it_had_when_told_to_follow, false, PROMOTED),
    ROW(emptied_by_somebody, false, UNTOUCHED),
    ROW(where_it_was_detached, false, UNTOUCHED),
    ROW(where_it_was_detached_without_a_backlog, false, PROMOTED),
    ROW(where_it_was_detached_with_an_append_only_file, false, UNTOUCHED),
    ROW(where_it_was_detached_with_an_append_only_file_before_7_2, false, PROMOTED),
    ROW(as_it_was_checked, false, UNTOUCHED),
    ROW(as_it_was_checked_with_more_keys, false, PROMOTED),
    ROW(as_it_was_checked_with_a_write_more, false, PROMOTED),
    ROW(may_be_flushed_before_it_was_in_sync, false, UNTOUCHED),
    ROW(may_be_flushed_but_was_in_sync, false, PROMOTED),
    ROW(restarted, true, RESTARTED),
    ROW(restarted, false, RESTARTED),
    ROW(restarted_beyond_what_the_source_has, true, PROMOTED),
    ROW(restarted_and_written_to, true, PROMOTED),
    ROW(restarted_and_saved_since, true, PROMOTED),
    ROW(restarted_and_saved_since_before_7, true, PROMOTED),
    ROW(restarted_without_its_data, true, RESTARTED),
    ROW(restarted_before_7, true, RESTARTED),
    ROW(restarted_before_7_with_more_keys, true, PROMOTED),
    ROW(restarted_before_7_with_as_many_keys_as_were_seen, true, RESTARTED),
};

static void it_stands_as_its_history_and_keys_tell(void **state)
{
    struct pair_rig rig;
    enum standing got;

    (void)state;
    for (size_t i = 0; i < array_len(standings); i++) {
        pair_rig_init(&rig);
        standings[i].make(&rig);
        pair_rig_relate(&rig);
        got = standing_of(&rig.spec, &rig.run, &rig.seen, standings[i].followed);
        if (got != standings[i].standing)
            fail_msg("%s (followed: %d): %d, not %d", standings[i].name, standings[i].followed, got,
                     standings[i].standing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stands_as_its_history_and_keys_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
