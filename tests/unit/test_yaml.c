/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fixture.h"

#include "lib/base/base.h"
#include "lib/net/endpoint.h"
#include "lib/yaml/reader.h"
#include "lib/yaml/schema.h"

#define READ_MS_MAX 300 /* for hostile texts; milliseconds are usual, sanitizers are slow */

/* Reads a text and returns what is wrong with it, for free(). */
static char *read_text(const char *text, size_t len, struct yaml_documents *ret)
{
    struct diags diags;
    char *rendered;

    diags_init(&diags, "t.yaml");
    yaml_read(text, len, ret, &diags);
    diags_finish(&diags, text, len);
    rendered = diags_render(&diags);
    diags_clear(&diags);
    return rendered;
}

static void assert_problems(const char *text, const char *expected)
{
    struct yaml_documents docs;
    char *problems = read_text(text, strlen(text), &docs);

    assert_string_equal(problems, expected);
    free(problems);
    yaml_documents_clear(&docs);
}

/* --- reader --- */

static void a_tree_knows_its_places(void **state)
{
    static const char text[] = "# käse\n"
                               "a: {b: \"ü\", c: [1, '2']}\n"
                               "d: |\n"
                               "  more\n"
                               "e:\n";
    struct yaml_documents docs;
    const struct yaml_node *root, *a, *b, *c, *d, *e;
    char *problems = read_text(text, strlen(text), &docs);

    (void)state;
    assert_string_equal(problems, "");
    free(problems);
    assert_int_equal(docs.n, 1);
    root = docs.items[0].root;
    a = yaml_node_get(root, "a");
    b = yaml_node_get(a, "b");
    c = yaml_node_get(a, "c");
    d = yaml_node_get(root, "d");
    e = yaml_node_get(root, "e");
    assert_int_equal(a->kind, NODE_MAP);
    assert_string_equal(b->text, "ü");
    assert_false(b->plain);
    assert_int_equal(b->at.line, 2);
    assert_int_equal(b->at.col, 8);
    assert_memory_equal(text + b->at.offset, "\"ü\"", b->at.length);
    assert_int_equal(b->at.length, 4);
    assert_int_equal(c->at.col, 16); /* counted in characters */
    assert_memory_equal(text + c->at.offset, "[1, '2']", c->at.length);
    assert_true(c->child->plain);
    assert_false(c->child->next->plain);
    assert_string_equal(d->text, "more\n");
    assert_true(yaml_node_is_null(e));
    assert_null(yaml_node_get(root, "f"));
    assert_null(yaml_node_get(b, "x"));
    yaml_documents_clear(&docs);
}

static void documents_have_texts_of_their_own(void **state)
{
    static const char text[] = "# one\na: 1\n---\n---\n# two\nb: 2\n---\nc: 3\n";
    struct yaml_documents docs;
    char *problems = read_text(text, strlen(text), &docs);

    (void)state;
    assert_string_equal(problems, "");
    free(problems);
    assert_int_equal(docs.n, 3);
    assert_int_equal(docs.items[0].start, 0);
    assert_int_equal(docs.items[1].start, docs.items[0].end);
    assert_int_equal(docs.items[2].start, docs.items[1].end);
    assert_memory_equal(text + docs.items[1].start, "---\n# two\nb: 2\n", 15);
    assert_int_equal(docs.items[2].end, strlen(text));
    yaml_documents_clear(&docs);
}

static void what_nobody_needs_is_refused(void **state)
{
    (void)state;
    assert_problems("a: &x 1\nb: *x\nc: !!str 2\nd: 1\nd: 2\n",
                    "t.yaml:1:4: error[anchor]: anchors are not allowed\n"
                    "    1 | a: &x 1\n"
                    "      |    ^~~~\n"
                    "t.yaml:2:4: error[alias]: aliases are not allowed\n"
                    "    2 | b: *x\n"
                    "      |    ^~\n"
                    "t.yaml:3:4: error[tag]: tags are not allowed\n"
                    "    3 | c: !!str 2\n"
                    "      |    ^~~~~~~\n"
                    "t.yaml:5:1: error[duplicate-key]: 'd' is given twice\n"
                    "    5 | d: 2\n"
                    "      | ^\n"
                    "      = the first is in line 4\n");
    assert_problems("%TAG ! tag:x,2000:\n---\na: 1\n",
                    "t.yaml:1:1: error[tag]: tags are not allowed\n"
                    "    1 | %TAG ! tag:x,2000:\n"
                    "      | ^~~~\n");
    assert_problems("? {a: 1}\n: 2\n",
                    "t.yaml:1:3: error[bad-key]: a key must be a word, not a map\n"
                    "    1 | ? {a: 1}\n"
                    "      |   ^\n");
}

static void malformed_text_is_pointed_at(void **state)
{
    (void)state;
    assert_problems("a:\n\tb: 1\n",
                    "t.yaml:2:1: error[syntax]: found character that cannot start any token\n"
                    "    2 |  b: 1\n"
                    "      | ^\n"
                    "      = a tab cannot indent; use spaces\n");
    assert_problems("a: b\n c: d\n",
                    "t.yaml:2:3: error[syntax]: mapping values are not allowed in this context\n"
                    "    2 |  c: d\n"
                    "      |   ^\n");
    assert_problems("a: [1,\nb: 2\n",
                    "t.yaml:3:1: error[syntax]: did not find expected ',' or ']'\n"
                    "    3 | \n"
                    "      | ^\n"
                    "      = while parsing a flow sequence that begins in line 1\n");
    assert_problems("a: \xc3\xa4\nb: x\xff\n",
                    "t.yaml:2:5: error[bad-encoding]: invalid leading UTF-8 octet\n"
                    "    2 | b: x?\n"
                    "      |     ^\n"
                    "      = the file must be UTF-8 text\n");
    assert_problems("a: \033[31mred\n",
                    "t.yaml:1:4: error[bad-encoding]: control characters are not allowed\n"
                    "    1 | a: ?[31mred\n"
                    "      |    ^\n"
                    "      = the file must be UTF-8 text\n");
}

static void the_documents_before_an_error_remain(void **state)
{
    static const char text[] = "a: 1\n---\nb: [\n";
    struct yaml_documents docs;
    char *problems = read_text(text, strlen(text), &docs);

    (void)state;
    assert_non_null(strstr(problems, "error[syntax]"));
    free(problems);
    assert_int_equal(docs.n, 1);
    yaml_documents_clear(&docs);
}

static void repeat(char *to, size_t size, const char *what)
{
    for (size_t i = 0; i < size; i++)
        to[i] = what[i % strlen(what)];
}

/* Each once took, or could take, seconds or gigabytes. */
static void hostile_texts_are_refused_at_once(void **state)
{
    static const struct {
        const char *piece, *code;
    } texts[] = {
        {"[", "too-deep"},
        {"{a: ", "too-deep"},
        {"- ", "too-deep"},
        {"[],", "syntax"},
        {"? ", "bad-key"},
        {"a: b\n", "duplicate-key"},
        {"- a\n", "too-many-nodes"},
        {"---\n", "too-many-nodes"},
        {"--- a\n", "too-many-documents"},
        {"%TAG !a! b\n", "tag"},
        {"&a ", "syntax"},
        {"\"", "syntax"},
        {"pass: x\n", "duplicate-key"},
        {"*a : b\n", "alias"},
    };
    size_t size = 64 * 1024;
    char *text = xmalloc(size), code[40];

    (void)state;
    for (size_t i = 0; i < array_len(texts); i++) {
        struct yaml_documents docs;
        uint64_t start = uv_hrtime();
        char *problems;

        repeat(text, size, texts[i].piece);
        problems = read_text(text, size, &docs);
        snprintf(code, sizeof(code), "error[%s]", texts[i].code);
        if (!strstr(problems, code))
            fail_msg("%s: %s", texts[i].piece, problems);
        assert_true(uv_hrtime() - start < READ_MS_MAX * UINT64_C(1000000));
        assert_true(strlen(problems) < 100 * 1000);
        free(problems);
        yaml_documents_clear(&docs);
    }
    free(text);
}

static void too_large_a_text_is_not_parsed(void **state)
{
    size_t size = YAML_BYTES_MAX + 1;
    char *text = xmalloc(size);
    struct yaml_documents docs;
    char *problems;

    (void)state;
    memset(text, ' ', size);
    problems = read_text(text, size, &docs);
    assert_string_equal(problems, "t.yaml: error[too-large]: larger than 256 KiB\n");
    free(problems);
    problems = read_text(text, size - 1, &docs);
    assert_string_equal(problems, "");
    free(problems);
    free(text);
}

/* --- diagnostics --- */

static void errors_are_bounded_and_sorted(void **state)
{
    struct span at = {.line = 1, .col = 1};
    struct diags diags;
    char *text;

    (void)state;
    diags_init(&diags, "t.yaml");
    for (unsigned i = 0; i < DIAGS_MAX + 7; i++) {
        at.line = DIAGS_MAX + 7 - i;
        diags_error(&diags, "x", &at, NULL, "n");
    }
    diags_finish(&diags, "", 0);
    assert_int_equal(diags.n, DIAGS_MAX);
    assert_int_equal(diags.n_errors, DIAGS_MAX + 7);
    for (unsigned i = 1; i < diags.n; i++)
        assert_true(diags.items[i - 1].line < diags.items[i].line);
    text = diags_render(&diags);
    assert_non_null(strstr(text, "t.yaml: too many errors; 7 more are not shown\n"));
    free(text);
    diags_clear(&diags);
}

static void a_warning_is_no_failure(void **state)
{
    struct diags diags;

    (void)state;
    diags_init(&diags, "t.yaml");
    diags_warning(&diags, "x", &SPAN_FILE, "do y", "odd\n\033[0m");
    diags_finish(&diags, "", 0);
    assert_false(diags_failed(&diags));
    assert_string_equal(diags.items[0].message, "odd ?[0m");
    diags_clear(&diags);
}

static void a_long_line_is_cut_around_the_place(void **state)
{
    char text[2000], *rendered;
    struct span at = {.line = 1, .col = 1001, .offset = 1000, .length = 900};
    struct diags diags;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text + 1000, "HERE", 4);
    diags_init(&diags, "t.yaml");
    diags_error(&diags, "x", &at, NULL, "n");
    diags_finish(&diags, text, sizeof(text));
    rendered = diags_render(&diags);
    assert_true(strlen(rendered) < 450);
    assert_non_null(strstr(rendered, "    1 | ...xxx"));
    assert_memory_equal(diags.items[0].source + diags.items[0].caret, "HERE", 4);
    free(rendered);
    diags_clear(&diags);
}

static void secrets_are_hidden_in_source_lines(void **state)
{
    static const char *const texts[] = {
        "x: {password: hunter2, password: 1}\n",
        "x: {a: &a 1, password: 'hunter2'}\n",
        "x: {a: &a 1, Auth-Token: [hunter2]}\n",
        "x: {a: &a 1, db_passwd: {a: hunter2}}\n",
        "x: {a: &a 1, tokens: [hunter2, {b: c}]}\n",
        "x: {a: &a 1, tokens: [{b: c}, hunter2]}\n",
        "x: {a: &a 1, tokens: [{token: hunter2}]}\n",
        "x: {a: &a 1, endpoint: 'redis://u:hunter2@host:1'}\n",
        /* not parsed at all, or not to the end */
        "x: {password: hunter2, a: *}\n",
        "password: \"hunter2\n",
        "password: \"a\n  hunter2",
        "password hunter2\nx: 1\n",
        "password: |\n  hunter2\n\tx\n",
        "password: |\n  x\n  hunter2 \xff\n",
        "password: hunter2\n\tx: 1\n",
        "endpoint: \"u:hunter2@host:1\n",
        "- password: hunter2 \033\n",
        /* a quote too many */
        "a: &a \"x\npassword: hunter2\n\"\n",
        "? \"x password: hunter2\"\n: &a 1\n",
        "x 'password: hunter2': 1\nx 'password: hunter2': 1\n",
    };

    (void)state;
    for (size_t i = 0; i < array_len(texts); i++) {
        struct yaml_documents docs;
        char *problems = read_text(texts[i], strlen(texts[i]), &docs);

        assert_non_null(strstr(problems, "error["));
        if (strstr(problems, "hunter"))
            fail_msg("%s\nis shown as\n%s", texts[i], problems);
        free(problems);
        yaml_documents_clear(&docs);
    }
    assert_problems("x: {password: 'hunter2', a: &a 1}\n",
                    "t.yaml:1:29: error[anchor]: anchors are not allowed\n"
                    "    1 | x: {password: ********, a: &a 1}\n"
                    "      |                            ^~~~\n");
}

/* --- schema --- */

struct sample {
    char *name, *secret;
    char id[6];
    bool flag, has_inner;
    unsigned number;
    uint64_t size, duration;
    enum { RED, GREEN } color;
    struct sample_inner {
        struct endpoint at;
        struct endpoint list[2];
        unsigned n_list;
    } inner;
    struct sample_item {
        char *word;
        unsigned weight;
    } items[3];
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
     SCHEMA_FIELD(struct sample_inner, list),
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
     SCHEMA_FIELD(struct sample, items),
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
    copy.n_items = 1;
    assert_string_equal(schema_differs(&sample_schema, &s, &copy, SCHEMA_SAFE)->key, "items");
    schema_clear(&sample_schema, &s);
    assert_null(s.items[0].word);
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
        cmocka_unit_test(a_tree_knows_its_places),
        cmocka_unit_test(documents_have_texts_of_their_own),
        cmocka_unit_test(what_nobody_needs_is_refused),
        cmocka_unit_test(malformed_text_is_pointed_at),
        cmocka_unit_test(the_documents_before_an_error_remain),
        cmocka_unit_test(hostile_texts_are_refused_at_once),
        cmocka_unit_test(too_large_a_text_is_not_parsed),
        cmocka_unit_test(errors_are_bounded_and_sorted),
        cmocka_unit_test(a_warning_is_no_failure),
        cmocka_unit_test(a_long_line_is_cut_around_the_place),
        cmocka_unit_test(secrets_are_hidden_in_source_lines),
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
