/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a job file: what is accepted and what it means, what is refused and in which words.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fixture.h"
#include "tests/unit/jobfile_expect.h"

/* The text must be refused, with exactly this. */
static void assert_diagnostics(const char *text, const char *expected)
{
    struct jobfile file;
    char *rendered;

    parse_orders(text, &file);
    assert_false(jobfile_ok(&file));
    assert_int_equal(file.n_specs, 0);
    rendered = diags_render(&file.diags);
    assert_string_equal(rendered, expected);
    free(rendered);
    jobfile_clear(&file);
}

/* The text must be refused, with this among other things. */
static void assert_refused(const char *text, const char *part)
{
    struct jobfile file;
    char *rendered;

    parse_orders(text, &file);
    assert_false(jobfile_ok(&file));
    rendered = diags_render(&file.diags);
    if (!strstr(rendered, part))
        fail_msg("expected '%s' in:\n%s", part, rendered);
    free(rendered);
    jobfile_clear(&file);
}

/* --- what is accepted --- */

static void the_smallest_job_has_all_defaults(void **state)
{
    struct jobfile file;
    const struct spec *s;

    (void)state;
    parse_orders(MINIMAL_JOB, &file);
    expect_jobs(&file, 1);
    s = file.specs[0];
    assert_string_equal(s->id, "orders");
    assert_null(s->description);
    assert_string_equal(s->file, "/etc/ecmigrate.d/orders.yaml");
    assert_string_equal(s->text, MINIMAL_JOB);
    assert_non_null(s->text);
    assert_true(s->has_source);
    assert_string_equal(s->source.endpoint.host, "10.0.0.241");
    assert_true(endpoint_equal(&s->source.endpoint, &s->source.reachable_as));
    assert_string_equal(s->target.endpoint.host, "10.0.1.7");
    assert_false(s->target.allow_flush);
    assert_int_equal(s->target.n_replicas, 0);
    assert_true(s->start_auto);
    assert_int_equal(s->attach.attempts, 5);
    assert_int_equal(s->attach.timeout_ms, 30000);
    assert_int_equal(s->attach.backoff_initial_ms, 1000);
    assert_int_equal(s->attach.backoff_max_ms, 30000);
    assert_int_equal(s->sync.stall_timeout_ms, 120000);
    assert_true(s->sync.tune);
    assert_false(s->cutover.mode_auto);
    assert_int_equal(s->cutover.max_lag, 1048576);
    assert_int_equal(s->cutover.pause_ms, 5000);
    assert_int_equal(s->cutover.attempts, 5);
    assert_true(s->cutover.reverse);
    assert_false(s->cutover.drain_clients);
    jobfile_clear(&file);
}

static void every_key_is_taken(void **state)
{
    static const char text[] =
        "replication_group: test-1\n"
        "description: orders cache\n"
        "source:\n"
        "  endpoint: \"[::1]:1\"\n"
        "  reachable_as: nat:2\n"
        "  username: u\n"
        "  password: p\n"
        "  replication_user: {username: r, password: q}\n"
        "target:\n"
        "  endpoint: t:3\n"
        "  replicas: [r1:4, r2:5]\n"
        "  allow_flush: true\n"
        "start: manual\n"
        "attach: {attempts: 100, timeout: 1m, backoff_initial: 20ms, backoff_max: 20ms}\n"
        "sync: {stall_timeout: 1h, tune: false}\n"
        "cutover: {mode: auto, max_lag: 0, pause: 60s, attempts: 1, reverse: false,\n"
        "          drain_clients: true}\n";
    struct jobfile file;
    const struct spec *s;

    (void)state;
    parse_orders(text, &file);
    expect_jobs(&file, 1);
    s = file.specs[0];
    assert_string_equal(s->id, "test-1");
    assert_string_equal(s->description, "orders cache");
    assert_string_equal(s->source.endpoint.host, "::1");
    assert_string_equal(s->source.reachable_as.host, "nat");
    assert_string_equal(s->source.auth.username, "u");
    assert_string_equal(s->source.auth.password, "p");
    assert_true(s->source.has_replication_user);
    assert_string_equal(spec_replication_auth(&s->source)->username, "r");
    assert_ptr_equal(spec_replication_auth(&s->target), &s->target.auth);
    assert_int_equal(s->target.n_replicas, 2);
    assert_string_equal(s->target.replicas[1].host, "r2");
    assert_true(s->target.allow_flush);
    assert_false(s->start_auto);
    assert_int_equal(s->attach.attempts, 100);
    assert_int_equal(s->attach.backoff_max_ms, 20);
    assert_int_equal(s->sync.stall_timeout_ms, 3600000);
    assert_false(s->sync.tune);
    assert_true(s->cutover.mode_auto);
    assert_int_equal(s->cutover.max_lag, 0);
    assert_int_equal(s->cutover.pause_ms, 60000);
    assert_false(s->cutover.reverse);
    assert_true(s->cutover.drain_clients);
    jobfile_clear(&file);
}

static void a_source_is_not_needed(void **state)
{
    struct jobfile file;

    (void)state;
    parse_orders("target: {endpoint: t:1}\n", &file);
    expect_jobs(&file, 1);
    assert_false(file.specs[0]->has_source);
    jobfile_clear(&file);
    /* The log-in for a source that start will name. */
    parse_orders("source: {password: x}\ntarget: {endpoint: t:1}\n", &file);
    expect_jobs(&file, 1);
    assert_false(file.specs[0]->has_source);
    jobfile_clear(&file);
}

static void documents_are_jobs(void **state)
{
    static const char text[] = "target: {endpoint: a:1}\n"
                               "---\nreplication_group: b\ntarget: {endpoint: b:1}\n"
                               "---\nreplication_group: c\ntarget: {endpoint: c:1}\n---\n";
    struct jobfile file, again;

    (void)state;
    parse_orders(text, &file);
    expect_jobs(&file, 3);
    assert_string_equal(file.specs[0]->id, "orders");
    assert_string_equal(file.specs[2]->id, "c");
    assert_int_equal(file.specs[2]->document, 2);
    assert_string_not_equal(file.specs[1]->text, file.specs[2]->text);
    /* Each remembers a text that says the same all by itself. */
    for (unsigned i = 0; i < 3; i++) {
        parse_orders(file.specs[i]->text, &again);
        expect_jobs(&again, 1);
        assert_string_equal(again.specs[0]->id, file.specs[i]->id);
        assert_string_equal(again.specs[0]->text, file.specs[i]->text);
        jobfile_clear(&again);
    }
    jobfile_clear(&file);
}

static void a_name_is_a_job_file_or_not(void **state)
{
    (void)state;
    assert_true(jobfile_is_name("a.yaml"));
    assert_true(jobfile_is_name("a.b.yml"));
    assert_false(jobfile_is_name(".yaml"));
    assert_false(jobfile_is_name(".a.yaml"));
    assert_false(jobfile_is_name("a.yaml~"));
    assert_false(jobfile_is_name("a.yaml.swp"));
    assert_false(jobfile_is_name(".a.yaml.swp"));
    assert_false(jobfile_is_name("a.yaml.dpkg-new"));
    assert_false(jobfile_is_name("a.dpkg-old.yaml"));
    assert_false(jobfile_is_name("a.json"));
    assert_false(jobfile_is_name("yaml"));
}

/* --- what is not --- */

static void all_errors_of_a_file_are_reported(void **state)
{
    (void)state;
    assert_diagnostics(
        "source: {endpoint: \"10.0.0.241:6379\", pasword: hunter2}\n"
        "target:\n"
        "  # the new one\n"
        "  endpoint: \"10.0.0.241:70000\"\n"
        "  tls: {enabled: true, cert_file: /c.pem}\n"
        "  password: hunter2\n"
        "  password: hunter3\n"
        "attach: {attempts: 101, backoff_initial: 40s, backoff_max: 5s}\n"
        "cutover: {pause: 99ms, attempts: 0}\n"
        "notify: []\n",
        "/etc/ecmigrate.d/orders.yaml:1:39: error[unknown-key]: unknown key 'pasword'\n"
        "    1 | source: {endpoint: \"10.0.0.241:6379\", pasword: ********}\n"
        "      |                                       ^~~~~~~\n"
        "      = did you mean 'password'?\n"
        "/etc/ecmigrate.d/orders.yaml:4:13: error[bad-endpoint]: port 70000 is outside 1..65535\n"
        "    4 |   endpoint: \"10.0.0.241:70000\"\n"
        "      |             ^~~~~~~~~~~~~~~~~~\n"
        "/etc/ecmigrate.d/orders.yaml:5:24: error[missing-key]: 'cert_file' without 'key_file'\n"
        "    5 |   tls: {enabled: true, cert_file: /c.pem}\n"
        "      |                        ^~~~~~~~~\n"
        "      = add key_file\n"
        "/etc/ecmigrate.d/orders.yaml:7:3: error[duplicate-key]: 'password' is given twice\n"
        "    7 |   password: ********\n"
        "      |   ^~~~~~~~\n"
        "      = the first is in line 6\n"
        "/etc/ecmigrate.d/orders.yaml:8:20: error[out-of-range]: 101 is outside 1..100\n"
        "    8 | attach: {attempts: 101, backoff_initial: 40s, backoff_max: 5s}\n"
        "      |                    ^~~\n"
        "/etc/ecmigrate.d/orders.yaml:8:60: error[out-of-range]: backoff_max, 5s, is shorter than "
        "backoff_initial, 40s\n"
        "    8 | attach: {attempts: 101, backoff_initial: 40s, backoff_max: 5s}\n"
        "      |                                                            ^~\n"
        "/etc/ecmigrate.d/orders.yaml:9:18: error[out-of-range]: 99ms is outside 100ms..1m\n"
        "    9 | cutover: {pause: 99ms, attempts: 0}\n"
        "      |                  ^~~~\n"
        "/etc/ecmigrate.d/orders.yaml:9:34: error[out-of-range]: 0 is outside 1..100\n"
        "    9 | cutover: {pause: 99ms, attempts: 0}\n"
        "      |                                  ^\n"
        "/etc/ecmigrate.d/orders.yaml:10:1: error[not-supported]: 'notify' is not supported yet\n"
        "   10 | notify: []\n"
        "      | ^~~~~~\n"
        "      = leave the key out\n");
}

static void checks_are_waived_by_name(void **state)
{
    struct jobfile file;

    (void)state;
    parse_orders(MINIMAL_JOB "checks: {waive: [maxmemory, keys-differ]}\n", &file);
    assert_true(jobfile_ok(&file));
    assert_true(spec_waives(file.specs[0], "maxmemory"));
    assert_true(spec_waives(file.specs[0], "keys-differ"));
    assert_false(spec_waives(file.specs[0], "min-replicas"));
    jobfile_clear(&file);
    assert_refused(MINIMAL_JOB "checks: {waive: [max-memory]}\n", "did you mean 'maxmemory'?");
    /* What guards the data of others cannot be waived. */
    assert_refused(MINIMAL_JOB "checks: {waive: [target-not-empty]}\n",
                   "'target-not-empty' is none of");
}

static void sentinels_have_a_name(void **state)
{
    struct jobfile file;

    (void)state;
    parse_orders(MINIMAL_JOB "sentinels: [a:1, b:2]\nsentinel_name: pair\n", &file);
    assert_true(jobfile_ok(&file));
    assert_int_equal(file.specs[0]->n_sentinels, 2);
    assert_string_equal(file.specs[0]->sentinels[1].host, "b");
    assert_string_equal(file.specs[0]->sentinel_name, "pair");
    jobfile_clear(&file);
    assert_refused(MINIMAL_JOB "sentinels: [a:1]\n",
                   ":3:1: error[missing-key]: 'sentinels' without 'sentinel_name'");
    assert_refused(MINIMAL_JOB "sentinel_name: pair\n", "'sentinel_name' without 'sentinels'");
    assert_refused(MINIMAL_JOB "sentinels: []\nsentinel_auth: {password: p}\n",
                   "'sentinel_auth' without 'sentinels'");
    /* RESET takes a pattern. */
    assert_refused(MINIMAL_JOB "sentinels: [a:1]\nsentinel_name: '*'\n", "error[bad-name]");
}

static void later_keys_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused(MINIMAL_JOB "verify: {mode: none}\n",
                   ":3:1: error[not-supported]: 'verify' is not");
    assert_refused(MINIMAL_JOB "notify: [x]\n", ":3:1: error[not-supported]: 'notify' is not");
}

static void tls_is_said_whole(void **state)
{
    struct jobfile file;

    (void)state;
    assert_refused("target: {endpoint: a:1, tls: {}}\n", "error[missing-key]: tls needs 'enabled'");
    assert_refused("target: {endpoint: a:1, tls: {ca_file: /x}}\n",
                   "error[missing-key]: tls needs 'enabled'");
    assert_refused("target: {endpoint: a:1, tls: {enabled: true, key_file: /x}}\n",
                   "'key_file' without 'cert_file'");
    assert_refused("target: {endpoint: a:1, tls: {enabled: true, verify: name}}\n",
                   "'name' is none of");
    assert_refused("target: {endpoint: a:1, tls: {enabled: true, ca_file: x.pem}}\n",
                   "error[bad-path]");
    parse_orders(
        "target: {endpoint: a:1, tls: {enabled: true, ca_file: /ca.pem, cert_file: /c.pem, "
        "key_file: /k.pem, server_name: n, verify: ca}}\n",
        &file);
    expect_jobs(&file, 1);
    assert_true(file.specs[0]->target.tls.enabled && !file.specs[0]->source.tls.enabled);
    assert_string_equal(file.specs[0]->target.tls.settings.key_file, "/k.pem");
    assert_string_equal(file.specs[0]->target.tls.settings.server_name, "n");
    assert_int_equal(file.specs[0]->target.tls.settings.verify, TLS_VERIFY_CA);
    jobfile_clear(&file);
}

static void keys_belong_where_they_belong(void **state)
{
    (void)state;
    assert_refused("source: {endpoint: a:1, allow_flush: true}\ntarget: {endpoint: b:1}\n",
                   ":1:25: error[unknown-key]: unknown key 'allow_flush'");
    assert_refused("source: {endpoint: a:1}\n", ":1:1: error[missing-key]: a job needs 'target'");
    assert_refused("source: {endpoint: a:1}\ntarget: {password: x}\n",
                   ":2:1: error[missing-key]: target needs 'endpoint'");
    assert_refused("replication-group: a\ntarget: {endpoint: b:1}\n",
                   "did you mean 'replication_group'?");
    assert_refused("- a\n", "error[wrong-type]: a job must be a map of keys, not a list");
    assert_refused("", "/etc/ecmigrate.d/orders.yaml: error[empty]: there is no job in this file");
    assert_refused("# nothing\n---\n", "error[empty]");
}

static void a_job_needs_a_name(void **state)
{
    static const char text[] = "target: {endpoint: b:1}\n";
    struct jobfile file;
    char *rendered;

    (void)state;
    jobfile_parse("/x/Orders.old.yaml", text, strlen(text), &file);
    assert_false(jobfile_ok(&file));
    rendered = diags_render(&file.diags);
    assert_string_equal(rendered,
                        "/x/Orders.old.yaml:1:1: error[bad-name]: the file's name cannot serve as "
                        "the name of the job: 'Orders.old' does not begin with a letter a-z\n"
                        "    1 | target: {endpoint: b:1}\n"
                        "      | ^\n"
                        "      = set replication_group: lower-case letters, digits and hyphens, a "
                        "letter first, at most 40\n");
    free(rendered);
    jobfile_clear(&file);
    assert_refused("replication_group: a_b\ntarget: {endpoint: b:1}\n", ":1:20: error[bad-name]");
    assert_refused("replication_group: a2345678901234567890123456789012345678901\n"
                   "target: {endpoint: b:1}\n",
                   "has more than 40 characters");
    assert_refused("target: {endpoint: a:1}\n---\ntarget: {endpoint: b:1}\n",
                   ":3:1: error[missing-key]: each further job in a file needs");
    assert_refused("target: {endpoint: a:1}\n---\nreplication_group: orders\n"
                   "target: {endpoint: b:1}\n",
                   ":3:20: error[duplicate-job]: another job of this file is called 'orders'");
}

static void source_and_target_must_differ(void **state)
{
    (void)state;
    assert_refused("source: {endpoint: Host:1}\ntarget: {endpoint: host:1}\n",
                   ":2:20: error[same-endpoint]: source and target are the same");
}

static void one_password_is_enough(void **state)
{
    (void)state;
    assert_refused("target: {endpoint: a:1, password: x, credential: y}\n",
                   ":1:25: error[two-passwords]: 'credential' and 'password' are both given");
    assert_refused("target: {endpoint: a:1, username: x}\n",
                   ":1:25: error[no-password]: a user name without a password");
    assert_refused("target: {endpoint: a:1, replication_user: {username: x}}\n",
                   ":1:44: error[no-password]: a user name without a password");
    assert_refused("target: {endpoint: a:1, replication_user: {}}\n", "error[no-password]");
    assert_refused("target: {endpoint: a:1, password_file: hunter2}\n",
                   "    1 | target: {endpoint: a:1, password_file: ********}\n");
    assert_refused("target: {endpoint: 'u:hunter2@a:1'}\n",
                   "write host:port only; user and password have keys of their own\n"
                   "    1 | target: {endpoint: ********}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_job_has_all_defaults),
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(a_source_is_not_needed),
        cmocka_unit_test(documents_are_jobs),
        cmocka_unit_test(a_name_is_a_job_file_or_not),
        cmocka_unit_test(all_errors_of_a_file_are_reported),
        cmocka_unit_test(checks_are_waived_by_name),
        cmocka_unit_test(sentinels_have_a_name),
        cmocka_unit_test(later_keys_are_refused_by_name),
        cmocka_unit_test(tls_is_said_whole),
        cmocka_unit_test(keys_belong_where_they_belong),
        cmocka_unit_test(a_job_needs_a_name),
        cmocka_unit_test(source_and_target_must_differ),
        cmocka_unit_test(one_password_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
