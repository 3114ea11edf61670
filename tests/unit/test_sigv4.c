/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures, against the vectors that AWS has published for its version 4, and against whatever
 * somebody may send. */
#include <stdio.h>
#include <string.h>

#include "lib/aws/sigv4.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW 1440938160 /* 20150830T123600Z */
#define HEADERS_MAX 300
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CREDENTIAL "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
#define SIGNATURE(hex) ", Signature=" hex
#define VANILLA_HEX "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
#define VANILLA                                                                                    \
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host;x-amz-date" SIGNATURE(VANILLA_HEX)
#define STS_TOKEN                                                                                  \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"   \
    "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQ"   \
    "DYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"   \
    "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

/* A request under construction; header() replaces or adds. */
struct sample {
    struct sigv4_request request;
    struct sigv4_pair headers[HEADERS_MAX];
    struct sigv4_pair query[SIGV4_QUERY_MAX + 1];
};

static void header(struct sample *s, const char *name, const char *value)
{
    for (size_t i = 0; i < s->request.n_headers; i++) {
        if (strcmp(s->headers[i].name, name) == 0) {
            s->headers[i].value = value;
            return;
        }
    }
    s->headers[s->request.n_headers++] = (struct sigv4_pair){name, value};
}

static void remove_header(struct sample *s, const char *name)
{
    for (size_t i = 0; i < s->request.n_headers; i++) {
        if (strcmp(s->headers[i].name, name) == 0)
            s->headers[i] = s->headers[--s->request.n_headers];
    }
}

/* post-vanilla */
static void start(struct sample *s)
{
    *s = (struct sample){.request = {.method = "POST", .path = "/", .body = ""}};
    s->request.headers = s->headers;
    s->request.query = s->query;
    header(s, "Host", "example.amazonaws.com");
    header(s, "X-Amz-Date", "20150830T123600Z");
    header(s, "Authorization", VANILLA);
}

static enum sigv4_result verify_with(const struct sample *s, const char *secret,
                                     const char *service, int64_t now, struct err *err)
{
    struct sigv4 sigv4;
    enum sigv4_result result = sigv4_parse(&s->request, &sigv4, err);

    return result != SIGV4_OK ? result
                              : sigv4_verify(&sigv4, &s->request, secret, service, now, err);
}

static enum sigv4_result verify(const struct sample *s)
{
    struct err err;

    return verify_with(s, SECRET, "service", NOW, &err);
}

static enum sigv4_result parse(const struct sample *s)
{
    struct sigv4 sigv4;
    struct err err;

    return sigv4_parse(&s->request, &sigv4, &err);
}

/* --- what is published --- */

struct vector {
    const char *name, *method, *path;
    struct sigv4_pair query, header, header2, header3;
    const char *body, *signed_headers, *signature;
};

#define POST .method = "POST", .path = "/"
#define GET .method = "GET", .path = "/"
#define PLAIN .signed_headers = "host;x-amz-date"
#define WITH_HEADER .signed_headers = "host;my-header1;x-amz-date"
#define WITH_TYPE .signed_headers = "content-type;host;x-amz-date"

/* clang-format off: a row is easier to read as a row */
static const struct vector vectors[] = {
    {"post-vanilla", POST, PLAIN, .signature = VANILLA_HEX},
    {"post-vanilla-query", POST, PLAIN, .query = {"Param1", "value1"},
     .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-vanilla-empty-query-value", POST, PLAIN, .query = {"Param1", "value1"},
     .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-case", POST, PLAIN, .signature = VANILLA_HEX},
    {"post-header-key-sort", POST, WITH_HEADER, .header = {"My-Header1", "value1"},
     .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case", POST, WITH_HEADER, .header = {"My-Header1", "VALUE1"},
     .signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-before", POST, .signed_headers = "host;x-amz-date;x-amz-security-token",
     .header = {"X-Amz-Security-Token", STS_TOKEN},
     .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"post-sts-header-after", POST, PLAIN, .header = {"X-Amz-Security-Token", STS_TOKEN},
     .signature = VANILLA_HEX},
    {"post-x-www-form-urlencoded", POST, WITH_TYPE, .body = "Param1=value1",
     .header = {"Content-Type", "application/x-www-form-urlencoded"},
     .signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters", POST, WITH_TYPE, .body = "Param1=value1",
     .header = {"Content-Type", "application/x-www-form-urlencoded; charset=utf8"},
     .signature = "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
    /* Of those for GET, the ones that say how headers, queries and paths are made canonical. */
    {"get-vanilla", GET, PLAIN,
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-header-key-duplicate", GET, WITH_HEADER, .header = {"My-Header1", "value2"},
     .header2 = {"My-Header1", "value2"}, .header3 = {"My-Header1", "value1"},
     .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-trim", GET, .signed_headers = "host;my-header1;my-header2;x-amz-date",
     .header = {"My-Header1", " value1"}, .header2 = {"My-Header2", " \"a   b   c\" "},
     .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-utf8", .method = "GET", .path = "/\xe1\x88\xb4", PLAIN,
     .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
};
/* clang-format on */

static char *authorization(const struct vector *v)
{
    return xasprintf("AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=%s, Signature=%s",
                     v->signed_headers, v->signature);
}

static void use_vector(struct sample *s, const struct vector *v, const char *text)
{
    const struct sigv4_pair *more[] = {&v->header, &v->header2, &v->header3};

    start(s);
    s->request.method = v->method;
    s->request.path = v->path;
    s->request.body = v->body;
    s->request.body_len = v->body ? strlen(v->body) : 0;
    if (v->query.name)
        s->query[s->request.n_query++] = v->query;
    for (size_t i = 0; i < array_len(more); i++) {
        if (more[i]->name)
            s->headers[s->request.n_headers++] = *more[i];
    }
    header(s, "Authorization", text);
}

static void published_signatures_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(vectors); i++) {
        cleanup(freep) char *text = authorization(&vectors[i]);
        struct sample s;
        struct err err;

        use_vector(&s, &vectors[i], text);
        if (verify_with(&s, SECRET, "service", NOW, &err) != SIGV4_OK)
            fail_msg("%s: %s", vectors[i].name, err.msg);
        /* And of nothing else. */
        assert_int_equal(verify_with(&s, SECRET "x", "service", NOW, &err), SIGV4_MISMATCH);
        s.request.method = "PUT";
        assert_int_equal(verify_with(&s, SECRET, "service", NOW, &err), SIGV4_MISMATCH);
    }
}

static void case_and_order_of_header_names_do_not_matter(void **state)
{
    struct sample s;

    (void)state;
    start(&s);
    s.headers[0] = (struct sigv4_pair){"AUTHORIZATION", VANILLA};
    s.headers[1] = (struct sigv4_pair){"x-amz-DATE", " 20150830T123600Z"};
    s.headers[1].value++;
    s.headers[2] = (struct sigv4_pair){"hOST", "\texample.amazonaws.com  "};
    assert_int_equal(verify(&s), SIGV4_OK);
}

/* The signature is botocore's. Sorted as they are encoded, not as they come: "a b" is "a%20b", and
 * sorts before "a-b". */
static void queries_are_sorted_and_encoded(void **state)
{
    static const char text[] =
        "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host;x-amz-date" SIGNATURE(
            "f92ebc1dd2282808b0c1d496074b6744fc3ab4f2689f95fe879e1fe2ba5afc1c");
    static const struct sigv4_pair pairs[] = {
        {"a-b", "\xc3\xbc"}, {"a b", "~x/y+&="}, {"a b", ""}, {"A", "1"}};
    struct sample s;

    (void)state;
    start(&s);
    memcpy(s.query, pairs, sizeof(pairs));
    s.request.n_query = array_len(pairs);
    header(&s, "Authorization", text);
    assert_int_equal(verify(&s), SIGV4_OK);
    s.query[1].value = "~x/y &=";
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
}

/* --- what was altered --- */

static void what_was_signed_cannot_be_altered(void **state)
{
    const struct vector *v = &vectors[8];
    cleanup(freep) char *text = authorization(v);
    struct sample s;

    (void)state;
    use_vector(&s, v, text);
    assert_int_equal(verify(&s), SIGV4_OK);
    s.request.body = "Param1=value2";
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    s.request.body_len--;
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    s.request.path = "/x";
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    s.query[s.request.n_query++] = (struct sigv4_pair){"a", "b"};
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    header(&s, "Host", "example.amazonaws.org");
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    header(&s, "Content-Type", "text/plain");
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    remove_header(&s, "Content-Type");
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    use_vector(&s, v, text);
    header(&s, "X-Amz-Date", "20150830T123601Z");
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
}

static void every_digit_of_a_signature_counts(void **state)
{
    char text[] = VANILLA;
    size_t at = strlen(text) - strlen(VANILLA_HEX);
    struct sample s;

    (void)state;
    start(&s);
    header(&s, "Authorization", text);
    for (; text[at]; at++) {
        char before = text[at];

        text[at] = before == 'a' ? 'b' : 'a';
        assert_int_equal(verify(&s), SIGV4_MISMATCH);
        text[at] = before;
    }
    assert_int_equal(verify(&s), SIGV4_OK);
}

static void a_told_hash_must_be_that_of_the_body(void **state)
{
    struct sample s;

    (void)state;
    start(&s);
    header(&s, "X-Amz-Content-Sha256", EMPTY_HASH);
    assert_int_equal(verify(&s), SIGV4_OK);
    s.headers[s.request.n_headers++] = (struct sigv4_pair){"x-amz-content-sha256", EMPTY_HASH};
    assert_int_equal(verify(&s), SIGV4_BODY);
    start(&s);
    header(&s, "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD");
    assert_int_equal(verify(&s), SIGV4_BODY);
    header(&s, "X-Amz-Content-Sha256", "");
    assert_int_equal(verify(&s), SIGV4_BODY);
}

/* --- time and scope --- */

static void a_request_ages(void **state)
{
    struct sample s;
    struct err err;

    (void)state;
    start(&s);
    assert_int_equal(verify_with(&s, SECRET, "service", NOW + 900, &err), SIGV4_OK);
    assert_int_equal(verify_with(&s, SECRET, "service", NOW - 900, &err), SIGV4_OK);
    assert_int_equal(verify_with(&s, SECRET, "service", NOW + 901, &err), SIGV4_EXPIRED);
    assert_string_equal(err.msg, "the request is of 20150830T123600Z, which is more than 15 "
                                 "minutes from the clock here");
    assert_int_equal(verify_with(&s, SECRET, "service", NOW - 901, &err), SIGV4_EXPIRED);
    assert_int_equal(verify_with(&s, SECRET, "service", INT64_MAX, &err), SIGV4_EXPIRED);
}

static void the_scope_must_fit(void **state)
{
    struct sample s;
    struct err err;

    (void)state;
    start(&s);
    assert_int_equal(verify_with(&s, SECRET, "elasticache", NOW, &err), SIGV4_SCOPE);
    assert_string_equal(err.msg,
                        "the signature is for service 'service' and should be for 'elasticache'");
    header(&s, "X-Amz-Date", "20150831T000000Z");
    assert_int_equal(verify_with(&s, SECRET, "service", NOW, &err), SIGV4_SCOPE);
    assert_string_equal(err.msg, "the request is of 20150831, and its signature is for 20150830");
}

static void dates_are_read_strictly(void **state)
{
    static const char *const bad[] = {
        "",
        "20150830T123600",
        "20150830T123600z",
        "20150830 123600Z",
        "20150830T123600Z ",
        "2015083OT123600Z",
        "20150230T123600Z",
        "20151330T123600Z",
        "20150830T243600Z",
        "20150830T126000Z",
        "+0150830T123600Z",
        "Sun, 30 Aug 2015 12:36:00 GMT",
    };
    struct sample s;

    (void)state;
    for (size_t i = 0; i < array_len(bad); i++) {
        start(&s);
        header(&s, "X-Amz-Date", bad[i]);
        if (verify(&s) != SIGV4_NO_DATE)
            fail_msg("'%s' was taken", bad[i]);
    }
    start(&s);
    s.headers[s.request.n_headers++] = (struct sigv4_pair){"x-amz-date", "20150830T123600Z"};
    assert_int_equal(verify(&s), SIGV4_NO_DATE);
}

/* Clients that send Date instead; the signature is botocore's. */
static void a_date_header_will_do(void **state)
{
    static const char text[] = "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=date;host" SIGNATURE(
        "ecdca7d82dea4984085905a4be01f6c5d47639b543cb0d5001d1bb9fa2b1fb73");
    struct sample s;

    (void)state;
    start(&s);
    remove_header(&s, "X-Amz-Date");
    assert_int_equal(parse(&s), SIGV4_MALFORMED); /* it signs another date */
    header(&s, "Authorization", text);
    assert_int_equal(parse(&s), SIGV4_OK);
    assert_int_equal(verify(&s), SIGV4_NO_DATE);
    header(&s, "Date", "Sun, 30 Aug 2015 12:36:00 -0000");
    assert_int_equal(verify(&s), SIGV4_OK);
    header(&s, "Date", "Sun, 30 Aug 2015 12:36:00 GMT");
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    header(&s, "Date", "Sun, 30 Aug 2015 12:36:00 +0200");
    assert_int_equal(verify(&s), SIGV4_NO_DATE);
    header(&s, "Date", "yesterday");
    assert_int_equal(verify(&s), SIGV4_NO_DATE);
}

/* --- headers that are none --- */

static void the_header_is_read(void **state)
{
    struct sigv4 sigv4;
    struct sample s;
    struct err err;

    (void)state;
    start(&s);
    assert_int_equal(sigv4_parse(&s.request, &sigv4, &err), SIGV4_OK);
    assert_string_equal(sigv4.key_id, "AKIDEXAMPLE");
    assert_string_equal(sigv4.date, "20150830");
    assert_string_equal(sigv4.region, "us-east-1");
    assert_string_equal(sigv4.service, "service");
    assert_string_equal(sigv4.signed_headers, "host;x-amz-date");
    assert_int_equal(sigv4.signature[0], 0x5d);
    assert_int_equal(sigv4.signature[31], 0x6b);
    /* In any order, with any blanks. */
    header(&s, "Authorization",
           "AWS4-HMAC-SHA256 Signature=" VANILLA_HEX
           ",SignedHeaders=host;x-amz-date  ,   " CREDENTIAL);
    assert_int_equal(verify(&s), SIGV4_OK);
}

static void a_request_may_not_be_signed(void **state)
{
    struct sample s;

    (void)state;
    start(&s);
    remove_header(&s, "Authorization");
    assert_int_equal(parse(&s), SIGV4_MISSING);
}

#define HEX VANILLA_HEX
#define SIGNED "SignedHeaders=host;x-amz-date"
#define SCOPE "/20150830/us-east-1/service/aws4_request"

static const char *const malformed[] = {
    "",
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 ",
    "AWS4-HMAC-SHA256 ,",
    "AWS4-HMAC-SHA256 ,,,",
    "Bearer abc",
    "AWS4-HMAC-SHA512 " CREDENTIAL ", " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED ", Signature=" HEX ",",
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED ", Signature=" HEX ", x=y",
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " CREDENTIAL ", " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED ", Signature=" HEX "a",
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED ", Signature=",
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED
    ", Signature=5DA7C1A2ACD57CEE7505FC6676E4E544621C30862966E37DDDB68E92EFBE5D6B",
    "AWS4-HMAC-SHA256 " CREDENTIAL ", " SIGNED
    ", Signature=ga7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b5",
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=x-amz-date, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=x-amz-date;host, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host;host;x-amz-date, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=hos;host;hos;x-amz-date, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host;x-amz-date;, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=;host;x-amz-date, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=Host;X-Amz-Date, Signature=" HEX,
    "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=host;x amz;x-amz-date, Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=" SCOPE ", " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A B" SCOPE ", " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A\x80" SCOPE ", " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A/B" SCOPE ", " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A" SCOPE "/, " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A" SCOPE "x, " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A/2015083/us-east-1/service/aws4_request, " SIGNED
    ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A/201508301/us-east-1/service/aws4_request, " SIGNED
    ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A/20150830//service/aws4_request, " SIGNED ", Signature=" HEX,
    "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/aws4_request, " SIGNED ", Signature=" HEX,
};

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < array_len(malformed); i++) {
        struct sample s;

        start(&s);
        header(&s, "Authorization", malformed[i]);
        if (parse(&s) != SIGV4_MALFORMED)
            fail_msg("'%s' was taken", malformed[i]);
    }
}

/* Each beginning of a good header, and each good header with one byte put wrong. */
static void cut_and_spoilt_headers_are_refused(void **state)
{
    static const char good[] = VANILLA;
    char text[sizeof(good)];
    struct sample s;

    (void)state;
    start(&s);
    header(&s, "Authorization", text);
    for (size_t len = 0; len + 1 < sizeof(good); len++) {
        memcpy(text, good, len);
        text[len] = '\0';
        assert_int_equal(parse(&s), SIGV4_MALFORMED);
    }
    for (size_t at = 0; at + 1 < sizeof(good); at++) {
        memcpy(text, good, sizeof(good));
        text[at] = '\x01';
        assert_int_equal(parse(&s), SIGV4_MALFORMED);
    }
}

static void there_are_limits(void **state)
{
    char *names = xcalloc(1, 8192), *text;
    char key[SIGV4_KEY_ID_MAX + 2] = "";
    struct sample s;

    (void)state;
    start(&s);
    memset(names, 'a', 2048);
    text = xasprintf(
        "AWS4-HMAC-SHA256 " CREDENTIAL ", SignedHeaders=%s;host;x-amz-date" SIGNATURE(HEX), names);
    header(&s, "Authorization", text);
    assert_int_equal(parse(&s), SIGV4_MALFORMED);
    free(text);
    free(names);

    memset(key, 'K', SIGV4_KEY_ID_MAX + 1);
    for (int more = 1; more >= 0; more--) {
        key[SIGV4_KEY_ID_MAX + more] = '\0';
        text = xasprintf("AWS4-HMAC-SHA256 Credential=%s" SCOPE ", " SIGNED SIGNATURE(HEX), key);
        header(&s, "Authorization", text);
        assert_int_equal(parse(&s), more ? SIGV4_MALFORMED : SIGV4_OK);
        free(text);
    }

    start(&s);
    for (size_t i = 0; i <= SIGV4_QUERY_MAX; i++)
        s.query[i] = (struct sigv4_pair){"a", "b"};
    s.request.n_query = SIGV4_QUERY_MAX;
    assert_int_equal(verify(&s), SIGV4_MISMATCH);
    s.request.n_query++;
    assert_int_equal(verify(&s), SIGV4_MALFORMED);

    start(&s);
    s.headers[s.request.n_headers++] = (struct sigv4_pair){"authorization", VANILLA};
    assert_int_equal(parse(&s), SIGV4_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_signatures_are_right),
        cmocka_unit_test(case_and_order_of_header_names_do_not_matter),
        cmocka_unit_test(queries_are_sorted_and_encoded),
        cmocka_unit_test(what_was_signed_cannot_be_altered),
        cmocka_unit_test(every_digit_of_a_signature_counts),
        cmocka_unit_test(a_told_hash_must_be_that_of_the_body),
        cmocka_unit_test(a_request_ages),
        cmocka_unit_test(the_scope_must_fit),
        cmocka_unit_test(dates_are_read_strictly),
        cmocka_unit_test(a_date_header_will_do),
        cmocka_unit_test(the_header_is_read),
        cmocka_unit_test(a_request_may_not_be_signed),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(cut_and_spoilt_headers_are_refused),
        cmocka_unit_test(there_are_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
