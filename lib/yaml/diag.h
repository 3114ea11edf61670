/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is wrong in a text, where, and how to mend it; printed the way compilers do:
 *
 *   /etc/x.yaml:4:13: error[bad-endpoint]: port 70000 is outside 1..65535
 *       4 |   endpoint: "10.0.0.241:70000"
 *         |             ^~~~~~~~~~~~~~~~~~
 *
 * Diagnostics are collected while the text is at hand; diags_finish() sorts them and keeps the
 * lines they point at. From then on the text is no longer needed, and nothing kept here holds a
 * secret or a control character.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define DIAGS_MAX 100 /* kept; more are counted */

/* A piece of a text. line 0: the file as a whole. */
struct span {
    unsigned line, col;    /* from 1; col counts characters */
    size_t offset, length; /* bytes from the start of the text */
};

#define SPAN_FILE ((struct span){.line = 0})

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_SEVERITY_MAX };

struct diag {
    unsigned line, col; /* line 0: about the file as a whole */
    unsigned len;       /* characters, within the line; at least 1 */
    enum diag_severity severity;
    const char *code; /* "unknown-key": lower-case words with hyphens, static */
    char *message;    /* owned */
    char *hint;       /* owned; NULL: none. "did you mean 'endpoint'?" */
    char *source;     /* owned; the line, made safe and cut to a readable width; NULL: none */
    unsigned caret, caret_len; /* where in source, in characters from 0 */
    /* private */
    size_t offset, length;
    unsigned order;
};

struct diags {
    char *file; /* owned; the path to print */
    struct diag *items;
    unsigned n;
    unsigned n_errors; /* also those that were too many to keep */
    unsigned n_dropped;
    /* private */
    struct diag_mask *masks;
    size_t n_masks, masks_size;
};

void diags_init(struct diags *diags, const char *file);
void diags_clear(struct diags *diags);

static inline bool diags_failed(const struct diags *diags)
{
    return diags->n_errors > 0;
}

/* code must be static. hint: NULL, or copied. */
void diags_error(struct diags *diags, const char *code, const struct span *at, const char *hint,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void diags_warning(struct diags *diags, const char *code, const struct span *at, const char *hint,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* This piece of the text is a secret: asterisks are shown in its place. */
void diags_hide(struct diags *diags, size_t offset, size_t length);

/* The text from this offset on could not be parsed: whatever may be a secret in it is hidden. */
void diags_hide_unparsed(struct diags *diags, const char *text, size_t len, size_t from);

/* True for names like "password", "auth_token", and not for "password_file". */
bool diags_looks_secret(const char *key);

/* Sorts by position and keeps the source lines; then the text may go. Needed before anything is
 * printed. */
void diags_finish(struct diags *diags, const char *text, size_t len);

void diags_print(const struct diags *diags, FILE *out, bool color);
/* The same as text, without colour: for free(). */
char *diags_render(const struct diags *diags);
