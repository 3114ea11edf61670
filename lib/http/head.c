/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a body ends must be said once, in a way we know: another reader of the same bytes, a proxy,
 * could take another place for its end, and the rest for a request.
 */
#include <ctype.h>

#include "lib/http/internal.h"

struct head {
    unsigned framings, hosts;
    bool odd; /* a name or a value that readers take for different things */
};

/* mhd takes "Content-Length :" for another header, and writes the rest of a folded one behind its
 * name: then it does not see a length that a proxy may have seen. */
static bool is_header_name(const char *name)
{
    static const char *const framing[] = {MHD_HTTP_HEADER_CONTENT_LENGTH,
                                          MHD_HTTP_HEADER_TRANSFER_ENCODING};

    for (size_t i = 0; i < array_len(framing); i++) {
        size_t len = strlen(framing[i]);

        if (strncasecmp(name, framing[i], len) == 0 && name[len])
            return false;
    }
    for (; *name; name++) {
        if (!isascii(*name) || (!isalnum(*name) && !strchr("!#$%&'*+-.^_`|~", *name)))
            return false;
    }
    return true;
}

static bool is_header_value(const char *value)
{
    for (; *value; value++) {
        if (iscntrl((unsigned char)*value) && *value != '\t')
            return false;
    }
    return true;
}

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                      const char *value)
{
    struct head *head = cls;

    (void)kind;
    if (!is_header_name(key) || (value && !is_header_value(value)))
        head->odd = true;
    else if (strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
        head->framings += 1;
    else if (strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
        head->framings += value && strcasecmp(value, "chunked") == 0 ? 1 : 2;
    else if (strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0)
        head->hosts++;
    return MHD_YES;
}

bool http_head_ok(struct http_request *request)
{
    struct head head = {.odd = false};
    const char *why = NULL;

    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, look_at_header, &head);
    if (head.odd)
        why = "a header has a name or a value that it cannot have; it must be on one line";
    else if (head.hosts > 1)
        why = "there is more than one Host header";
    else if (head.framings > 1)
        why = "a body comes with one Content-Length, or in chunks, and not with both";
    if (!why)
        return true;
    http_request_add_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
    http_respond_error(request, MHD_HTTP_BAD_REQUEST, "bad-framing", NULL, "%s", why);
    return false;
}
