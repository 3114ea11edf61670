/* SPDX-License-Identifier: Apache-2.0 */
/* A schema reads trees into a struct, with all its types, or says what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/net/endpoint.h"
#include "lib/yaml/reader.h"
#include "lib/yaml/schema.h"
#include "tests/unit/fixture.h"

struct sample {
    char *name, *secret;
    char id[6];
    bool flag, has_inner;
    unsigned number;
    uint64_t size, duration;
    enum { RED, GREEN } color;
    struct sample_inner {
        struct endpoint at;
        struct endpoint *list;
        unsigned n_list;
    } inner;
    struct sample_item {
        char *word;
        unsigned weight;
    } * items;
    unsigned n_items;
    char *maybe;
};

static const char *const colors[] = {"red", "green", NULL};

static const struct schema_row inner_rows[] = {
    {.key = "at",
     .type = SCHEMA_ENDPOINT,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_FIELD(struct sample_inner, at)},
    {.key = "list",
     .type = SCHEMA_LIST,
     .item = SCHEMA_ENDPOINT,
     .item_size = sizeof(struct endpoint),
     .max = 2,
     .offset = offsetof(struct sample_inner, list),
     .count = offsetof(struct sample_inner, n_list)},
};
static const struct schema inner_schema = {"inner", inner_rows, array_len(inner_rows)};

static const struct schema_row item_rows[] = {
    {.key = "word",
     .type = SCHEMA_STRING,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_FIELD(struct sample_item, word)},
    {.key = "weight",
     .type = SCHEMA_INT,
     .preset = "5",
     .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct sample_item, weight)},
};
static const struct schema item_schema = {"an item", item_rows, array_len(item_rows)};

static const struct schema_row sample_rows[] = {
    {.key = "name", .type = SCHEMA_STRING, .min = 1, .max = 8, SCHEMA_FIELD(struct sample, name)},
    {.key = "secret",
     .type = SCHEMA_STRING,
     .max = 8,
     .flags = SCHEMA_SECRET,
     SCHEMA_FIELD(struct sample, secret)},
    {.key = "id", .type = SCHEMA_NAME, SCHEMA_FIELD(struct sample, id)},
    {.key = "flag", .type = SCHEMA_BOOL, .preset = "true", SCHEMA_FIELD(struct sample, flag)},
    {.key = "number",
     .type = SCHEMA_INT,
     .preset = "7",
     .min = 1,
     .max = 10,
     .flags = SCHEMA_SAFE,
     SCHEMA_FIELD(struct sample, number)},
    {.key = "size", .type = SCHEMA_SIZE, SCHEMA_FIELD(struct sample, size)},
    {.key = "duration",
     .type = SCHEMA_DURATION,
     .preset = "2s",
     .min = 100,
     .max = 60000,
     SCHEMA_FIELD(struct sample, duration)},
    {.key = "color", .type = SCHEMA_ENUM, .words = colors, SCHEMA_FIELD(struct sample, color)},
    {.key = "inner",
     .type = SCHEMA_MAP,
     .sub = &inner_schema,
     SCHEMA_FIELD(struct sample, inner),
     .given = offsetof(struct sample, has_inner)},
    {.key = "items",
     .type = SCHEMA_LIST,
     .item = SCHEMA_MAP,
     .sub = &item_schema,
     .item_size = sizeof(struct sample_item),
     .max = 3,
     .offset = offsetof(struct sample, items),
     .count = offsetof(struct sample, n_items)},
    {.key = "maybe",
     .type = SCHEMA_STRING,
     .flags = SCHEMA_NULLABLE,
     .min = 1,
     .check = schema_check_path,
     SCHEMA_FIELD(struct sample, maybe)},
    {.key = "later", .type = SCHEMA_MAP, .flags = SCHEMA_LATER},
};
static const struct schema sample_schema = {"a sample", sample_rows, array_len(sample_rows)};

static char *read_sample(const char *text, struct sample *ret)
{
    struct yaml_documents docs;
    struct diags diags;
    char *rendered;

    *ret = (struct sample){.name = NULL};
    schema_defaults(&sample_schema, ret);
    diags_init(&diags, "t.yaml");
    yaml_read(text, strlen(text), &docs, &diags);
    assert_int_equal(docs.n, 1);
    schema_read(&sample_schema, docs.items[0].root, &docs.items[0].root->at, ret, &diags);
    diags_finish(&diags, text, strlen(text));
    rendered = diags_render(&diags);
    diags_clear(&diags);
    yaml_documents_clear(&docs);
    return rendered;
}

static void rows_fill_a_struct(void **state)
{
    struct sample s, copy;
    char *problems = read_sample("name: 12345\nsecret: x\nid: a-1\nflag: false\nnumber: 10\n"
                                 "size: 1KiB\nduration: 60s\ncolor: green\n"
                                 "inner: {at: '[::1]:1', list: [a:1, b:2]}\n",
                                 &s);

    (void)state;
    assert_string_equal(problems, "");
    free(problems);
    assert_string_equal(s.name, "12345");
    assert_string_equal(s.secret, "x");
    assert_string_equal(s.id, "a-1");
    assert_false(s.flag);
    assert_int_equal(s.number, 10);
    assert_int_equal(s.size, 1024);
    assert_int_equal(s.duration, 60000);
    assert_int_equal(s.color, GREEN);
    assert_true(s.has_inner);
    assert_string_equal(s.inner.at.host, "::1");
    assert_int_equal(s.inner.n_list, 2);
    assert_int_equal(s.inner.list[1].port, 2);

    copy = s;
    schema_own(&sample_schema, &copy);
    assert_ptr_not_equal(copy.name, s.name);
    assert_null(schema_differs(&sample_schema, &s, &copy, 0));
    copy.number = 3;
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, 0)->key, "number");
    assert_null(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE));
    copy.inner.list[1].port = 9;
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE)->key, "list");
    copy.name[0] = 'x';
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE)->key, "name");
    schema_clear(&sample_schema, &copy);
    schema_clear(&sample_schema, &s);
}

static void defaults_hold_for_what_is_not_given(void **state)
{
    struct sample s;
    char *problems = read_sample("id: a\n", &s);

    (void)state;
    assert_string_equal(problems, "");
    free(problems);
    assert_null(s.name);
    assert_true(s.flag);
    assert_false(s.has_inner);
    assert_int_equal(s.number, 7);
    assert_int_equal(s.duration, 2000);
    schema_clear(&sample_schema, &s);
}

static void a_list_may_hold_maps(void **state)
{
    struct sample s, copy;
    char *problems = read_sample("items:\n- {word: a, weight: 9}\n- word: b\n", &s);

    (void)state;
    assert_string_equal(problems, "");
    free(problems);
    assert_int_equal(s.n_items, 2);
    assert_string_equal(s.items[0].word, "a");
    assert_int_equal(s.items[0].weight, 9);
    assert_string_equal(s.items[1].word, "b");
    assert_int_equal(s.items[1].weight, 5);

    copy = s;
    schema_own(&sample_schema, &copy);
    assert_ptr_not_equal(copy.items[1].word, s.items[1].word);
    assert_null(schema_differs(&sample_schema, &s, &copy, 0));
    copy.items[1].weight = 6;
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, 0)->key, "items");
    assert_null(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE));
    copy.items[1].word[0] = 'x';
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE)->key, "items");
    schema_clear(&sample_schema, &copy);
    assert_null(copy.items);
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE)->key, "items");
    schema_clear(&sample_schema, &s);
    assert_int_equal(s.n_items, 0);
    assert_null(s.items);
}

static void a_bad_item_is_pointed_at(void **state)
{
    struct sample s;
    char *problems = read_sample("items:\n"
                                 "- {wrod: a}\n"
                                 "- b\n"
                                 "- {word: c, weight: heavy}\n"
                                 "- {word: d}\n"
                                 "- {word: e}\n"
                                 "- {word: f}\n",
                                 &s);

    (void)state;
    assert_string_equal(problems,
                        "t.yaml:2:3: error[missing-key]: an item needs 'word'\n"
                        "    2 | - {wrod: a}\n"
                        "      |   ^~~~~~~~~\n"
                        "t.yaml:2:4: error[unknown-key]: unknown key 'wrod'\n"
                        "    2 | - {wrod: a}\n"
                        "      |    ^~~~\n"
                        "      = did you mean 'word'?\n"
                        "t.yaml:3:3: error[wrong-type]: 'items' is a list of maps, not of text\n"
                        "    3 | - b\n"
                        "      |   ^\n"
                        "t.yaml:4:21: error[bad-number]: 'heavy' is not a whole number\n"
                        "    4 | - {word: c, weight: heavy}\n"
                        "      |                     ^~~~~\n"
                        "t.yaml:6:3: error[too-many]: 'items' takes at most 3\n"
                        "    6 | - {word: e}\n"
                        "      |   ^~~~~~~~~\n");
    free(problems);
    schema_clear(&sample_schema, &s);
}

static void some_keys_need_no_value(void **state)
{
    static const char *const empty[] = {"maybe:\n", "maybe: ~\n", "maybe: null\n"};
    struct sample s;
    char *problems;

    (void)state;
    for (size_t i = 0; i < array_len(empty); i++) {
        problems = read_sample(empty[i], &s);
        assert_string_equal(problems, "");
        assert_null(s.maybe);
        free(problems);
        schema_clear(&sample_schema, &s);
    }
    problems = read_sample("maybe: ''\n", &s);
    assert_non_null(strstr(problems, "error[bad-value]: 'maybe' is empty"));
    free(problems);
    schema_clear(&sample_schema, &s);
    problems = read_sample("maybe: hunter2\n", &s); /* a secret in place of its file */
    assert_non_null(strstr(problems, "error[bad-path]: 'maybe' must be an absolute path"));
    assert_null(strstr(problems, "hunter2"));
    free(problems);
    schema_clear(&sample_schema, &s);
}

static const char bad_sample[] = "name: toolongname\n"
                                 "secret: [hunter2]\n"
                                 "id: A\n"
                                 "flag: yes\n"
                                 "numbr: 3\n"
                                 "number: \"3\"\n"
                                 "size: 1KB\n"
                                 "duration: 61s\n"
                                 "color: gren\n"
                                 "inner: {list: [a:1, b, c:1, [d]]}\n"
                                 "later: {anything: true}\n";

static const char bad_sample_problems[] =
    "t.yaml:1:7: error[out-of-range]: 'name' has 11 bytes, which is outside 1..8\n"
    "    1 | name: toolongname\n"
    "      |       ^~~~~~~~~~~\n"
    "t.yaml:2:9: error[wrong-type]: 'secret' must be a single value, not a list\n"
    "    2 | secret: ********\n"
    "      |         ^~~~~~~~\n"
    "t.yaml:3:5: error[bad-name]: 'A' does not begin with a letter a-z\n"
    "    3 | id: A\n"
    "      |     ^\n"
    "t.yaml:4:7: error[bad-bool]: 'yes' is neither true nor false\n"
    "    4 | flag: yes\n"
    "      |       ^~~\n"
    "t.yaml:5:1: error[unknown-key]: unknown key 'numbr'\n"
    "    5 | numbr: 3\n"
    "      | ^~~~~\n"
    "      = did you mean 'number'?\n"
    "t.yaml:6:9: error[wrong-type]: 'number' must be a number, not text\n"
    "    6 | number: \"3\"\n"
    "      |         ^~~\n"
    "      = write it without quotes\n"
    "t.yaml:7:7: error[bad-size]: '1KB' is not a size; write a whole number and B, KiB, MiB, GiB "
    "or TiB, as in 512KiB\n"
    "    7 | size: 1KB\n"
    "      |       ^~~\n"
    "t.yaml:8:11: error[out-of-range]: 61s is outside 100ms..1m\n"
    "    8 | duration: 61s\n"
    "      |           ^~~\n"
    "t.yaml:9:8: error[bad-value]: 'gren' is none of red, green; did you mean 'green'?\n"
    "    9 | color: gren\n"
    "      |        ^~~~\n"
    "t.yaml:10:1: error[missing-key]: inner needs 'at'\n"
    "   10 | inner: {list: [a:1, b, c:1, [d]]}\n"
    "      | ^~~~~\n"
    "t.yaml:10:21: error[bad-endpoint]: no port: write host:port\n"
    "   10 | inner: {list: [a:1, b, c:1, [d]]}\n"
    "      |                     ^\n"
    "t.yaml:10:29: error[too-many]: 'list' takes at most 2\n"
    "   10 | inner: {list: [a:1, b, c:1, [d]]}\n"
    "      |                             ^~~\n"
    "t.yaml:11:1: error[not-supported]: 'later' is not supported yet\n"
    "   11 | later: {anything: true}\n"
    "      | ^~~~~\n"
    "      = leave the key out\n";

static void all_errors_are_reported_at_once(void **state)
{
    struct sample s;
    char *problems = read_sample(bad_sample, &s);

    (void)state;
    assert_string_equal(problems, bad_sample_problems);
    free(problems);
    schema_clear(&sample_schema, &s);
}

static void a_value_that_swallowed_a_secret_is_not_quoted(void **state)
{
    static const char *const keys[] = {"number", "size", "duration", "color", "id", "flag", "naem"};
    char text[80];

    (void)state;
    for (size_t i = 0; i < array_len(keys); i++) {
        struct sample s;
        char *problems;

        snprintf(text, sizeof(text), "%s: 'x\n  password: hunter2'\n", keys[i]);
        problems = read_sample(text, &s);
        assert_non_null(strstr(problems, "error["));
        assert_null(strstr(problems, "hunter"));
        free(problems);
        schema_clear(&sample_schema, &s);
    }
}

static void a_value_must_be_there(void **state)
{
    struct sample s;
    char *problems = read_sample("inner:\nname: ~\nnumber:\n", &s);

    (void)state;
    assert_non_null(strstr(problems, "1:1: error[no-value]: 'inner' has no value"));
    assert_non_null(strstr(problems, "2:1: error[no-value]: 'name' has no value"));
    assert_non_null(strstr(problems, "3:1: error[no-value]: 'number' has no value"));
    free(problems);
    schema_clear(&sample_schema, &s);
    problems = read_sample("- a\n", &s);
    assert_non_null(
        strstr(problems, "error[wrong-type]: a sample must be a map of keys, not a list"));
    free(problems);
    schema_clear(&sample_schema, &s);
}

static void numbers_keep_to_their_range(void **state)
{
    static const char *const bad[] = {
        "0", "11", "-1", "1.5", "0x5", "1e0", "five", "99999999999999999999999", "4294967301"};
    const struct schema_row *row = schema_find(&sample_schema, "number");
    struct sample s = {.number = 5};
    struct err err;

    (void)state;
    for (size_t i = 0; i < array_len(bad); i++) {
        assert_int_not_equal(schema_set(row, bad[i], &s, &err), 0);
        assert_int_equal(s.number, 5);
    }
    assert_int_equal(schema_set(row, "10", &s, &err), 0);
    assert_int_equal(s.number, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_fill_a_struct),
        cmocka_unit_test(defaults_hold_for_what_is_not_given),
        cmocka_unit_test(a_list_may_hold_maps),
        cmocka_unit_test(a_bad_item_is_pointed_at),
        cmocka_unit_test(some_keys_need_no_value),
        cmocka_unit_test(all_errors_are_reported_at_once),
        cmocka_unit_test(a_value_that_swallowed_a_secret_is_not_quoted),
        cmocka_unit_test(a_value_must_be_there),
        cmocka_unit_test(numbers_keep_to_their_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
