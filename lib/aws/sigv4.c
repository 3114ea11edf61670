/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <strings.h>

#include "lib/aws/private.h"

#define SCOPE_TEXT_MAX (8 + 2 * SIGV4_SCOPE_MAX + sizeof("//aws4_request\n"))

static void hmac(const unsigned char *key, size_t key_len, const char *text,
                 unsigned char ret[SIGV4_HASH_LEN])
{
    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), ret,
              NULL))
        abort(); /* no memory, or no SHA-256 */
}

/* The key is derived from the secret for one day, region and service. */
static void derive_key(const struct sigv4 *sigv4, const char *secret,
                       unsigned char ret[SIGV4_HASH_LEN])
{
    const char *const steps[] = {sigv4->region, sigv4->service, "aws4_request"};
    char *first = xasprintf("AWS4%s", secret);
    unsigned char key[SIGV4_HASH_LEN];

    hmac((const unsigned char *)first, strlen(first), sigv4->date, key);
    for (size_t i = 0; i < array_len(steps); i++) {
        hmac(key, sizeof(key), steps[i], ret);
        memcpy(key, ret, sizeof(key));
    }
    OPENSSL_cleanse(key, sizeof(key));
    secret_free(first);
}

static void sign(const struct sigv4 *sigv4, const struct sigv4_request *request, const char *time,
                 const char *body_hash, const char *secret, unsigned char ret[SIGV4_HASH_LEN])
{
    unsigned char hash[SIGV4_HASH_LEN], key[SIGV4_HASH_LEN];
    char text[64 + SCOPE_TEXT_MAX + SIGV4_HEX_LEN], hex[SIGV4_HEX_LEN + 1];
    int n;

    sigv4_hash_request(sigv4, request, body_hash, hash);
    n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", time,
                 sigv4->date, sigv4->region, sigv4->service, sigv4_hex(hash, hex));
    assert(n > 0 && (size_t)n < sizeof(text));
    derive_key(sigv4, secret, key);
    hmac(key, sizeof(key), text, ret);
    OPENSSL_cleanse(key, sizeof(key));
}

static enum sigv4_result check_scope(const struct sigv4 *sigv4, const char *time, int64_t time_s,
                                     const char *service, int64_t now_s, struct err *err)
{
    if (strncmp(time, sigv4->date, strlen(sigv4->date)) != 0)
        return sigv4_refuse(err, SIGV4_SCOPE, "the request is of %.8s, and its signature is for %s",
                            time, sigv4->date);
    if (strcmp(sigv4->service, service) != 0)
        return sigv4_refuse(err, SIGV4_SCOPE,
                            "the signature is for service '%s' and should be for '%s'",
                            sigv4->service, service);
    if (time_s < now_s - SIGV4_SKEW_S || time_s > now_s + SIGV4_SKEW_S)
        return sigv4_refuse(err, SIGV4_EXPIRED,
                            "the request is of %s, which is more than %d minutes from the clock "
                            "here",
                            time, SIGV4_SKEW_S / 60);
    return SIGV4_OK;
}

static enum sigv4_result check_body(const struct sigv4_request *request, const char *body_hash,
                                    struct err *err)
{
    bool many;
    const char *said = sigv4_header(request, "x-amz-content-sha256", &many);

    if (!said || (!many && strcmp(said, body_hash) == 0))
        return SIGV4_OK;
    return sigv4_refuse(err, SIGV4_BODY,
                        "the hash in X-Amz-Content-Sha256 is not that of the body");
}

enum sigv4_result sigv4_verify(const struct sigv4 *sigv4, const struct sigv4_request *request,
                               const char *secret, const char *service, int64_t now_s,
                               struct err *err)
{
    unsigned char body[SIGV4_HASH_LEN], expected[SIGV4_HASH_LEN];
    char time[SIGV4_TIME_LEN + 1], body_hash[SIGV4_HEX_LEN + 1];
    enum sigv4_result result;
    int64_t time_s = 0;
    bool equal;

    if (request->n_query > SIGV4_QUERY_MAX)
        return sigv4_refuse(err, SIGV4_MALFORMED, "the query has more than %d parameters",
                            SIGV4_QUERY_MAX);
    result = sigv4_request_time(request, time, &time_s, err);
    if (result == SIGV4_OK)
        result = check_scope(sigv4, time, time_s, service, now_s, err);
    if (result != SIGV4_OK)
        return result;
    if (EVP_Digest(request->body, request->body_len, body, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* no memory, or no SHA-256 */
    result = check_body(request, sigv4_hex(body, body_hash), err);
    if (result != SIGV4_OK)
        return result;
    sign(sigv4, request, time, body_hash, secret, expected);
    equal = CRYPTO_memcmp(expected, sigv4->signature, sizeof(expected)) == 0;
    OPENSSL_cleanse(expected, sizeof(expected));
    if (equal)
        return SIGV4_OK;
    return sigv4_refuse(err, SIGV4_MISMATCH,
                        "the signature is not the one that the secret of access key '%.60s' gives; "
                        "check the secret, and that nothing changes the request on its way",
                        sigv4->key_id);
}
