/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Aligned columns that fit a terminal, and paragraphs under a label. */
#include "cli/output.h"

#define TABLE_COLUMNS_MAX 12

struct table;

/* n headings; marks in front of one: '>' its column is right-aligned, '~' it is cut before others
 * are. headings NULL: no heading line. */
struct table *table_new(const char *const headings[], unsigned n);
void table_free(struct table *table);
void table_freep(struct table **table);

/* The next cell of the current row, or of a new one when that is full. Takes over text, which is
 * clean. */
void table_add(struct table *table, enum style style, char *text);

/* Lines to out; cut to the terminal's width where it has one. Each line ends with eol. */
void table_print(struct table *table, const struct term *term, FILE *out, const char *eol);

/* A line, cut to the terminal's width. text is clean. */
void put_line(const struct term *term, FILE *out, const char *eol, const char *text);

/* "Label:     text", broken between words at the terminal's width. text is clean. */
void put_labelled(const struct term *term, FILE *out, const char *eol, const char *label,
                  enum style style, const char *text);
/* The same on standard output. */
void print_labelled(const struct term *term, const char *label, enum style style, const char *text);
