/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Maps of keys, described by tables: one row for each key says everything there is to know about
 * it. The rows drive reading, defaults, comparing, copying and freeing.
 *
 * A row of type MAP has its own table; the fields of that are found at the row's offset. So has a
 * LIST of maps: each item of its array is a struct of that table.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/base.h"
#include "lib/base/err.h"
#include "lib/yaml/node.h"

enum schema_type {
    SCHEMA_BOOL,     /* bool */
    SCHEMA_INT,      /* an unsigned integer; decimal */
    SCHEMA_SIZE,     /* an unsigned integer: bytes; "512KiB" */
    SCHEMA_DURATION, /* an unsigned integer: milliseconds; "30s" */
    SCHEMA_ENUM,     /* bool or an enum: the index into words */
    SCHEMA_STRING,   /* char *, owned */
    SCHEMA_NAME,     /* char[]: [a-z][a-z0-9-]*, as long as fits */
    SCHEMA_ENDPOINT, /* struct endpoint; "host:port" */
    SCHEMA_MAP,
    SCHEMA_LIST, /* a pointer to an array, owned, and a count; of ENDPOINT, ENUM or MAP */
    SCHEMA_TYPE_MAX
};

enum {
    SCHEMA_REQUIRED = 1 << 0,
    SCHEMA_SECRET = 1 << 1,   /* never shown */
    SCHEMA_LATER = 1 << 2,    /* known, and refused: not supported yet. Has no field. */
    SCHEMA_SAFE = 1 << 3,     /* may change under a running job */
    SCHEMA_RELOAD = 1 << 4,   /* may change under a running daemon */
    SCHEMA_NULLABLE = 1 << 5, /* written without a value, it has its default */
};

#define SCHEMA_STRING_MAX 4096 /* bytes, where a row has no max */

struct schema_row;

/* A further check of a value that fits its row; field is what it has become. */
typedef void schema_check_fn(const struct schema_row *row, const struct yaml_node *value,
                             const void *field, struct diags *diags);

struct schema_row {
    const char *key;
    enum schema_type type;
    size_t offset, size; /* the field; see SCHEMA_FIELD. LIST: of the pointer, and no size */
    const char *preset;  /* the default, as it would be written; NULL: zero, unset */
    uint64_t min, max; /* INT, SIZE, DURATION: value; STRING: bytes; LIST: items. max 0: see type */
    unsigned flags;    /* SCHEMA_… */
    const char *doc;   /* a sentence */
    size_t given;      /* offset of a bool: was the key there? 0: nobody asks */
    schema_check_fn *check;   /* NULL: nothing further */
    const char *check_json;   /* the same in keywords of JSON Schema: an object; NULL: none */
    const char *const *words; /* ENUM, and LIST of ENUM: NULL ends them */
    const struct schema *sub; /* MAP, and LIST of MAP */
    enum schema_type item;    /* LIST: type of its items; their size is item_size */
    size_t item_size, count;  /* LIST: offset of its count, an unsigned */
    const char *argument;     /* command line options: what the value is called; NULL: none */
};

/* .offset and .size of a member, to be written inside a row. */
#define SCHEMA_FIELD(of, member)                                                                   \
    .offset = offsetof(of, member), .size = sizeof(((of *)NULL)->member)

struct schema {
    const char *what; /* "a job": for messages */
    const struct schema_row *rows;
    size_t n;
};

/* Puts the defaults of all rows into the struct at base, which is zeroed. */
void schema_defaults(const struct schema *schema, void *base);

/* Reads map into the struct at base, over what is there; what is wrong goes to diags. where: what
 * to point at when a key is missing. */
void schema_read(const struct schema *schema, const struct yaml_node *map, const struct span *where,
                 void *base, struct diags *diags);

/* Sets one scalar field from a text. ERR_INVALID: no such value; ERR_LIMIT: outside the row's
 * range. */
int schema_set(const struct schema_row *row, const char *text, void *base,
               struct err *err) must_check;

const struct schema_row *schema_find(const struct schema *schema, const char *key);

/* The first row, at any depth, in which a and b differ and which has none of the flags; NULL: no
 * such. */
const struct schema_row *schema_differs(const struct schema *schema, const void *a, const void *b,
                                        unsigned except_flags);

/* After a bytewise copy of a struct: gives it strings and lists of its own. */
void schema_own(const struct schema *schema, void *base);

/* Frees the strings, wiped, and the lists, and leaves NULL. */
void schema_clear(const struct schema *schema, void *base);

/* A check: a STRING that is an absolute path. It may be a secret written in the wrong place, so it
 * is not shown. */
schema_check_fn schema_check_path;

/* The code of a diagnostic about a value that does not fit: "bad-duration". */
const char *schema_type_code(enum schema_type type);
