/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_table.h"

#include <string.h>

#include "cli/text.h"
#include "lib/base/base.h"

#define GAP 2         /* blanks between two columns */
#define ELASTIC_MIN 8 /* elastic columns are cut to this first, */
#define COLUMN_MIN 4  /* then all to this, then further */
#define LABEL_COLUMNS 12

struct cell {
    char *text; /* owned */
    enum style style;
};

struct table {
    const char *heading[TABLE_COLUMNS_MAX]; /* without its marks */
    bool right[TABLE_COLUMNS_MAX], elastic[TABLE_COLUMNS_MAX];
    bool has_headings;
    unsigned n_columns;
    struct cell *cells;
    size_t n_cells, room;
};

struct table *table_new(const char *const headings[], unsigned n)
{
    struct table *table = xcalloc(1, sizeof(*table));

    assert(n <= TABLE_COLUMNS_MAX);
    table->n_columns = n;
    table->has_headings = headings != NULL;
    for (unsigned i = 0; i < n && headings; i++) {
        const char *text = headings[i];

        for (; *text == '>' || *text == '~'; text++)
            *(*text == '>' ? &table->right[i] : &table->elastic[i]) = true;
        table->heading[i] = text;
    }
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->n_cells; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table);
}

void table_freep(struct table **table)
{
    table_free(*table);
}

void table_add(struct table *table, enum style style, char *text)
{
    if (table->n_cells == table->room) {
        table->room = table->room ? table->room * 2 : 64;
        table->cells = xrealloc(table->cells, table->room, sizeof(*table->cells));
    }
    table->cells[table->n_cells++] = (struct cell){.text = text, .style = style};
}

/* Takes columns from the widest of those that may be cut, until the line fits or each is at least.
 */
static void shrink(unsigned width[], unsigned n, unsigned limit, const bool may[], unsigned least)
{
    unsigned total = (n - 1) * GAP;

    for (unsigned i = 0; i < n; i++)
        total += width[i];
    while (total > limit) {
        unsigned widest = n;

        for (unsigned i = 0; i < n; i++) {
            if (may[i] && width[i] > least && (widest == n || width[i] >= width[widest]))
                widest = i;
        }
        if (widest == n)
            return;
        width[widest]--;
        total--;
    }
}

static void fit(const struct table *table, unsigned width[], unsigned limit)
{
    bool all[TABLE_COLUMNS_MAX];

    for (unsigned i = 0; i < table->n_columns; i++)
        all[i] = true;
    shrink(width, table->n_columns, limit, table->elastic, ELASTIC_MIN);
    shrink(width, table->n_columns, limit, all, COLUMN_MIN);
    shrink(width, table->n_columns, limit, all, 1);
}

static void measure(const struct table *table, unsigned width[])
{
    for (unsigned i = 0; i < table->n_columns; i++)
        width[i] = table->has_headings ? text_width(table->heading[i]) : 0;
    for (size_t i = 0; i < table->n_cells; i++) {
        unsigned *w = &width[i % table->n_columns];

        *w = max_of(*w, text_width(table->cells[i].text));
    }
}

static void put_blanks(FILE *out, unsigned n)
{
    fprintf(out, "%*s", (int)n, "");
}

/* One cell in its columns, cut with a mark; the last one of a line is not filled up. */
static void put_cell(FILE *out, const struct term *term, const char *text, enum style style,
                     unsigned columns, bool right, bool last)
{
    const char *mark = term->utf8 ? "\u2026" : "~";
    unsigned width = text_width(text);
    size_t bytes = strlen(text);
    bool cut = width > columns;

    if (cut) {
        width = columns - 1;
        bytes = text_fit(text, &width);
        width++;
    }
    if (right)
        put_blanks(out, columns - width);
    fprintf(out, "%s%.*s%s%s", style_on(term, style), (int)bytes, text, cut ? mark : "",
            style_off(term, style));
    if (!right && !last)
        put_blanks(out, columns - width);
    if (!last)
        put_blanks(out, GAP);
}

void table_print(struct table *table, const struct term *term, FILE *out, const char *eol)
{
    unsigned width[TABLE_COLUMNS_MAX], n = table->n_columns;

    assert(table->n_cells % n == 0);
    measure(table, width);
    if (term->width > 0)
        fit(table, width, term->width);
    for (unsigned i = 0; i < n && table->has_headings; i++)
        put_cell(out, term, table->heading[i], STYLE_BOLD, width[i], table->right[i], i + 1 == n);
    if (table->has_headings)
        fputs(eol, out);
    for (size_t i = 0; i < table->n_cells; i++) {
        unsigned column = (unsigned)(i % n);

        put_cell(out, term, table->cells[i].text, table->cells[i].style, width[column],
                 table->right[column], column + 1 == n);
        if (column + 1 == n)
            fputs(eol, out);
    }
}

void put_line(const struct term *term, FILE *out, const char *eol, const char *text)
{
    unsigned columns = term->width > 0 ? term->width : text_width(text);

    put_cell(out, term, text, STYLE_NONE, columns, false, true);
    fputs(eol, out);
}

/* How many bytes of text go on a line of columns: up to the last blank that fits. */
static size_t line_break(const char *text, unsigned columns)
{
    size_t fit = text_fit(text, &columns), n = fit;

    if (!text[fit])
        return fit;
    while (n > 0 && text[n] != ' ')
        n--;
    return n > 0 ? n : max_of(fit, (size_t)1);
}

void put_labelled(const struct term *term, FILE *out, const char *eol, const char *label,
                  enum style style, const char *text)
{
    unsigned room = term->width == 0 ? 0 : max_of(term->width, LABEL_COLUMNS + 8u) - LABEL_COLUMNS;

    fprintf(out, "%s%s%s%*s", style_on(term, STYLE_BOLD), label, style_off(term, STYLE_BOLD),
            (int)(LABEL_COLUMNS - min_of(text_width(label), LABEL_COLUMNS)), "");
    do {
        size_t n = room > 0 ? line_break(text, room) : strlen(text);

        fprintf(out, "%s%.*s%s%s", style_on(term, style), (int)n, text, style_off(term, style),
                eol);
        text += n;
        while (*text == ' ')
            text++;
        if (*text)
            put_blanks(out, LABEL_COLUMNS);
    } while (*text);
}

void print_labelled(const struct term *term, const char *label, enum style style, const char *text)
{
    put_labelled(term, stdout, "\n", label, style, text);
}
