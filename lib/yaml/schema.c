/* SPDX-License-Identifier: Apache-2.0 */
/* From trees to structs. The conversion of single values is in schema_value.c. */
#include "lib/yaml/schema.h"

#include <stdio.h>

#include "lib/base/suggest.h"
#include "lib/net/endpoint.h"

#define KEYS_MAX 64 /* of one map */

static void clear_list(const struct schema_row *row, void *base);

static void *field_at(void *base, size_t offset)
{
    return (char *)base + offset;
}

static const void *const_field_at(const void *base, size_t offset)
{
    return (const char *)base + offset;
}

/* --- reading --- */

static bool shape_fits(const struct schema_row *row, const struct yaml_node *value)
{
    if (row->type == SCHEMA_MAP)
        return value->kind == NODE_MAP;
    if (row->type == SCHEMA_LIST)
        return value->kind == NODE_LIST;
    return value->kind == NODE_SCALAR;
}

static const char *shape_of(enum schema_type type)
{
    switch (type) {
    case SCHEMA_MAP:
        return "a map of keys";
    case SCHEMA_LIST:
        return "a list";
    case SCHEMA_BOOL:
        return "true or false";
    case SCHEMA_INT:
        return "a number";
    case SCHEMA_SIZE:
        return "a size";
    case SCHEMA_DURATION:
        return "a duration";
    case SCHEMA_ENDPOINT:
        return "host:port";
    case SCHEMA_ENUM:
    case SCHEMA_STRING:
    case SCHEMA_NAME:
    case SCHEMA_TYPE_MAX:
        break;
    }
    return "a single value";
}

/* False when there is nothing to read: no value, or one of the wrong kind, which was reported. */
static bool check_shape(const struct schema_row *row, const struct yaml_node *value,
                        struct diags *diags)
{
    const char *hint = NULL;

    if (yaml_node_is_null(value)) {
        if (row->flags & SCHEMA_NULLABLE)
            return false;
        diags_error(diags, "no-value", &value->key->at, "leave the key out to get the default",
                    "'%s' has no value", row->key);
        return false;
    }
    if (shape_fits(row, value))
        return true;
    if (row->type == SCHEMA_ENDPOINT && value->kind == NODE_LIST)
        hint = "an IPv6 address needs quotes: \"[::1]:6379\"";
    diags_error(diags, "wrong-type", &value->at, hint, "'%s' must be %s, not %s", row->key,
                shape_of(row->type), yaml_node_describe(value));
    return false;
}

/* Values of these types are words that YAML would take for something else if they were quoted. */
static bool must_be_plain(enum schema_type type)
{
    return type == SCHEMA_BOOL || type == SCHEMA_INT;
}

/* False when there was an error. */
static bool read_scalar(const struct schema_row *row, const struct yaml_node *value, void *base,
                        struct diags *diags)
{
    const char *code;
    struct err err;

    if (must_be_plain(row->type) && !value->plain) {
        diags_error(diags, "wrong-type", &value->at, "write it without quotes",
                    "'%s' must be %s, not text", row->key, shape_of(row->type));
        return false;
    }
    if (!schema_set(row, value->text, base, &err))
        return true;
    code = schema_type_code(row->type);
    if (err.code == ERR_LIMIT && row->type != SCHEMA_ENDPOINT)
        code = "out-of-range";
    if (row->type == SCHEMA_ENDPOINT && strchr(value->text, '@'))
        err_set(&err, ERR_INVALID,
                "write host:port only; user and password have keys of their own");
    else if (yaml_node_holds_secret(value))
        err_set(&err, ERR_INVALID, "no value for '%s'; is there a quote too many?", row->key);
    diags_error(diags, code, &value->at, NULL, "%s", err.msg);
    return false;
}

/* item: the zeroed place for it. False when it takes no place. */
static bool read_item(const struct schema_row *row, const struct yaml_node *value, void *item,
                      struct diags *diags)
{
    struct schema_row one = {
        .key = row->key, .type = row->item, .size = row->item_size, .words = row->words};
    const char *shape = row->item == SCHEMA_MAP ? "maps" : shape_of(row->item);

    if (!shape_fits(&one, value) || yaml_node_is_null(value)) {
        diags_error(diags, "wrong-type", &value->at, NULL, "'%s' is a list of %s, not of %s",
                    row->key, shape, yaml_node_describe(value));
        return false;
    }
    if (row->item != SCHEMA_MAP)
        return read_scalar(&one, value, item, diags);
    schema_defaults(row->sub, item);
    schema_read(row->sub, value, &value->at, item, diags);
    return true;
}

static void read_list(const struct schema_row *row, const struct yaml_node *list, void *base,
                      struct diags *diags)
{
    unsigned n = 0, room = 0;
    char *array;

    assert(row->size == 0); /* the field is a pointer, no array */
    clear_list(row, base);
    for (const struct yaml_node *c = list->child; c; c = c->next)
        room++;
    array = xcalloc(max_of(min_of((uint64_t)room, row->max), UINT64_C(1)), row->item_size);
    for (const struct yaml_node *c = list->child; c; c = c->next) {
        if (c->broken)
            continue;
        if (n == row->max) {
            diags_error(diags, "too-many", &c->at, NULL, "'%s' takes at most %u", row->key,
                        (unsigned)row->max);
            break;
        }
        if (read_item(row, c, array + n * row->item_size, diags))
            n++;
    }
    *(void **)field_at(base, row->offset) = array;
    *(unsigned *)field_at(base, row->count) = n;
}

static void read_value(const struct schema_row *row, const struct yaml_node *value, void *base,
                       struct diags *diags)
{
    if (row->flags & SCHEMA_SECRET)
        diags_hide(diags, value->at.offset, value->at.length);
    if (value->broken || value->duplicate)
        return;
    if (row->flags & SCHEMA_LATER) {
        diags_error(diags, "not-supported", &value->key->at, "leave the key out",
                    "'%s' is not supported yet", row->key);
        return;
    }
    if (!check_shape(row, value, diags))
        return;
    if (row->type == SCHEMA_MAP)
        schema_read(row->sub, value, &value->key->at, field_at(base, row->offset), diags);
    else if (row->type == SCHEMA_LIST)
        read_list(row, value, base, diags);
    else if (!read_scalar(row, value, base, diags))
        return;
    if (row->given)
        *(bool *)field_at(base, row->given) = true;
    if (row->check)
        row->check(row, value, const_field_at(base, row->offset), diags);
}

static void report_unknown(const struct schema *schema, const struct yaml_node *value,
                           struct diags *diags)
{
    const char *words[KEYS_MAX], *nearest;
    char hint[320];
    size_t n = 0;

    assert(schema->n <= KEYS_MAX);
    for (size_t i = 0; i < schema->n; i++)
        words[i] = schema->rows[i].key;
    nearest = suggest(value->key->text, words, schema->n);
    if (nearest) {
        snprintf(hint, sizeof(hint), "did you mean '%s'?", nearest);
        if (schema_find(schema, nearest)->flags & SCHEMA_SECRET)
            diags_hide(diags, value->at.offset, value->at.length);
    } else {
        n = (size_t)snprintf(hint, sizeof(hint), "known here:");
        for (size_t i = 0; i < schema->n && n < sizeof(hint); i++) {
            if (!(schema->rows[i].flags & SCHEMA_LATER))
                n += (size_t)snprintf(hint + n, sizeof(hint) - n, " %s", words[i]);
        }
    }
    diags_error(diags, "unknown-key", &value->key->at, hint, "unknown key '%s'",
                yaml_node_word(value->key));
}

void schema_read(const struct schema *schema, const struct yaml_node *map, const struct span *where,
                 void *base, struct diags *diags)
{
    if (map->broken)
        return;
    if (map->kind != NODE_MAP) {
        diags_error(diags, "wrong-type", &map->at, NULL, "%s must be a map of keys, not %s",
                    schema->what, yaml_node_describe(map));
        return;
    }
    for (const struct yaml_node *c = map->child; c; c = c->next) {
        const struct schema_row *row = schema_find(schema, c->key->text);

        if (row)
            read_value(row, c, base, diags);
        else if (!c->key->broken && !c->duplicate)
            report_unknown(schema, c, diags);
    }
    for (size_t i = 0; i < schema->n; i++) {
        if ((schema->rows[i].flags & SCHEMA_REQUIRED) && !yaml_node_get(map, schema->rows[i].key))
            diags_error(diags, "missing-key", where, NULL, "%s needs '%s'", schema->what,
                        schema->rows[i].key);
    }
}

/* --- checks for rows --- */

void schema_check_path(const struct schema_row *row, const struct yaml_node *value,
                       const void *field, struct diags *diags)
{
    const char *path = *(char *const *)field;

    if (path[0] == '/')
        return;
    diags_hide(diags, value->at.offset, value->at.length);
    diags_error(diags, "bad-path", &value->at, NULL, "'%s' must be an absolute path", row->key);
}

/* --- rows and structs --- */

const struct schema_row *schema_find(const struct schema *schema, const char *key)
{
    for (size_t i = 0; i < schema->n; i++) {
        if (strcmp(schema->rows[i].key, key) == 0)
            return &schema->rows[i];
    }
    return NULL;
}

void schema_defaults(const struct schema *schema, void *base)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_row *row = &schema->rows[i];
        struct err err;

        if (row->flags & SCHEMA_LATER)
            continue;
        if (row->type == SCHEMA_MAP)
            schema_defaults(row->sub, field_at(base, row->offset));
        else if (row->preset && schema_set(row, row->preset, base, &err))
            assert(!"the default of a row does not fit the row");
    }
}

static bool strings_differ(const char *a, const char *b)
{
    return !a || !b ? a != b : strcmp(a, b) != 0;
}

static bool endpoints_differ(const void *a, const void *b, unsigned n)
{
    const struct endpoint *x = a, *y = b;

    for (unsigned i = 0; i < n; i++) {
        if (!endpoint_equal(&x[i], &y[i]))
            return true;
    }
    return false;
}

static unsigned list_length(const struct schema_row *row, const void *base)
{
    return *(const unsigned *)const_field_at(base, row->count);
}

static const void *items_of(const struct schema_row *row, const void *base)
{
    return *(const void *const *)const_field_at(base, row->offset);
}

static bool lists_differ(const struct schema_row *row, const void *a, const void *b,
                         unsigned except_flags)
{
    unsigned n = list_length(row, a);

    if (n != list_length(row, b))
        return true;
    if (row->item == SCHEMA_ENDPOINT)
        return endpoints_differ(items_of(row, a), items_of(row, b), n);
    if (row->item == SCHEMA_ENUM)
        return n > 0 && memcmp(items_of(row, a), items_of(row, b), n * row->item_size) != 0;
    assert(row->item == SCHEMA_MAP); /* no other lists have a field so far */
    for (unsigned i = 0; i < n; i++) {
        if (schema_differs(row->sub, const_field_at(items_of(row, a), i * row->item_size),
                           const_field_at(items_of(row, b), i * row->item_size), except_flags))
            return true;
    }
    return false;
}

static bool fields_differ(const struct schema_row *row, const void *a, const void *b,
                          unsigned except_flags)
{
    const void *x = const_field_at(a, row->offset), *y = const_field_at(b, row->offset);

    if (row->given && *(const bool *)const_field_at(a, row->given) !=
                          *(const bool *)const_field_at(b, row->given))
        return true;
    switch (row->type) {
    case SCHEMA_STRING:
        return strings_differ(*(char *const *)x, *(char *const *)y);
    case SCHEMA_NAME:
        return strcmp(x, y) != 0;
    case SCHEMA_ENDPOINT:
        return endpoints_differ(x, y, 1);
    case SCHEMA_LIST:
        return lists_differ(row, a, b, except_flags);
    case SCHEMA_BOOL:
    case SCHEMA_INT:
    case SCHEMA_SIZE:
    case SCHEMA_DURATION:
    case SCHEMA_ENUM:
        return memcmp(x, y, row->size) != 0;
    case SCHEMA_MAP:
    case SCHEMA_TYPE_MAX:
        break;
    }
    return false;
}

const struct schema_row *schema_differs(const struct schema *schema, const void *a, const void *b,
                                        unsigned except_flags)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_row *row = &schema->rows[i], *inner;

        if (row->flags & (except_flags | SCHEMA_LATER))
            continue;
        if (fields_differ(row, a, b, except_flags))
            return row;
        if (row->type != SCHEMA_MAP)
            continue;
        inner = schema_differs(row->sub, const_field_at(a, row->offset),
                               const_field_at(b, row->offset), except_flags);
        if (inner)
            return inner;
    }
    return NULL;
}

/* --- what the struct owns --- */

static void own_list(const struct schema_row *row, void *base)
{
    void **items = field_at(base, row->offset);
    unsigned n = list_length(row, base);
    void *copy;

    if (!*items)
        return;
    copy = xcalloc(max_of(n, 1u), row->item_size);
    memcpy(copy, *items, n * row->item_size);
    *items = copy;
    for (unsigned k = 0; k < n && row->item == SCHEMA_MAP; k++)
        schema_own(row->sub, field_at(copy, k * row->item_size));
}

void schema_own(const struct schema *schema, void *base)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_row *row = &schema->rows[i];
        void *field = field_at(base, row->offset);

        if (row->flags & SCHEMA_LATER)
            continue;
        if (row->type == SCHEMA_MAP)
            schema_own(row->sub, field);
        else if (row->type == SCHEMA_STRING)
            *(char **)field = xstrdup(*(char **)field);
        else if (row->type == SCHEMA_LIST)
            own_list(row, base);
    }
}

static void clear_list(const struct schema_row *row, void *base)
{
    char *items = take(*(char **)field_at(base, row->offset));

    for (unsigned k = 0; k < list_length(row, base) && row->item == SCHEMA_MAP; k++)
        schema_clear(row->sub, items + k * row->item_size);
    *(unsigned *)field_at(base, row->count) = 0;
    free(items);
}

void schema_clear(const struct schema *schema, void *base)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct schema_row *row = &schema->rows[i];
        void *field = field_at(base, row->offset);

        if (row->flags & SCHEMA_LATER)
            continue;
        if (row->type == SCHEMA_MAP)
            schema_clear(row->sub, field);
        else if (row->type == SCHEMA_STRING)
            secret_free(take(*(char **)field));
        else if (row->type == SCHEMA_LIST)
            clear_list(row, base);
    }
}
