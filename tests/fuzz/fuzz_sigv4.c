/* SPDX-License-Identifier: Apache-2.0 */
/* A request's head and body, as anybody may send them: the Authorization header is read and its
 * signature checked; so are Host and Origin. */
#include <stdio.h>

#include "daemon/api/auth/guard.h"
#include "lib/aws/sigv4.h"
#include "lib/base/base.h"
#include "tests/fuzz/fuzz.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW 1440938160 /* 20150830T123600Z */
#define PAIRS_MAX 100

#define HEAD(path)                                                                                 \
    "POST " path "\nHost: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z\nAuthorization: "    \
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "

const char *const fuzz_seeds[] = {
    HEAD("/") "SignedHeaders=host;x-amz-date, Signature="
              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b\n\n",
    HEAD("/?Param1=value1") "SignedHeaders=host;x-amz-date, Signature="
                            "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11\n\n",
    HEAD("/") "SignedHeaders=content-type;host;x-amz-date, Signature="
              "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a\n"
              "Content-Type: application/x-www-form-urlencoded\n\nParam1=value1",
    "POST /\nHost: [::1]:8600\nOrigin: http://[::1]:8600\nSec-Fetch-Site: same-origin\n"
    "Date: Sun, 30 Aug 2015 12:36:00 GMT\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\nAuthorization: "
    "AWS4-HMAC-SHA256 Signature="
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b,SignedHeaders=date;host,"
    "Credential=A/20150830/a/service/aws4_request\n\nx",
    "GET /a%20b?x=y&x=&=z&&%\nauthorization: Bearer 0123456789abcdef\nhost: localhost\n\n",
    NULL,
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* Up to the next separator, which is overwritten; *text goes behind it, and becomes NULL at the
 * end. */
static char *cut(char **text, const char *separator)
{
    return *text ? strsep(text, separator) : NULL;
}

static size_t read_query(char *text, struct sigv4_pair pairs[PAIRS_MAX])
{
    size_t n = 0;
    char *pair;

    while (n < PAIRS_MAX && (pair = cut(&text, "&"))) {
        char *name = cut(&pair, "=");

        pairs[n++] = (struct sigv4_pair){name, pair ? pair : ""};
    }
    return n;
}

static size_t read_headers(char **text, struct sigv4_pair pairs[PAIRS_MAX])
{
    size_t n = 0;
    char *line;

    while (n < PAIRS_MAX && (line = cut(text, "\n")) && *line) {
        char *name = cut(&line, ":");

        pairs[n++] = (struct sigv4_pair){name, line ? line + (*line == ' ') : ""};
    }
    return n;
}

/* Whatever is said goes to a log and into an answer. */
static void check_message(const struct err *err)
{
    check(err->code != ERR_NONE && *err->msg);
    for (const char *p = err->msg; *p; p++)
        check(*p >= ' ' && *p < 0x7f);
}

static void try_request(const struct sigv4_request *request)
{
    struct sigv4 sigv4;
    enum sigv4_result result, other;
    struct err err = ERR_INIT;

    result = sigv4_parse(request, &sigv4, &err);
    check(result < SIGV4_RESULT_MAX);
    if (result != SIGV4_OK) {
        check_message(&err);
        return;
    }
    check(*sigv4.key_id && strlen(sigv4.date) == 8 && *sigv4.region && *sigv4.service);
    check(strstr(sigv4.signed_headers, "host") != NULL);
    result = sigv4_verify(&sigv4, request, SECRET, "service", NOW, &err);
    if (result != SIGV4_OK)
        check_message(&err);
    other = sigv4_verify(&sigv4, request, SECRET "x", "service", NOW, &err);
    check(other == (result == SIGV4_OK ? SIGV4_MISMATCH : result));
}

static const char *find(const struct sigv4_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}

static void try_browser(const struct sigv4_request *request)
{
    const char *host = find(request, "Host"), *origin = find(request, "Origin");

    if (guard_host_is_ours(host, "own.example"))
        check(strpbrk(host, ".:") || strcasecmp(host, "localhost") == 0);
    if (origin && !guard_is_cross_origin(origin, find(request, "Sec-Fetch-Site"), host))
        check(strlen(origin) > strlen(host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sigv4_pair headers[PAIRS_MAX], query[PAIRS_MAX];
    char *text = xmalloc(size + 1), *rest = text, *line;
    struct sigv4_request request = {.headers = headers, .query = query};

    memcpy(text, data, size);
    text[size] = '\0';
    line = cut(&rest, "\n");
    request.method = cut(&line, " ");
    request.path = line ? cut(&line, "?") : "";
    request.n_query = read_query(line, query);
    request.n_headers = read_headers(&rest, headers);
    request.body = rest ? rest : "";
    request.body_len = strlen(request.body);
    try_request(&request);
    try_browser(&request);
    free(text);
    return 0;
}
