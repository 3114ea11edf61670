/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/yaml/diag.h"

#include <stdarg.h>
#include <stdint.h>
#include <strings.h>

#include "lib/base/base.h"
#include "lib/base/utf8.h"

#define SOURCE_COLUMNS 160 /* of a source line that are shown */
#define SOURCE_BEFORE 100  /* … at most so many before the place */
#define MASK "********"    /* says nothing about the length of the secret */

struct diag_mask {
    size_t start, end;
};

void diags_init(struct diags *diags, const char *file)
{
    *diags = (struct diags){.file = xstrdup(file)};
}

void diags_clear(struct diags *diags)
{
    for (unsigned i = 0; i < diags->n; i++) {
        free(diags->items[i].message);
        free(diags->items[i].hint);
        free(diags->items[i].source);
    }
    free(diags->items);
    free(diags->masks);
    free(diags->file);
    *diags = (struct diags){.n = 0};
}

/* --- characters --- */

/* Decodes one character and returns its length; malformed: *ret is 0 and the length 1. */
static size_t decode(const char *p, const char *end, uint32_t *ret)
{
    char bytes[5] = "";
    unsigned len;

    memcpy(bytes, p, min_of((size_t)(end - p), sizeof(bytes) - 1));
    *ret = 0;
    len = utf8_char(bytes, ret);
    return len ? len : 1;
}

/* Could it do anything to a terminal or to the order of what is read there? */
static bool is_harmless(uint32_t c)
{
    return c >= 0x20 && (c < 0x7f || c > 0x9f) && !(c >= 0x200b && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

/* Writes one character of the text to out, or what stands for it; returns how many bytes were
 * taken. */
static size_t put_char(FILE *out, const char *p, const char *end)
{
    uint32_t c;
    size_t len = decode(p, end, &c);

    if (is_harmless(c))
        fwrite(p, 1, len, out);
    else
        fputc(*p == '\t' || *p == '\n' ? ' ' : '?', out);
    return len;
}

static void put_clean(FILE *out, const char *s)
{
    const char *end = s + strlen(s);

    while (s < end)
        s += put_char(out, s, end);
}

static char *clean(const char *s)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    put_clean(out, s);
    if (fclose(out))
        abort();
    return text;
}

/* --- collecting --- */

__attribute__((format(printf, 6, 0))) static void add(struct diags *diags,
                                                      enum diag_severity severity, const char *code,
                                                      const struct span *at, const char *hint,
                                                      const char *fmt, va_list ap)
{
    char message[512];
    struct diag *d;

    if (severity == DIAG_ERROR)
        diags->n_errors++;
    if (diags->n == DIAGS_MAX) {
        diags->n_dropped++;
        return;
    }
    vsnprintf(message, sizeof(message), fmt, ap);
    diags->items = xrealloc(diags->items, diags->n + 1, sizeof(*diags->items));
    d = &diags->items[diags->n];
    *d = (struct diag){
        .line = at->line,
        .col = at->col,
        .len = 1,
        .severity = severity,
        .code = code,
        .message = clean(message),
        .hint = hint ? clean(hint) : NULL,
        .offset = at->offset,
        .length = at->length,
        .order = diags->n,
    };
    diags->n++;
}

void diags_error(struct diags *diags, const char *code, const struct span *at, const char *hint,
                 const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(diags, DIAG_ERROR, code, at, hint, fmt, ap);
    va_end(ap);
}

void diags_warning(struct diags *diags, const char *code, const struct span *at, const char *hint,
                   const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(diags, DIAG_WARNING, code, at, hint, fmt, ap);
    va_end(ap);
}

/* --- secrets --- */

void diags_hide(struct diags *diags, size_t offset, size_t length)
{
    if (diags->n_masks == diags->masks_size) {
        diags->masks_size = max_of(diags->masks_size * 2, (size_t)8);
        diags->masks = xrealloc(diags->masks, diags->masks_size, sizeof(*diags->masks));
    }
    diags->masks[diags->n_masks++] = (struct diag_mask){.start = offset, .end = offset + length};
}

/* The end of the first word in text that names a secret; NULL: none. */
static const char *secret_word(const char *text, size_t len)
{
    static const char *const words[] = {"pass", "pasw", "secret", "token", "pwd"};

    for (size_t i = 0; i < len; i++) {
        for (size_t w = 0; w < array_len(words); w++) {
            size_t n = strlen(words[w]);

            if (n <= len - i && strncasecmp(text + i, words[w], n) == 0)
                return text + i + n;
        }
    }
    return NULL;
}

bool diags_looks_secret(const char *key)
{
    size_t len = strlen(key);

    if (len > 5 && strcmp(key + len - 5, "_file") == 0)
        return false;
    return secret_word(key, len) != NULL;
}

/* From where on a line of an unparsed text may hold a secret; NULL: nowhere. */
static const char *suspect(const char *line, size_t len)
{
    const char *end = line + len;
    const char *p = secret_word(line, len);

    if (p) {
        while (p < end && *p != ':' && *p != ' ' && *p != '=')
            p++;
        while (p < end && (*p == ':' || *p == ' ' || *p == '='))
            p++;
        return p;
    }
    /* user:password@host where an endpoint belongs */
    return memchr(line, '@', len) ? line + strspn(line, " \t-") : NULL;
}

/* Does a line look like the beginning of something new, and not like more of a value above it? */
static bool starts_key(const char *line, size_t len, size_t value_indent)
{
    size_t indent = 0, n;

    while (indent < len && line[indent] == ' ')
        indent++;
    if (indent > value_indent || indent == len)
        return false;
    n = indent;
    while (n < len && ((line[n] >= 'a' && line[n] <= 'z') || line[n] == '_'))
        n++;
    return (n > indent && n < len && line[n] == ':') || (len >= 3 && memcmp(line, "---", 3) == 0);
}

void diags_hide_unparsed(struct diags *diags, const char *text, size_t len, size_t from)
{
    const char *end = text + len, *line = text + from, *hidden = NULL;
    size_t indent = 0;

    while (line > text && line[-1] != '\n')
        line--;
    while (line < end) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((eol ? eol : end) - line);

        if (hidden && starts_key(line, n, indent)) {
            diags_hide(diags, (size_t)(hidden - text), (size_t)(line - hidden));
            hidden = NULL;
        }
        if (!hidden && (hidden = suspect(line, n)))
            indent = strspn(line, " ");
        line += n + 1;
    }
    if (hidden)
        diags_hide(diags, (size_t)(hidden - text), (size_t)(end - hidden));
}

static int mask_order(const void *a, const void *b)
{
    const struct diag_mask *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorted, and without overlaps. */
static void merge_masks(struct diags *diags)
{
    size_t n = 0;

    if (diags->n_masks == 0)
        return;
    qsort(diags->masks, diags->n_masks, sizeof(*diags->masks), mask_order);
    for (size_t i = 1; i < diags->n_masks; i++) {
        struct diag_mask *last = &diags->masks[n];

        if (diags->masks[i].start <= last->end)
            last->end = max_of(last->end, diags->masks[i].end);
        else
            diags->masks[++n] = diags->masks[i];
    }
    diags->n_masks = n + 1;
}

/* The first mask that ends after offset; NULL: none. */
static const struct diag_mask *mask_after(const struct diags *diags, size_t offset)
{
    size_t low = 0, high = diags->n_masks;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (diags->masks[mid].end > offset)
            high = mid;
        else
            low = mid + 1;
    }
    return low < diags->n_masks ? &diags->masks[low] : NULL;
}

/* --- source lines --- */

static bool is_eol(char c)
{
    return c == '\n' || c == '\r';
}

static unsigned count_chars(const char *p, const char *end)
{
    unsigned n = 0;

    for (; p < end; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

/* Where the excerpt begins: at the start of the line, or not too far before the place. */
static const char *excerpt_start(const char *text, const char *place)
{
    const char *p = place;

    while (p > text && !is_eol(p[-1]) && place - p < SOURCE_BEFORE)
        p--;
    while (p < place && ((unsigned char)*p & 0xc0) == 0x80)
        p++;
    return p;
}

/* Writes the excerpt; counts columns, so that the caret stands under what is shown for the place.
 */
static void write_excerpt(const struct diags *diags, struct diag *d, FILE *out, const char *text,
                          const char *eol)
{
    const char *place = text + d->offset, *place_end = place + d->length;
    const char *p = excerpt_start(text, place);
    const struct diag_mask *mask = mask_after(diags, (size_t)(p - text));
    unsigned column = 0, caret_end = 0;

    if (p > text && !is_eol(p[-1]))
        column += (unsigned)fprintf(out, "...");
    d->caret = UINT32_MAX;
    while (p < eol && column < SOURCE_COLUMNS) {
        size_t at = (size_t)(p - text);

        while (mask && mask->end <= at)
            mask = mask + 1 < diags->masks + diags->n_masks ? mask + 1 : NULL;
        if (mask && mask->start <= at) {
            const char *to = min_of(text + mask->end, eol);

            if (d->caret == UINT32_MAX && to > place)
                d->caret = column;
            column += (unsigned)fprintf(out, MASK);
            p = to;
        } else {
            if (d->caret == UINT32_MAX && p >= place)
                d->caret = column;
            p += put_char(out, p, eol);
            column++;
        }
        if (p <= place_end)
            caret_end = column;
    }
    if (p < eol)
        fprintf(out, "...");
    if (d->caret == UINT32_MAX)
        d->caret = column;
    d->caret_len = caret_end > d->caret ? caret_end - d->caret : 1;
}

static void take_source(const struct diags *diags, struct diag *d, const char *text, size_t len)
{
    const char *eol, *end = text + len;
    size_t size;
    FILE *out;

    if (d->line == 0)
        return;
    d->offset = min_of(d->offset, len);
    d->length = min_of(d->length, len - d->offset);
    for (eol = text + d->offset; eol < end && !is_eol(*eol); eol++)
        ;
    d->length = min_of(d->length, (size_t)(eol - (text + d->offset)));
    d->len = max_of(count_chars(text + d->offset, text + d->offset + d->length), 1U);
    out = open_memstream(&d->source, &size);
    if (!out)
        abort();
    write_excerpt(diags, d, out, text, eol);
    if (fclose(out))
        abort();
}

static int position_order(const void *a, const void *b)
{
    const struct diag *x = a, *y = b;

    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->col != y->col)
        return x->col < y->col ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void diags_finish(struct diags *diags, const char *text, size_t len)
{
    if (diags->n > 0) {
        qsort(diags->items, diags->n, sizeof(*diags->items), position_order);
        merge_masks(diags);
        for (unsigned i = 0; i < diags->n; i++)
            take_source(diags, &diags->items[i], text, len);
    }
    free(diags->masks);
    diags->masks = NULL;
    diags->n_masks = diags->masks_size = 0;
}

/* --- printing --- */

struct colors {
    const char *bold, *severity[DIAG_SEVERITY_MAX], *caret, *reset;
};

static const struct colors no_colors = {"", {"", ""}, "", ""};
static const struct colors ansi_colors = {
    "\033[1m", {"\033[1;31m", "\033[1;35m"}, "\033[1;32m", "\033[0m"};

static void print_one(const struct diag *d, const char *file, FILE *out, const struct colors *c)
{
    static const char *const severities[DIAG_SEVERITY_MAX] = {"error", "warning"};

    fputs(c->bold, out);
    put_clean(out, file);
    if (d->line)
        fprintf(out, ":%u:%u", d->line, d->col);
    fprintf(out, ":%s %s%s[%s]:%s %s\n", c->reset, c->severity[d->severity],
            severities[d->severity], d->code, c->reset, d->message);
    if (d->source) {
        fprintf(out, "%5u | %s\n", d->line, d->source);
        fprintf(out, "      | %*s%s^", (int)d->caret, "", c->caret);
        for (unsigned i = 1; i < d->caret_len; i++)
            fputc('~', out);
        fprintf(out, "%s\n", c->reset);
    }
    if (d->hint)
        fprintf(out, "      = %s\n", d->hint);
}

void diags_print(const struct diags *diags, FILE *out, bool color)
{
    const struct colors *c = color ? &ansi_colors : &no_colors;

    for (unsigned i = 0; i < diags->n; i++)
        print_one(&diags->items[i], diags->file, out, c);
    if (diags->n_dropped) {
        put_clean(out, diags->file);
        fprintf(out, ": too many errors; %u more are not shown\n", diags->n_dropped);
    }
}

char *diags_render(const struct diags *diags)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    diags_print(diags, out, false);
    if (fclose(out))
        abort();
    return text;
}
