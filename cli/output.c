/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/text.h"
#include "lib/base/base.h"

#define SEGMENT_MAX 64 /* bytes of one name in a member's path */

static const char *const formats[FORMAT_MAX] = {
    [FORMAT_TABLE] = "table", [FORMAT_WIDE] = "wide", [FORMAT_JSON] = "json",
    [FORMAT_YAML] = "yaml",   [FORMAT_NAME] = "name", [FORMAT_MARKDOWN] = "markdown",
};

const char *format_name(enum format format)
{
    return formats[format];
}

bool format_parse(const char *name, enum format *ret)
{
    for (unsigned i = 0; i < FORMAT_MAX; i++) {
        if (strcmp(name, formats[i]) == 0) {
            *ret = (enum format)i;
            return true;
        }
    }
    return false;
}

void term_resize(struct term *term)
{
    struct winsize size;

    if (!term->tty)
        return;
    term->width = 80;
    term->height = 24;
    if (ioctl(term->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        term->width = size.ws_col;
        term->height = size.ws_row;
    }
}

void term_init(struct term *term, int fd)
{
    const char *kind = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");

    *term = (struct term){.fd = fd, .tty = isatty(fd) == 1};
    term->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    term->redraw = term->tty && kind && *kind && strcmp(kind, "dumb") != 0;
    term->colour = term->redraw && !(no_colour && *no_colour);
    term_resize(term);
}

static const char *const styles[] = {
    [STYLE_NONE] = "",         [STYLE_BOLD] = "\x1b[1m",  [STYLE_DIM] = "\x1b[2m",
    [STYLE_GOOD] = "\x1b[32m", [STYLE_BUSY] = "\x1b[36m", [STYLE_WARN] = "\x1b[33m",
    [STYLE_BAD] = "\x1b[31m",
};

const char *style_on(const struct term *term, enum style style)
{
    return term->colour ? styles[style] : "";
}

const char *style_off(const struct term *term, enum style style)
{
    return term->colour && style != STYLE_NONE ? "\x1b[0m" : "";
}

enum style style_of_state(const char *state)
{
    if (!state)
        return STYLE_NONE;
    if (strcmp(state, "failed") == 0)
        return STYLE_BAD;
    if (strcmp(state, "available") == 0)
        return STYLE_GOOD;
    return strcmp(state, "migrating") == 0 ? STYLE_BUSY : STYLE_NONE;
}

enum style style_of_level(const char *level)
{
    if (!level)
        return STYLE_NONE;
    if (strcmp(level, "error") == 0)
        return STYLE_BAD;
    return strcmp(level, "warn") == 0 ? STYLE_WARN : STYLE_NONE;
}

json_t *member(const json_t *object, const char *path)
{
    char name[SEGMENT_MAX];
    json_t *value;

    for (;;) {
        size_t n = strcspn(path, ".");

        assert(n < sizeof(name));
        memcpy(name, path, n);
        name[n] = '\0';
        value = json_object_get(object, name);
        if (!value || json_is_null(value))
            return NULL;
        if (!path[n])
            return value;
        object = value;
        path += n + 1;
    }
}

const char *member_string(const json_t *object, const char *path)
{
    return json_string_value(member(object, path));
}

bool member_number(const json_t *object, const char *path, double *ret)
{
    json_t *value = member(object, path);

    if (!json_is_number(value))
        return false;
    *ret = json_number_value(value);
    return true;
}

bool member_time(const json_t *object, const char *path, int64_t *ret_wall_ms)
{
    const char *text = member_string(object, path);

    return text && time_parse(text, ret_wall_ms);
}

char *member_text(const struct term *term, const json_t *object, const char *path)
{
    json_t *value = member(object, path);
    cleanup(freep) char *dump = NULL;

    if (!value)
        return NULL;
    if (json_is_string(value))
        return text_clean(json_string_value(value), json_string_length(value), !term->utf8);
    dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    return dump ? text_clean(dump, strlen(dump), !term->utf8) : NULL;
}

char *member_cell(const struct term *term, const json_t *object, const char *path)
{
    char *text = member_text(term, object, path);

    if (text && *text)
        return text;
    free(text);
    return xstrdup("-");
}

/* Fifteen digits give back every decimal number that the daemon wrote. On a terminal nothing but
 * ASCII: the JSON grammar allows characters that a terminal obeys. */
static size_t json_flags(const struct term *term)
{
    return JSON_REAL_PRECISION(15) | (term->tty ? JSON_ENSURE_ASCII : 0);
}

void print_json(const struct term *term, const json_t *value)
{
    json_dumpf(value, stdout, json_flags(term) | JSON_INDENT(2));
    putchar('\n');
}

void print_json_line(const struct term *term, const json_t *value)
{
    json_dumpf(value, stdout, json_flags(term) | JSON_COMPACT);
    putchar('\n');
}

bool print_document(const struct term *term, enum format format, const json_t *value)
{
    switch (format) {
    case FORMAT_JSON:
        print_json(term, value);
        return true;
    case FORMAT_YAML:
        print_yaml(term, value);
        return true;
    case FORMAT_TABLE:
    case FORMAT_WIDE:
    case FORMAT_NAME:
    case FORMAT_MARKDOWN:
    case FORMAT_MAX:
        break;
    }
    return false;
}

bool output_flush(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fprintf(stderr, "error: cannot write the output: %s\n",
            errno ? strerror(errno) : "write error");
    return false;
}
