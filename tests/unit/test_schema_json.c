/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema from tables: each type, limits, defaults, flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/net/endpoint.h"
#include "lib/yaml/schema_json.h"

struct item {
    struct endpoint endpoint;
    char *file;
};

struct sample {
    bool flag;
    unsigned count;
    uint64_t size, wait;
    unsigned word;
    char *text;
    char name[9];
    struct item item;
    struct item items[3];
    unsigned n_items;
};

static const char *const words[] = {"none", "all", NULL};

static const struct schema_row item_rows[] = {
    {.key = "endpoint",
     .type = SCHEMA_ENDPOINT,
     SCHEMA_FIELD(struct item, endpoint),
     .flags = SCHEMA_REQUIRED},
    {.key = "file",
     .type = SCHEMA_STRING,
     SCHEMA_FIELD(struct item, file),
     .flags = SCHEMA_NULLABLE,
     .check = schema_check_path},
};
static const struct schema item_schema = {"an item", item_rows, array_len(item_rows)};

static const struct schema_row rows[] = {
    {.key = "flag", .type = SCHEMA_BOOL, .preset = "true", SCHEMA_FIELD(struct sample, flag)},
    {.key = "count", .type = SCHEMA_INT, .preset = "7", SCHEMA_FIELD(struct sample, count)},
    {.key = "size",
     .type = SCHEMA_SIZE,
     .max = 1024,
     .doc = "Bytes.",
     SCHEMA_FIELD(struct sample, size)},
    {.key = "wait",
     .type = SCHEMA_DURATION,
     .min = 10,
     .max = 2000,
     .doc = "How long.",
     SCHEMA_FIELD(struct sample, wait)},
    {.key = "word", .type = SCHEMA_ENUM, .words = words, SCHEMA_FIELD(struct sample, word)},
    {.key = "text",
     .type = SCHEMA_STRING,
     .flags = SCHEMA_SECRET,
     SCHEMA_FIELD(struct sample, text)},
    {.key = "name", .type = SCHEMA_NAME, SCHEMA_FIELD(struct sample, name)},
    {.key = "later", .type = SCHEMA_INT, .flags = SCHEMA_LATER},
    {.key = "item",
     .type = SCHEMA_MAP,
     .sub = &item_schema,
     SCHEMA_FIELD(struct sample, item),
     .check_json = "{\"minProperties\": 1}"},
    {.key = "items",
     .type = SCHEMA_LIST,
     .item = SCHEMA_MAP,
     .sub = &item_schema,
     .item_size = sizeof(struct item),
     .max = 3,
     SCHEMA_FIELD(struct sample, items),
     .count = offsetof(struct sample, n_items)},
};
static const struct schema sample_schema = {"a sample", rows, array_len(rows)};

/* A property of the sample is this JSON. */
static void expect(const char *key, const char *text)
{
    json_t *document = schema_json(&sample_schema, "urn:x", "X");
    json_t *property = json_object_get(json_object_get(document, "properties"), key);
    json_t *wanted = json_loads(text, 0, NULL);
    char *found = json_dumps(property, JSON_ENCODE_ANY | JSON_SORT_KEYS);

    assert_non_null(wanted);
    if (!json_equal(property, wanted))
        fail_msg("%s is %s", key, found);
    free(found);
    json_decref(wanted);
    json_decref(document);
}

static void test_scalars(void **state)
{
    (void)state;
    expect("flag", "{\"type\": \"boolean\", \"default\": true}");
    expect("count", "{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 4294967295, "
                    "\"default\": 7}");
    expect("size", "{\"type\": [\"string\", \"integer\"], \"minimum\": 0, \"maximum\": 1024, "
                   "\"pattern\": \"^[0-9]+(B|KiB|MiB|GiB|TiB)?$\", "
                   "\"description\": \"Bytes. From 0B to 1KiB.\"}");
    expect("wait", "{\"type\": \"string\", \"pattern\": \"^[0-9]+(ms|s|m|h)$\", "
                   "\"description\": \"How long. From 10ms to 2s.\"}");
    expect("word", "{\"enum\": [\"none\", \"all\"]}");
    expect("text", "{\"type\": [\"string\", \"number\"], \"maxLength\": 4096, "
                   "\"writeOnly\": true}");
    expect("name", "{\"type\": \"string\", \"pattern\": \"^[a-z][a-z0-9-]*$\", \"maxLength\": 8}");
}

static void test_maps_and_lists(void **state)
{
    json_t *document = schema_json(&sample_schema, "urn:x", "X");
    json_t *properties = json_object_get(document, "properties");
    json_t *item = json_object_get(properties, "item"),
           *items = json_object_get(properties, "items");
    json_t *file = json_object_get(json_object_get(item, "properties"), "file");

    (void)state;
    assert_null(json_object_get(properties, "later"));
    assert_null(json_object_get(document, "required"));
    assert_true(json_is_false(json_object_get(document, "additionalProperties")));
    assert_int_equal(json_integer_value(json_object_get(item, "minProperties")), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(item, "required"), 0)),
                        "endpoint");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(file, "anyOf"), 1), "type")),
                        "null");
    assert_int_equal(json_integer_value(json_object_get(items, "maxItems")), 3);
    json_object_del(item, "minProperties");
    assert_true(json_equal(json_object_get(items, "items"), item));
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_maps_and_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
