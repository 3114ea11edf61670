/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/aws_client.h"

#include <stdio.h>

#include "lib/base/base.h"
#include "tests/unit/http_client.h"

#define XMLNS "http://elasticache.amazonaws.com/doc/2015-02-02/"

char *aws_request(const char *body)
{
    return xasprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n"
                     "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\r\n%s",
                     strlen(body), body);
}

/* The text of the (first) element of that name, to be freed; NULL: there is none. */
char *aws_element(const char *xml, const char *name)
{
    cleanup(freep) char *open = xasprintf("<%s>", name);
    cleanup(freep) char *close = xasprintf("</%s>", name);
    const char *from = strstr(xml, open), *to = from ? strstr(from, close) : NULL;

    return to ? xstrndup(from + strlen(open), (size_t)(to - from) - strlen(open)) : NULL;
}

unsigned aws_count(const char *text, const char *word)
{
    unsigned n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

void aws_expect(const char *xml, const char *name, const char *value)
{
    cleanup(freep) char *got = aws_element(xml, name);

    if (!got || strcmp(got, value) != 0)
        fail_msg("%s is '%s', not '%s', in %s", name, got ? got : "(none)", value, xml);
}

/* A uuid, the same in the header and in the body. */
static void expect_request_id(const struct http_client *c, const char *xml)
{
    char header[64];
    cleanup(freep) char *id = aws_element(xml, "RequestId");

    assert_non_null(id);
    assert_int_equal(strlen(id), 36);
    assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
    assert_int_equal(id[14], '4');
    assert_non_null(client_header(c, "x-amzn-RequestId", header, sizeof(header)));
    assert_string_equal(header, id);
    assert_non_null(client_header(c, "Content-Type", header, sizeof(header)));
    assert_string_equal(header, "text/xml");
}

/* The body of the answer, to be freed. */
char *aws_ask_at(uv_loop_t *loop, const char *path, const char *body, int status)
{
    cleanup(freep) char *request = aws_request(body);
    struct http_client c;
    char *xml;

    client_connect(&c, path);
    client_send_text(&c, request);
    assert_true(client_wait_answer(&c, loop));
    xml = client_body(&c);
    if (client_status(&c) != status)
        fail_msg("status %d instead of %d for '%s': %s", client_status(&c), status, body, xml);
    expect_request_id(&c, xml);
    client_close(&c);
    return xml;
}

/* The answer to an operation that is carried out. */
char *aws_ask(struct rig *rig, const char *body)
{
    char *xml = aws_ask_at(rig->loop, rig->path, body, 200);
    const char *action = strstr(body, "Action=") + strlen("Action=");
    cleanup(freep) char *begin =
        xasprintf("<%.*sResponse xmlns=\"" XMLNS "\"><%.*sResult>", (int)strcspn(action, "&"),
                  action, (int)strcspn(action, "&"), action);

    assert_int_equal(strncmp(xml, begin, strlen(begin)), 0);
    return xml;
}

void aws_expect_fault_at(uv_loop_t *loop, const char *path, const char *body, int status,
                         const char *code)
{
    static const char begin[] = "<ErrorResponse xmlns=\"" XMLNS "\"><Error><Type>";
    cleanup(freep) char *xml = aws_ask_at(loop, path, body, status);
    cleanup(freep) char *message = aws_element(xml, "Message");

    assert_int_equal(strncmp(xml, begin, sizeof(begin) - 1), 0);
    aws_expect(xml, "Code", code);
    aws_expect(xml, "Type", status >= 500 ? "Receiver" : "Sender");
    assert_true(message && *message);
}

void aws_expect_fault(struct rig *rig, const char *body, int status, const char *code)
{
    aws_expect_fault_at(rig->loop, rig->path, body, status, code);
}
