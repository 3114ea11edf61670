/* SPDX-License-Identifier: Apache-2.0 */
/* The log: order, limits, both sinks on stderr. */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"

/* A sink that keeps what it gets, and can be made to wait. */
struct keeper {
    uv_sem_t entered, go;
    bool wait;
    unsigned n;
    char last[256], notes[256];
    size_t n_fields;
    char key[32], value[2048];
};

static void keep(const struct log_sink *sink, const struct log_record *record)
{
    struct keeper *k = sink->arg;

    if (k->wait) {
        uv_sem_post(&k->entered);
        uv_sem_wait(&k->go);
    }
    k->n++;
    str_copy(k->last, sizeof(k->last), record->message);
    if (strstr(record->message, "dropped"))
        str_copy(k->notes, sizeof(k->notes), record->message);
    k->n_fields = record->n_fields;
    if (record->n_fields > 0) {
        str_copy(k->key, sizeof(k->key), record->fields[0].key);
        str_copy(k->value, sizeof(k->value), record->fields[0].value);
    }
}

static struct log_sink keeper_sink(struct keeper *k)
{
    memset(k, 0, sizeof(*k));
    assert_int_equal(uv_sem_init(&k->entered, 0), 0);
    assert_int_equal(uv_sem_init(&k->go, 0), 0);
    return (struct log_sink){.write = keep, .arg = k};
}

static void keeper_end(struct keeper *k)
{
    uv_sem_destroy(&k->entered);
    uv_sem_destroy(&k->go);
}

static void test_levels(void **state)
{
    enum log_level level = LEVEL_ERROR;

    (void)state;
    assert_true(log_level_parse("warn", &level));
    assert_int_equal(level, LEVEL_WARN);
    assert_false(log_level_parse("warning", &level));
    assert_int_equal(level, LEVEL_WARN);
    assert_string_equal(log_level_name(LEVEL_DEBUG), "debug");
}

static void test_no_log(void **state)
{
    (void)state;
    log_info(NULL, "goes nowhere");
    log_set_level(NULL, LEVEL_DEBUG);
    assert_false(log_enabled(NULL, LEVEL_ERROR));
    assert_int_equal(log_dropped(NULL), 0);
    log_free(NULL);
}

static void test_records_are_copied_and_flushed(void **state)
{
    struct keeper k;
    struct log_sink sink = keeper_sink(&k);
    struct log *log = log_new(&sink, LEVEL_INFO);
    char value[] = "orders";
    struct log_field fields[] = {{"none", NULL}, {"job", value}};

    (void)state;
    log_debug(log, "below the threshold");
    for (int i = 0; i < 100; i++)
        log_write(log, LEVEL_INFO, fields, 2, "record %d", i);
    memset(value, 'x', sizeof(value) - 1);
    log_free(log);
    assert_int_equal(k.n, 100);
    assert_string_equal(k.last, "record 99");
    assert_int_equal(k.n_fields, 1);
    assert_string_equal(k.key, "job");
    assert_string_equal(k.value, "orders");
    keeper_end(&k);
}

static void test_long_texts_are_cut(void **state)
{
    struct keeper k;
    struct log_sink sink = keeper_sink(&k);
    struct log *log = log_new(&sink, LEVEL_INFO);
    cleanup(freep) char *huge = xmalloc(1 << 20);
    struct log_field field = {"data", huge};

    (void)state;
    memset(huge, 'x', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    log_write(log, LEVEL_INFO, &field, 1, "%s", huge);
    log_free(log);
    assert_int_equal(k.n, 1);
    assert_int_equal(strlen(k.value), 1024);
    keeper_end(&k);
}

static void test_slow_sink_drops_and_counts(void **state)
{
    struct keeper k;
    struct log_sink sink = keeper_sink(&k);
    struct log *log;

    (void)state;
    k.wait = true;
    log = log_new(&sink, LEVEL_INFO);
    log_info(log, "first");
    uv_sem_wait(&k.entered); /* the thread is in the sink, the queue is empty */
    for (int i = 0; i < LOG_QUEUE_MAX + 37; i++)
        log_info(log, "record %d", i);
    assert_int_equal(log_dropped(log), 37);
    k.wait = false;
    uv_sem_post(&k.go);
    log_free(log);
    assert_int_equal(k.n, 1 + LOG_QUEUE_MAX + 1);
    assert_non_null(strstr(k.notes, "37 log records were dropped"));
    assert_string_equal(k.last, "record 4095");
    keeper_end(&k);
}

static void test_free_does_not_wait_for_a_stuck_sink(void **state)
{
    static struct keeper k; /* outlives this function, as the thread does */
    struct log_sink sink = keeper_sink(&k);
    uint64_t before;
    struct log *log;

    (void)state;
    k.wait = true;
    log = log_new(&sink, LEVEL_INFO);
    log_info(log, "first");
    log_info(log, "never written");
    uv_sem_wait(&k.entered);
    before = uv_hrtime();
    log_free(log);
    assert_in_range((uv_hrtime() - before) / 1000000, 1900, 4000);
    uv_sem_post(&k.go); /* the thread frees the log and ends; it must not enter the sink again */
    assert_int_not_equal(uv_sem_trywait(&k.entered), 0);
}

/* What records of a sink look like on stderr, read through fd. */
struct capture {
    int saved, fd;
    char text[65536];
};

static void capture_start(struct capture *c, bool terminal)
{
    int other;

    if (terminal) {
        c->fd = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(c->fd >= 0);
        assert_int_equal(grantpt(c->fd), 0);
        assert_int_equal(unlockpt(c->fd), 0);
        other = open(ptsname(c->fd), O_RDWR | O_NOCTTY);
    } else {
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        c->fd = ends[0];
        other = ends[1];
    }
    assert_true(other >= 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->saved = dup(STDERR_FILENO);
    dup2(other, STDERR_FILENO);
    close(other);
}

static void capture_end(struct capture *c)
{
    ssize_t n = read(c->fd, c->text, sizeof(c->text) - 1);

    dup2(c->saved, STDERR_FILENO);
    close(c->saved);
    close(c->fd);
    c->text[n < 0 ? 0 : n] = '\0';
}

static void write_one(struct capture *c, const struct log_sink *sink,
                      const struct log_field *fields, size_t n, const char *message)
{
    struct log *log = log_new(sink, LEVEL_INFO);

    log_write(log, LEVEL_WARN, fields, n, "%s", message);
    log_free(log);
    capture_end(c);
}

static void test_text_line(void **state)
{
    struct log_field fields[] = {{"message_id", "136577d7d31b43aeb5dcceb788161152"},
                                 {"job", "orders"},
                                 {"why", "a \"b\"\n"}};
    struct capture c;
    unsigned year, ms;

    (void)state;
    capture_start(&c, false);
    write_one(&c, &log_sink_text, fields, 3, "line\nbreak \033[31m \xff\xc2\x9b é \xe2\x80\xae.");
    assert_int_equal(sscanf(c.text, "%4u-%*2u-%*2uT%*2u:%*2u:%*2u.%3uZ ", &year, &ms), 2);
    assert_in_range(year, 2020, 9999);
    assert_string_equal(c.text + strlen("2026-11-22T20:15:01.123Z"),
                        " warn  line\\nbreak \\x1b[31m \\xff\\x9b é \\u202e."
                        "  job=orders why=\"a \\\"b\\\"\\n\"\n");
}

static void test_colour_only_on_a_terminal(void **state)
{
    struct capture c;

    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    capture_start(&c, true);
    write_one(&c, &log_sink_text, NULL, 0, "x");
    assert_non_null(strstr(c.text, "\033[33mwarn"));
    setenv("NO_COLOR", "1", 1);
    capture_start(&c, true);
    write_one(&c, &log_sink_text, NULL, 0, "x");
    assert_non_null(strstr(c.text, "warn"));
    assert_null(strchr(c.text, '\033'));
    unsetenv("NO_COLOR");
    capture_start(&c, false);
    write_one(&c, &log_sink_text, NULL, 0, "x");
    assert_null(strchr(c.text, '\033'));
}

static void test_json_is_always_valid(void **state)
{
    static const char *const nasty[] = {
        "plain",
        "quote \" backslash \\ slash /",
        "a\nb\tc\rd\001\x7f",
        "\xff\xfe",
        "cut \xe2\x82",
        "\xc0\xaf",
        "\xed\xa0\x80 surrogate",
        "\xf4\x90\x80\x80",
        "é €",
        "\xf0\x9f\x98\x80",
        "\xe2\x80\xae",
        "",
    };

    (void)state;
    for (size_t i = 0; i < array_len(nasty); i++) {
        struct log_field field = {"job", nasty[i]};
        cleanup(freep) char *clean = utf8_clean(nasty[i]);
        struct capture c;
        json_t *json;

        capture_start(&c, false);
        write_one(&c, &log_sink_json, &field, 1, nasty[i]);
        assert_ptr_equal(strchr(c.text, '\n'), c.text + strlen(c.text) - 1);
        json = json_loads(c.text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_string_equal(json_string_value(json_object_get(json, "level")), "warn");
        assert_string_equal(json_string_value(json_object_get(json, "message")), clean);
        assert_string_equal(json_string_value(json_object_get(json, "job")), clean);
        assert_non_null(json_object_get(json, "time"));
        json_decref(json);
    }
}

static void test_closed_stderr_does_no_harm(void **state)
{
    struct log *log;
    struct capture c;

    (void)state;
    capture_start(&c, false);
    close(c.fd);
    log = log_new(&log_sink_text, LEVEL_INFO);
    log_info(log, "nobody reads");
    log_info(log, "nobody reads");
    log_free(log);
    c.fd = -1;
    capture_end(&c);
}

static void test_utf8(void **state)
{
    cleanup(freep) char *clean = utf8_clean("a\xc3(\xe2\x82\xac\xe2");
    uint32_t code;

    (void)state;
    assert_string_equal(clean, "a\xef\xbf\xbd(\xe2\x82\xac\xef\xbf\xbd");
    assert_null(utf8_clean(NULL));
    assert_int_equal(utf8_char("\xe2\x82\xac", &code), 3);
    assert_int_equal(code, 0x20ac);
    assert_int_equal(utf8_char("\xf4\x8f\xbf\xbf", &code), 4);
    assert_int_equal(code, 0x10ffff);
    assert_int_equal(utf8_char("", &code), 0);
    assert_int_equal(utf8_char("\xf5\x80\x80\x80", &code), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_no_log),
        cmocka_unit_test(test_records_are_copied_and_flushed),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_slow_sink_drops_and_counts),
        cmocka_unit_test(test_free_does_not_wait_for_a_stuck_sink),
        cmocka_unit_test(test_text_line),
        cmocka_unit_test(test_colour_only_on_a_terminal),
        cmocka_unit_test(test_json_is_always_valid),
        cmocka_unit_test(test_closed_stderr_does_no_harm),
        cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
