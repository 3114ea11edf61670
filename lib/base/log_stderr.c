/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sinks on stderr. A record becomes one line and one write(), so that lines of several
 * processes on one terminal or pipe stay whole. Nothing from outside reaches the terminal as a
 * control character.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"

static void write_all(int fd, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t r = write(fd, text, n);

        if (r >= 0) {
            text += r;
            n -= (size_t)r;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};

            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return; /* nobody is left to tell */
        }
    }
}

static bool colour_wanted(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDERR_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

/* Control characters, and those that make a terminal show text in another order than it has. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

static void put_text(FILE *out, const char *s, bool quoted)
{
    for (unsigned n; *s; s += n) {
        uint32_t code;

        n = utf8_char(s, &code);
        if (n == 0) {
            n = 1;
            fprintf(out, "\\x%02x", (unsigned char)*s);
        } else if (code == '\n') {
            fputs("\\n", out);
        } else if (code == '\t') {
            fputs("\\t", out);
        } else if (is_control(code)) {
            fprintf(out, code > 0xff ? "\\u%04x" : "\\x%02x", (unsigned)code);
        } else {
            if (quoted && (code == '"' || code == '\\'))
                fputc('\\', out);
            fwrite(s, 1, n, out);
        }
    }
}

static void write_text(const struct log_sink *sink, const struct log_record *record)
{
    static const char *const colours[LEVEL_MAX] = {"\033[2m", "", "\033[33m", "\033[31m"};
    bool colour = colour_wanted() && *colours[record->level];
    char time[CLOCK_TEXT_MAX], *line = NULL;
    const char *gap = "  ";
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);

    (void)sink;
    if (!out)
        abort();
    fprintf(out, "%s %s%-5s%s ", clock_format((int64_t)(record->wall_us / 1000), time),
            colour ? colours[record->level] : "", log_level_name(record->level),
            colour ? "\033[0m" : "");
    put_text(out, record->message, false);
    for (size_t i = 0; i < record->n_fields; i++) {
        const struct log_field *field = &record->fields[i];
        bool quoted = !*field->value || strpbrk(field->value, " \"=\\");

        if (strcmp(field->key, "message_id") == 0)
            continue; /* means something to the journal only */
        fprintf(out, "%s%s=%s", gap, field->key, quoted ? "\"" : "");
        gap = " ";
        put_text(out, field->value, quoted);
        if (quoted)
            fputc('"', out);
    }
    fputc('\n', out);
    if (fclose(out))
        abort();
    write_all(STDERR_FILENO, line, size);
    free(line);
}

static void put_json(FILE *out, const char *s)
{
    fputc('"', out);
    for (unsigned n; *s; s += n) {
        uint32_t code;

        n = utf8_char(s, &code);
        if (n == 0) {
            n = 1;
            fputs("\\ufffd", out);
        } else if (is_control(code)) {
            fprintf(out, "\\u%04x", (unsigned)code);
        } else {
            if (code == '"' || code == '\\')
                fputc('\\', out);
            fwrite(s, 1, n, out);
        }
    }
    fputc('"', out);
}

static void write_json(const struct log_sink *sink, const struct log_record *record)
{
    char time[CLOCK_TEXT_MAX], *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);

    (void)sink;
    if (!out)
        abort();
    fprintf(out, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":",
            clock_format((int64_t)(record->wall_us / 1000), time), log_level_name(record->level));
    put_json(out, record->message);
    for (size_t i = 0; i < record->n_fields; i++) {
        fputc(',', out);
        put_json(out, record->fields[i].key);
        fputc(':', out);
        put_json(out, record->fields[i].value);
    }
    fputs("}\n", out);
    if (fclose(out))
        abort();
    write_all(STDERR_FILENO, line, size);
    free(line);
}

const struct log_sink log_sink_text = {.write = write_text};
const struct log_sink log_sink_json = {.write = write_json};
