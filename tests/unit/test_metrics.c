/* SPDX-License-Identifier: Apache-2.0 */
/* The text format, the tables of metrics, and what a job shows in each situation. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/api/metrics/requests.h"
#include "daemon/api/metrics/rows.h"
#include "daemon/core/check/report.h"
#include "tests/unit/fixture.h"

/* --- what was written --- */

struct page {
    char text[16384];
    size_t len;
};

static void append(const char *text, size_t len, void *arg)
{
    struct page *page = arg;

    assert_true(page->len + len < sizeof(page->text));
    memcpy(page->text + page->len, text, len);
    page->len += len;
    page->text[page->len] = '\0';
}

static void has_line(const struct page *page, const char *line)
{
    char wanted[512];

    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    if (!strstr(page->text, wanted) && strncmp(page->text, wanted + 1, strlen(wanted) - 1) != 0)
        fail_msg("no line '%s' in:\n%s", line, page->text);
}

static void has_no(const struct page *page, const char *text)
{
    if (strstr(page->text, text))
        fail_msg("'%s' should not be in:\n%s", text, page->text);
}

/* --- the format --- */

static void test_text_of_samples(void **state)
{
    static const struct metric plain = {"up", METRIC_GAUGE, "Is it.", {NULL}};
    static const struct metric two = {"n_total", METRIC_COUNTER, "How many.", {"a", "b"}};
    struct page page = {.len = 0};
    struct exposition out = {append, &page};

    (void)state;
    expose_head(&out, &two);
    expose_sample(&out, &two, (const char *const[]){"x", ""}, 12345678901.0);
    expose_sample(&out, &plain, NULL, 1700000000.123);
    expose_sample(&out, &plain, NULL, 0.1);
    expose_sample(&out, &plain, NULL, -INFINITY);
    expose_sample(&out, &plain, NULL, NAN);
    assert_string_equal(page.text, "# HELP n_total How many.\n"
                                   "# TYPE n_total counter\n"
                                   "n_total{a=\"x\",b=\"\"} 12345678901\n"
                                   "up 1700000000.123\n"
                                   "up 0.1\n"
                                   "up -Inf\n");
}

static void test_labels_of_any_content(void **state)
{
    static const struct metric metric = {"m", METRIC_GAUGE, "M.", {"l"}};
    static const char *const cases[][2] = {
        {"C:\\dir", "C:\\\\dir"},
        {"say \"hi\"", "say \\\"hi\\\""},
        {"a\nfake_metric 1", "a\\nfake_metric 1"},
        {"caf\xc3\xa9 <b>", "caf\xc3\xa9 <b>"},
        {"bad \xff\xc3 end", "bad \xef\xbf\xbd\xef\xbf\xbd end"},
        {"\"", "\\\""},
        {"tab\tcr\r", "tab\tcr\r"},
    };

    (void)state;
    for (size_t i = 0; i < array_len(cases); i++) {
        struct page page = {.len = 0};
        struct exposition out = {append, &page};
        char line[128];

        expose_sample(&out, &metric, &cases[i][0], 1);
        snprintf(line, sizeof(line), "m{l=\"%s\"} 1\n", cases[i][1]);
        assert_string_equal(page.text, line);
    }
}

static void test_text_of_a_histogram(void **state)
{
    static const struct metric metric = {"t_seconds", METRIC_HISTOGRAM, "T.", {NULL}};
    static const double bounds[] = {0.0001, 2.5};
    struct page page = {.len = 0};
    struct exposition out = {append, &page};
    struct histogram h;

    (void)state;
    histogram_init(&h, bounds, array_len(bounds));
    histogram_observe(&h, 0.0001);
    histogram_observe(&h, 1);
    histogram_observe(&h, 3);
    expose_histogram(&out, &metric, &h);
    assert_string_equal(page.text, "t_seconds_bucket{le=\"0.0001\"} 1\n"
                                   "t_seconds_bucket{le=\"2.5\"} 2\n"
                                   "t_seconds_bucket{le=\"+Inf\"} 3\n"
                                   "t_seconds_sum 4.0001\n"
                                   "t_seconds_count 3\n");
}

/* --- the tables --- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void check_metric(const struct metric *m)
{
    size_t help_len = strlen(m->help);

    for (const char *p = m->name; *p; p++)
        assert_true(islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_');
    assert_int_equal(ends_with(m->name, "_total"), m->type == METRIC_COUNTER);
    assert_true(help_len > 0 && m->help[help_len - 1] == '.');
    assert_null(strpbrk(m->help, "\\\n"));
}

static void test_rows_are_well_formed(void **state)
{
    const struct metric *all[128];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_process_metrics; i++) {
        const struct process_metric *row = &process_metrics[i];

        all[n++] = &row->metric;
        assert_true((row->value != NULL) != (row->samples != NULL));
        assert_true(!row->value || !row->metric.labels[0]);
    }
    for (size_t i = 0; i < n_job_metrics; i++) {
        const struct job_metric *row = &job_metrics[i];

        all[n++] = &row->metric;
        assert_int_equal((row->value != NULL) + (row->samples != NULL) + (row->look != NULL), 1);
        assert_int_equal(row->look != NULL, i == 0);
        assert_string_equal(row->metric.labels[0], "job");
        assert_true(!row->value || !row->metric.labels[1]);
    }
    for (size_t i = 0; i < n; i++) {
        check_metric(all[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(all[i]->name, all[j]->name);
    }
}

/* --- a job --- */

struct shown {
    struct spec spec;
    struct run run;
    struct observation seen;
    struct check_report checks;
    struct migration_view view;
};

static int setup(void **state)
{
    struct shown *m = xcalloc(1, sizeof(*m));

    (void)str_copy(m->spec.id, sizeof(m->spec.id), "orders");
    m->spec.attach.attempts = 5;
    m->spec.cutover.max_lag = 1048576;
    m->spec.target.endpoint = (struct endpoint){.host = "10.0.1.7", .port = 6379};
    m->run.since_wall_ms = 1700000000123;
    m->view.spec = &m->spec;
    m->view.run = &m->run;
    m->view.progress = (struct progress){-1, -1, -1, -1, -1};
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static struct page expose_all(const struct shown *m)
{
    struct page page = {.len = 0};
    struct exposition out = {append, &page};
    struct job_sample sample = {.id = "orders"};

    job_metrics[0].look(&out, &job_metrics[0].metric, &m->view);
    job_sample_take(&sample, &m->view);
    for (size_t row = 1; row < n_job_metrics; row++)
        job_metric_expose(&out, row, &sample);
    return page;
}

static void test_job_that_never_ran(void **state)
{
    struct shown *m = *state;
    struct page page;

    m->spec.description = (char *)"a \"b\"";
    m->view.reason = REASON_WAITING_START;
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_info{job=\"orders\",description=\"a \\\"b\\\"\",source=\"\","
                    "target=\"10.0.1.7:6379\"} 1");
    has_line(&page, "ecmigrate_job_state{job=\"orders\",state=\"pending\"} 1");
    has_line(&page, "ecmigrate_job_state{job=\"orders\",state=\"migrating\"} 0");
    has_line(&page, "ecmigrate_job_phase{job=\"orders\",phase=\"idle\"} 1");
    has_line(&page, "ecmigrate_job_reason{job=\"orders\",reason=\"waiting-start\"} 1");
    has_line(&page, "ecmigrate_job_phase_since_timestamp_seconds{job=\"orders\"} 1700000000.123");
    has_line(&page, "ecmigrate_job_run_number{job=\"orders\"} 0");
    has_line(&page, "ecmigrate_job_attempts{job=\"orders\"} 0");
    has_line(&page, "ecmigrate_job_lag_limit_bytes{job=\"orders\"} 1048576");
    has_no(&page, "link_up");
    has_no(&page, "lag_bytes");
    has_no(&page, "node_up");
    has_no(&page, "sync_");
    has_no(&page, "cutover_");
    has_no(&page, "checks_passed");
    has_no(&page, "phase=\"failed\"");
}

static void make_replicating(struct shown *m)
{
    m->run.phase = PHASE_REPLICATING;
    m->run.number = 2;
    m->run.attempt = 1;
    m->run.attached = true;
    m->run.source = (struct endpoint){.host = "fe80::1", .port = 6380};
    m->view.seen = &m->seen;
    m->seen.target_follows = true;
    m->seen.lag_bytes = 42;
    for (int side = 0; side < SIDE_MAX; side++)
        m->seen.node[side].tried = m->seen.node[side].reachable = true;
    m->seen.node[SIDE_TARGET].info.link_up = m->seen.linked = true;
    m->seen.node[SIDE_TARGET].info.last_io_seconds = 3;
}

static void test_job_that_follows(void **state)
{
    struct shown *m = *state;
    struct page page;

    make_replicating(m);
    m->checks = (struct check_report){.at_wall_ms = 1, .passed = true};
    m->view.checks = &m->checks;
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_info{job=\"orders\",description=\"\",source=\"[fe80::1]:6380\","
                    "target=\"10.0.1.7:6379\"} 1");
    has_line(&page, "ecmigrate_job_phase{job=\"orders\",phase=\"replicating\"} 1");
    has_line(&page, "ecmigrate_job_run_number{job=\"orders\"} 2");
    has_line(&page, "ecmigrate_job_checks_passed{job=\"orders\"} 1");
    has_line(&page, "ecmigrate_job_master_link_up{job=\"orders\"} 1");
    has_line(&page, "ecmigrate_job_master_last_io_seconds_ago{job=\"orders\"} 3");
    has_line(&page, "ecmigrate_job_master_sync_in_progress{job=\"orders\"} 0");
    has_line(&page, "ecmigrate_job_lag_bytes{job=\"orders\"} 42");
    has_line(&page, "ecmigrate_job_lag_seconds{job=\"orders\"} 3");
    has_line(&page, "ecmigrate_job_node_up{job=\"orders\",side=\"source\"} 1");
    has_no(&page, "ecmigrate_job_reason");
    m->seen.lag_bytes = 0;
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_lag_seconds{job=\"orders\"} 0");
}

static void test_link_that_is_down_or_gone(void **state)
{
    struct shown *m = *state;
    struct page page;

    make_replicating(m);
    m->seen.node[SIDE_TARGET].info.link_up = m->seen.linked = false;
    m->seen.node[SIDE_SOURCE].reachable = false;
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_master_link_up{job=\"orders\"} 0");
    has_line(&page, "ecmigrate_job_lag_bytes{job=\"orders\"} 42");
    has_line(&page, "ecmigrate_job_node_up{job=\"orders\",side=\"source\"} 0");
    has_no(&page, "lag_seconds");

    m->seen.target_follows = m->seen.linked = false; /* somebody has promoted it */
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_master_link_up{job=\"orders\"} 0");
    has_no(&page, "ecmigrate_job_lag_bytes");

    m->seen.node[SIDE_TARGET].reachable = false;
    page = expose_all(m);
    has_no(&page, "link_up");
}

static void test_synchronisation_under_way(void **state)
{
    struct shown *m = *state;
    struct page page;

    make_replicating(m);
    m->run.phase = PHASE_SYNCING;
    m->seen.node[SIDE_TARGET].info.link_up = false;
    m->seen.node[SIDE_TARGET].info.sync_in_progress = true;
    m->view.progress = (struct progress){1000, 500, 50.5, 2e6, 7};
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_master_sync_in_progress{job=\"orders\"} 1");
    has_line(&page, "ecmigrate_job_sync_progress_ratio{job=\"orders\"} 0.505");
    has_line(&page, "ecmigrate_job_sync_done_bytes{job=\"orders\"} 500");
    has_line(&page, "ecmigrate_job_sync_size_bytes{job=\"orders\"} 1000");
    has_line(&page, "ecmigrate_job_sync_bytes_per_second{job=\"orders\"} 2000000");
    has_line(&page, "ecmigrate_job_sync_eta_seconds{job=\"orders\"} 7");
}

static void test_job_that_is_through(void **state)
{
    struct shown *m = *state;
    struct page page;

    make_replicating(m);
    m->run.phase = PHASE_COMPLETED;
    m->run.cutover.at_wall_ms = 1700000001000;
    m->run.cutover.gap_us = 850;
    m->seen.target_follows = m->seen.linked = false;
    m->seen.writer_follows_target = true;
    m->seen.node[SIDE_SOURCE].info.link_up = true;
    page = expose_all(m);
    has_line(&page, "ecmigrate_job_state{job=\"orders\",state=\"available\"} 1");
    has_line(&page, "ecmigrate_job_master_link_up{job=\"orders\"} 1");
    has_line(&page, "ecmigrate_job_cutover_write_gap_seconds{job=\"orders\"} 0.00085");
    has_line(&page, "ecmigrate_job_cutover_timestamp_seconds{job=\"orders\"} 1700000001");
    has_no(&page, "ecmigrate_job_lag_bytes");

    m->run.cutover.gap_us = -1;
    page = expose_all(m);
    has_no(&page, "write_gap");
}

/* --- requests --- */

static void test_requests_are_counted_in_a_bounded_table(void **state)
{
    static char names[REQUEST_ROWS_MAX + 2][8];
    struct request_counts counts = {.n = 0};

    (void)state;
    request_counts_add(&counts, "get_job", 200);
    request_counts_add(&counts, "get_job", 404);
    request_counts_add(&counts, "get_job", 200);
    assert_int_equal(counts.n, 2);
    assert_int_equal(counts.rows[0].n, 2);
    assert_int_equal(counts.rows[1].code, 404);
    for (unsigned i = 0; i < array_len(names); i++) {
        snprintf(names[i], sizeof(names[i]), "a%u", i);
        request_counts_add(&counts, names[i], 200);
    }
    assert_int_equal(counts.n, REQUEST_ROWS_MAX);
    assert_int_equal(counts.others, 4);
    request_counts_add(&counts, "get_job", 200);
    assert_int_equal(counts.rows[0].n, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_samples),
        cmocka_unit_test(test_labels_of_any_content),
        cmocka_unit_test(test_text_of_a_histogram),
        cmocka_unit_test(test_rows_are_well_formed),
        cmocka_unit_test_setup_teardown(test_job_that_never_ran, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_that_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link_that_is_down_or_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_synchronisation_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_job_that_is_through, setup, teardown),
        cmocka_unit_test(test_requests_are_counted_in_a_bounded_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
