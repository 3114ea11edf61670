/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: trees, what it refuses, texts that mean harm; and how errors are shown, without
 * secrets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/yaml/reader.h"
#include "tests/unit/fixture.h"

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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
