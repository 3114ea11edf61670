/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/base.h"

void client_connect(struct http_client *c, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    *c = (struct http_client){.size = 4096, .in = xcalloc(1, 4096)};
    assert_true(str_copy(addr.sun_path, sizeof(addr.sun_path), path));
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
}

void client_close(struct http_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->in);
    c->in = NULL;
}

ssize_t client_send(struct http_client *c, const void *data, size_t len)
{
    ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);

    return n < 0 && errno == EAGAIN ? 0 : n;
}

void client_send_text(struct http_client *c, const char *text)
{
    assert_int_equal(client_send(c, text, strlen(text)), strlen(text));
}

bool client_pump(struct http_client *c)
{
    ssize_t n;
    bool some = false;

    for (;;) {
        if (c->size - c->len < 2048)
            c->in = xrealloc(c->in, c->size *= 2, 1);
        n = recv(c->fd, c->in + c->len, c->size - c->len - 1, 0);
        if (n <= 0)
            break;
        c->len += (size_t)n;
        c->in[c->len] = '\0';
        some = true;
    }
    if (n == 0 || errno != EAGAIN)
        c->eof = some = true;
    return some;
}

/* --- the answer --- */

int client_status(const struct http_client *c)
{
    int status = 0;

    return sscanf(c->in, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

const char *client_header(const struct http_client *c, const char *name, char *buf, size_t size)
{
    const char *end = strstr(c->in, "\r\n\r\n"), *line = c->in;
    size_t len = strlen(name);

    while (end && line < end && (line = strstr(line, "\r\n")) && line < end) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(buf, size, "%.*s", (int)strcspn(line + len + 2, "\r"), line + len + 2);
            return buf;
        }
    }
    return NULL;
}

/* Decodes a chunked body. *ret_rest: what follows it; NULL when it is not complete. */
static char *unchunk(const char *body, const char **ret_rest)
{
    char *out = xcalloc(strlen(body) + 1, 1), *end;
    size_t len = 0;

    *ret_rest = NULL;
    for (;;) {
        size_t n = strtoul(body, &end, 16);

        if (end == body || strncmp(end, "\r\n", 2) != 0 || strlen(end + 2) < n + 2)
            break;
        memcpy(out + len, end + 2, n);
        len += n;
        body = end + 2 + n + 2;
        if (n > 0)
            continue;
        *ret_rest = body;
        break;
    }
    return out;
}

/* The body, and where the next answer begins; NULL when the answer is not complete. */
static char *read_body(const struct http_client *c, const char **ret_rest)
{
    const char *body = strstr(c->in, "\r\n\r\n");
    char value[64];
    size_t len;

    *ret_rest = NULL;
    if (!body)
        return NULL;
    body += 4;
    if (client_header(c, "Transfer-Encoding", value, sizeof(value)))
        return unchunk(body, ret_rest);
    if (!client_header(c, "Content-Length", value, sizeof(value))) {
        *ret_rest = c->eof ? body + strlen(body) : NULL;
        return xstrdup(body);
    }
    len = strtoul(value, NULL, 10);
    if (strlen(body) >= len)
        *ret_rest = body + len;
    return xstrndup(body, len);
}

char *client_body(const struct http_client *c)
{
    const char *rest;

    return read_body(c, &rest);
}

void client_next(struct http_client *c)
{
    const char *rest;
    char *body = read_body(c, &rest);

    free(body);
    if (!rest) {
        fail_msg("the answer is not complete");
        return;
    }
    c->len -= (size_t)(rest - c->in);
    memmove(c->in, rest, c->len + 1);
}

/* --- waiting --- */

struct wait {
    struct http_client *c;
    const char *text;
};

static bool has_text(void *arg)
{
    struct wait *w = arg;

    return (client_pump(w->c) || w->c->len > 0) && strstr(w->c->in, w->text);
}

bool client_wait_text(struct http_client *c, uv_loop_t *loop, const char *text)
{
    struct wait w = {c, text};

    return loop_run_until(loop, has_text, &w, CLIENT_MS);
}

static bool has_answer(void *arg)
{
    const char *rest;
    char *body;

    client_pump(arg);
    body = read_body(arg, &rest);
    free(body);
    return rest != NULL;
}

bool client_wait_answer(struct http_client *c, uv_loop_t *loop)
{
    return loop_run_until(loop, has_answer, c, CLIENT_MS);
}

static bool has_eof(void *arg)
{
    struct http_client *c = arg;

    client_pump(c);
    return c->eof;
}

bool client_wait_eof(struct http_client *c, uv_loop_t *loop)
{
    return loop_run_until(loop, has_eof, c, CLIENT_MS);
}

int client_ask(uv_loop_t *loop, const char *path, const char *request, char **ret_body)
{
    struct http_client c;
    int status;

    client_connect(&c, path);
    client_send_text(&c, request);
    assert_true(client_wait_answer(&c, loop));
    status = client_status(&c);
    *ret_body = client_body(&c);
    client_close(&c);
    return status;
}
