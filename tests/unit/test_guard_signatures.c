/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in with a signature: one that is calculated here, apart from the code that checks it.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/base.h"
#include "tests/unit/guard_rig.h"
#include "tests/unit/http_client.h"

static void hmac(const void *key, size_t key_len, const char *text, unsigned char ret[32])
{
    unsigned char copy[64];

    assert_true(key_len <= sizeof(copy));
    memcpy(copy, key, key_len);
    assert_non_null(HMAC(EVP_sha256(), copy, (int)key_len, (const unsigned char *)text,
                         strlen(text), ret, NULL));
}

static const char *hex(const unsigned char hash[32], char buf[65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(buf + 2 * i, 3, "%02x", hash[i]);
    return buf;
}

static const char *sha256(const char *text, char buf[65])
{
    unsigned char hash[32];

    assert_int_equal(EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL), 1);
    return hex(hash, buf);
}

/* The headers and body of POST / as a client signs it; age_s: how old it is. For free(). */
static char *sign(const char *id, const char *secret, const char *service, const char *body,
                  int age_s)
{
    const time_t at = time(NULL) - age_s;
    const char *const steps[] = {"us-west-2", service, "aws4_request"};
    unsigned char key[32];
    char date[20], hash[65], signature[65];
    cleanup(freep) char *canonical = NULL, *text = NULL;
    cleanup(freep) char *first = xasprintf("AWS4%s", secret);
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
    canonical = xasprintf("POST\n/\n\nhost:localhost:8600\nx-amz-date:%s\n\nhost;x-amz-date\n%s",
                          date, sha256(body, hash));
    text = xasprintf("AWS4-HMAC-SHA256\n%s\n%.8s/us-west-2/%s/aws4_request\n%s", date, date,
                     service, sha256(canonical, hash));
    date[8] = '\0';
    hmac(first, strlen(first), date, key);
    date[8] = 'T';
    for (size_t i = 0; i < array_len(steps); i++)
        hmac(key, sizeof(key), steps[i], key);
    hmac(key, sizeof(key), text, key);
    return xasprintf(HOST
                     "X-Amz-Date: %s\r\nAuthorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/"
                     "us-west-2/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=%s\r\n"
                     "Content-Length: %zu\r\n",
                     date, id, date, service, hex(key, signature), strlen(body));
}

static void post_signed(struct guard_rig *rig, char *headers, const char *body, int status,
                        const char *part)
{
    cleanup(freep) char *request = xasprintf("POST / HTTP/1.1\r\n%s\r\n%s", headers, body);
    int got;

    free(headers);
    free(take(rig->answer));
    got = client_ask(rig->api.loop, rig->path, request, &rig->answer);
    if (got != status || !strstr(rig->answer, part))
        fail_msg("%s: %d instead of %d, or no '%s' in: %s", request, got, status, part,
                 rig->answer);
}

static void on_the_loopback_any_signature_will_do(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);

    expect_access(rig, "POST /", ANY_SIGNATURE, 200,
                  "{\"name\":\"key anything\",\"operate\":true}");
    expect_access(rig, "POST /", HOST EMPTY, 403, "<Code>MissingAuthenticationToken</Code>");
    expect_access(rig, "POST /", BEARER("x") EMPTY, 400, "<Code>IncompleteSignature</Code>");
}

static void signatures_are_checked(void **state)
{
    static const char body[] = "Action=X";
    struct guard_rig *rig = guard_rig_of(state);

    guard_rig_configure(rig);
    post_signed(rig, sign("AKID", KEY_SECRET, "elasticache", body, 0), body, 200,
                "{\"name\":\"key AKID\",\"operate\":false}");
    post_signed(rig, sign("AKID", KEY_SECRET, "elasticache", body, 0), "Action=Y", 403,
                "<Code>SignatureDoesNotMatch</Code>");
    post_signed(rig, sign("AKID", KEY_SECRET "x", "elasticache", body, 0), body, 403,
                "<Code>SignatureDoesNotMatch</Code>");
    post_signed(rig, sign("AKID", KEY_SECRET, "s3", body, 0), body, 403,
                "<Code>SignatureDoesNotMatch</Code>");
    post_signed(rig, sign("OTHER", KEY_SECRET, "elasticache", body, 0), body, 403,
                "<Code>InvalidClientTokenId</Code>");
    post_signed(rig, sign("AKID", KEY_SECRET, "elasticache", body, 1000), body, 400,
                "<Code>RequestExpired</Code>");
    expect_access(rig, "POST /", BEARER(OPERATE_TOKEN) EMPTY, 400,
                  "<Code>IncompleteSignature</Code>");
    expect_access(rig, "POST /", HOST EMPTY, 403, "<Code>MissingAuthenticationToken</Code>");
}

static void too_many_headers_are_refused(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);
    char *headers = xstrdup(ANY_SIGNATURE);

    for (int i = 0; i < 140; i++) {
        char *longer = xasprintf("%sX-%d: y\r\n", headers, i);

        free(headers);
        headers = longer;
    }
    expect_access(rig, "POST /", headers, 400, "<Code>IncompleteSignature</Code>");
    free(headers);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, guard_rig_setup, guard_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(on_the_loopback_any_signature_will_do),
        TEST(signatures_are_checked),
        TEST(too_many_headers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
