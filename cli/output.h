/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What every command prints with: formats, the terminal, members of JSON answers, whole documents.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum format {
    FORMAT_TABLE,
    FORMAT_WIDE,
    FORMAT_JSON,
    FORMAT_YAML,
    FORMAT_NAME,
    FORMAT_MARKDOWN,
    FORMAT_MAX
};

const char *format_name(enum format format);
bool format_parse(const char *name, enum format *ret);

/* What an output is. */
struct term {
    int fd;
    bool tty;
    bool colour;
    bool utf8;              /* characters outside ASCII can be shown */
    bool redraw;            /* the cursor can be moved */
    unsigned width, height; /* 0: unlimited */
};

/* Looks at fd, TERM and NO_COLOR; term_resize looks at the size alone. */
void term_init(struct term *term, int fd);
void term_resize(struct term *term);

enum style { STYLE_NONE, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BUSY, STYLE_WARN, STYLE_BAD };

/* The sequences around a styled text; "" without colour. */
const char *style_on(const struct term *term, enum style style);
const char *style_off(const struct term *term, enum style style);
enum style style_of_state(const char *state); /* a public state; NULL is fine */
enum style style_of_level(const char *level);

/* Members by path ("reason.code"). Absent, null and members of another type are one and the same:
 * NULL, false. */
json_t *member(const json_t *object, const char *path);
const char *member_string(const json_t *object, const char *path); /* raw: not for a terminal */
bool member_number(const json_t *object, const char *path, double *ret);
bool member_time(const json_t *object, const char *path, int64_t *ret_wall_ms);
/* A printable copy, whatever the type; NULL when there is nothing. */
char *member_text(const struct term *term, const json_t *object, const char *path);
/* The same, "-" when there is nothing. */
char *member_cell(const struct term *term, const json_t *object, const char *path);

/* Whole documents to standard output. A JSON line is one object without line breaks. */
void print_json(const struct term *term, const json_t *value);
void print_json_line(const struct term *term, const json_t *value);
void print_yaml(const struct term *term, const json_t *value); /* one document, with "---" */

/* Prints value where format is json or yaml, else nothing and returns false. */
bool print_document(const struct term *term, enum format format, const json_t *value);

/* Standard output has taken everything; else says what is wrong and returns false. */
bool output_flush(void);
