/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/yaml/schema_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/units.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"

#define BYTE "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4 "(" BYTE "\\.){3}" BYTE
#define HOST_NAME                                                                                  \
    "(?![0-9.]+:)(?!-)[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*\\.?" /* no mistyped IPv4 */
#define IPV6 "\\[[0-9A-Fa-f:.]+(%[^\\]]+)?\\]"
#define PORT                                                                                       \
    "0{0,2}([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

#define ENDPOINT_PATTERN "^(" IPV4 "|" HOST_NAME "|" IPV6 "):" PORT "$"
#define DURATION_PATTERN "^[0-9]+(ms|s|m|h)$"
#define SIZE_PATTERN "^[0-9]+(B|KiB|MiB|GiB|TiB)?$"

static json_t *schema_map(const struct schema *schema);

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        abort();
}

static void set_limits(const struct schema_row *row, json_t *property)
{
    uint64_t max = row->max ? row->max : row->size == sizeof(unsigned) ? UINT32_MAX : INT64_MAX;

    set(property, "minimum", json_integer((json_int_t)row->min));
    set(property, "maximum", json_integer((json_int_t)max));
}

/* What is one word in YAML may be a number to the editor: "password: 1234" is a text to us. */
static void set_text(const struct schema_row *row, json_t *property)
{
    set(property, "type", json_pack("[s, s]", "string", "number"));
    if (row->min > 0)
        set(property, "minLength", json_integer((json_int_t)row->min));
    set(property, "maxLength", json_integer((json_int_t)(row->max ? row->max : SCHEMA_STRING_MAX)));
    if (row->check == schema_check_path)
        set(property, "pattern", json_string("^/"));
}

static void set_words(const struct schema_row *row, json_t *property)
{
    json_t *words = json_array();

    for (size_t i = 0; row->words[i]; i++)
        json_array_append_new(words, json_string(row->words[i]));
    set(property, "enum", words);
}

static void set_pattern(json_t *property, const char *pattern)
{
    set(property, "type", json_string("string"));
    set(property, "pattern", json_string(pattern));
}

static json_t *schema_value(const struct schema_row *row);

static void set_list(const struct schema_row *row, json_t *property)
{
    struct schema_row item = {.key = row->key,
                              .type = row->item,
                              .size = row->item_size,
                              .sub = row->sub,
                              .words = row->words};

    set(property, "type", json_string("array"));
    set(property, "items", schema_value(&item));
    if (row->max > 0)
        set(property, "maxItems", json_integer((json_int_t)row->max));
}

/* The keywords that say which values fit the row's type and limits. */
static json_t *schema_value(const struct schema_row *row)
{
    json_t *property = row->type == SCHEMA_MAP && row->sub ? schema_map(row->sub) : json_object();

    switch (row->type) {
    case SCHEMA_BOOL:
        set(property, "type", json_string("boolean"));
        break;
    case SCHEMA_INT:
        set(property, "type", json_string("integer"));
        set_limits(row, property);
        break;
    case SCHEMA_SIZE:
        set_pattern(property, SIZE_PATTERN);
        set(property, "type", json_pack("[s, s]", "string", "integer"));
        set_limits(row, property);
        break;
    case SCHEMA_DURATION:
        set_pattern(property, DURATION_PATTERN);
        break;
    case SCHEMA_ENUM:
        set_words(row, property);
        break;
    case SCHEMA_STRING:
        set_text(row, property);
        break;
    case SCHEMA_NAME:
        set_pattern(property, "^[a-z][a-z0-9-]*$");
        set(property, "maxLength", json_integer((json_int_t)row->size - 1));
        break;
    case SCHEMA_ENDPOINT:
        set_pattern(property, ENDPOINT_PATTERN);
        break;
    case SCHEMA_LIST:
        set_list(row, property);
        break;
    case SCHEMA_MAP:
    case SCHEMA_TYPE_MAX:
        break;
    }
    return property;
}

/* The row's sentence, with the range that a pattern cannot express. */
static json_t *describe(const struct schema_row *row)
{
    char min[UNITS_STR_MAX], max[UNITS_STR_MAX];

    if (row->type == SCHEMA_DURATION && row->max > 0)
        return json_sprintf("%s From %s to %s.", row->doc, duration_format(row->min, min),
                            duration_format(row->max, max));
    if (row->type == SCHEMA_SIZE && row->max > 0)
        return json_sprintf("%s From %s to %s.", row->doc, size_format(row->min, min),
                            size_format(row->max, max));
    return json_string(row->doc);
}

static json_t *preset_value(const struct schema_row *row)
{
    if (row->type == SCHEMA_BOOL)
        return json_boolean(strcmp(row->preset, "true") == 0);
    if (row->type == SCHEMA_INT)
        return json_integer((json_int_t)strtoull(row->preset, NULL, 10));
    return json_string(row->preset);
}

static void merge_keywords(json_t *property, const char *text)
{
    json_t *more = json_loads(text, 0, NULL);

    assert(json_is_object(more));
    json_object_update(property, more);
    json_decref(more);
}

/* {"anyOf": [property, null]} */
static json_t *or_null(json_t *property)
{
    return json_pack("{s:[o, {s:s}]}", "anyOf", property, "type", "null");
}

static json_t *schema_property(const struct schema_row *row)
{
    json_t *property = schema_value(row);

    if (row->check_json)
        merge_keywords(property, row->check_json);
    if (row->flags & SCHEMA_NULLABLE)
        property = or_null(property);
    if (row->doc)
        set(property, "description", describe(row));
    if (row->preset)
        set(property, "default", preset_value(row));
    if (row->flags & SCHEMA_SECRET)
        set(property, "writeOnly", json_true());
    return property;
}

/* Recursion follows the tables, which are finite. */
static json_t *schema_map(const struct schema *schema)
{
    json_t *map = json_object(), *properties = json_object(), *required = json_array();

    set(map, "type", json_string("object"));
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_row *row = &schema->rows[i];

        if (row->flags & SCHEMA_LATER)
            continue;
        set(properties, row->key, schema_property(row));
        if (row->flags & SCHEMA_REQUIRED)
            json_array_append_new(required, json_string(row->key));
    }
    set(map, "properties", properties);
    if (json_array_size(required) > 0)
        set(map, "required", required);
    else
        json_decref(required);
    set(map, "additionalProperties", json_false());
    return map;
}

json_t *schema_json(const struct schema *schema, const char *id, const char *title)
{
    json_t *document = json_pack("{s:s, s:s, s:s}", "$schema", DIALECT, "$id", id, "title", title);
    json_t *map = schema_map(schema);

    if (!document)
        abort();
    json_object_update(document, map);
    json_decref(map);
    return document;
}
