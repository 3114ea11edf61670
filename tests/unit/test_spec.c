/* SPDX-License-Identifier: Apache-2.0 */
/* Specs: which changes are safe while the job runs, and copies. */
#include <stdio.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"
#include "tests/unit/jobfile_expect.h"

static const char *const changes[][2] = {
    /* safe */
    {"a", "description: x\n"},
    {"a", "attach: {attempts: 9, timeout: 9s, backoff_initial: 2s, backoff_max: 9s}\n"},
    {"a", "sync: {stall_timeout: 9s}\n"},
    {"a", "cutover: {mode: auto, max_lag: 1, pause: 1s, attempts: 9, reverse: false}\n"},
    {"a", "cutover: {drain_clients: true}\n"},
    {"a", "sentinels: [s:1]\nsentinel_name: n\nsentinel_auth: {password: x}\n"},
    {NULL, NULL},
    /* not safe */
    {"b", ""},
    {"a", "start: manual\n"},
    {"a", "sync: {tune: false}\n"},
    {"a", "source: {endpoint: s:1}\n"},
    {"a", "source: {password: x}\n"},
    {"a", "replication_group: other\n"},
};

static void only_what_is_safe_may_change(void **state)
{
    struct jobfile before, after;
    bool safe = true;
    char text[256];

    (void)state;
    parse_orders("target: {endpoint: a:1}\n", &before);
    expect_jobs(&before, 1);
    assert_true(spec_safe_change(before.specs[0], before.specs[0]));
    for (size_t i = 0; i < array_len(changes); i++) {
        if (!changes[i][0]) {
            safe = false;
            continue;
        }
        snprintf(text, sizeof(text), "target: {endpoint: %s:1}\n%s", changes[i][0], changes[i][1]);
        parse_orders(text, &after);
        expect_jobs(&after, 1);
        if (spec_safe_change(before.specs[0], after.specs[0]) != safe)
            fail_msg("should %sbe safe:\n%s", safe ? "" : "not ", text);
        jobfile_clear(&after);
    }
    jobfile_clear(&before);
}

static void a_copy_is_independent(void **state)
{
    struct jobfile file;
    struct spec *copy;

    (void)state;
    parse_orders(
        "description: d\ntarget: {endpoint: a:1, password: p, replication_user: {password: q}}\n",
        &file);
    expect_jobs(&file, 1);
    copy = spec_dup(file.specs[0]);
    jobfile_clear(&file);
    assert_string_equal(copy->description, "d");
    assert_string_equal(copy->file, "/etc/ecmigrate.d/orders.yaml");
    assert_string_equal(copy->target.auth.password, "p");
    assert_string_equal(copy->target.replication_user.password, "q");
    assert_non_null(copy->text);
    spec_free(copy);
    spec_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_safe_may_change),
        cmocka_unit_test(a_copy_is_independent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
