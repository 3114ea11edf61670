/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of a request, the same for whoever looks at it. It is never built as a whole,
 * but goes into its hash piece by piece. */
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

#include "lib/aws/private.h"

/* OpenSSL fails here only when there is no memory left, or no SHA-256. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static void add(EVP_MD_CTX *hash, const char *data, size_t len)
{
    must(EVP_DigestUpdate(hash, data, len));
}

static void add_text(EVP_MD_CTX *hash, const char *text)
{
    add(hash, text, strlen(text));
}

const char *sigv4_hex(const unsigned char hash[SIGV4_HASH_LEN], char buf[SIGV4_HEX_LEN + 1])
{
    for (size_t i = 0; i < SIGV4_HASH_LEN; i++)
        snprintf(buf + 2 * i, 3, "%02x", hash[i]);
    return buf;
}

/* --- path and query --- */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

/* Percent-encodes all but unreserved characters and those in keep; for free(). */
static char *encode(const char *text, const char *keep)
{
    char *out = xmalloc(3 * strlen(text) + 1), *p = out;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (is_unreserved(c) || strchr(keep, c))
            *p++ = (char)c;
        else
            p += snprintf(p, 4, "%%%02X", c);
    }
    *p = '\0';
    return out;
}

static void add_path(EVP_MD_CTX *hash, const char *path)
{
    cleanup(freep) char *encoded = encode(*path ? path : "/", "/");

    add_text(hash, encoded);
    add_text(hash, "\n");
}

struct encoded_pair {
    char *name, *value; /* owned */
};

static int compare_pairs(const void *a, const void *b)
{
    const struct encoded_pair *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->value, y->value);
}

/* Sorted as they are encoded. */
static void add_query(EVP_MD_CTX *hash, const struct sigv4_request *request)
{
    struct encoded_pair pairs[SIGV4_QUERY_MAX];

    assert(request->n_query <= SIGV4_QUERY_MAX);
    for (size_t i = 0; i < request->n_query; i++)
        pairs[i] = (struct encoded_pair){encode(request->query[i].name, ""),
                                         encode(request->query[i].value, "")};
    if (request->n_query > 0)
        qsort(pairs, request->n_query, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < request->n_query; i++) {
        if (i > 0)
            add_text(hash, "&");
        add_text(hash, pairs[i].name);
        add_text(hash, "=");
        add_text(hash, pairs[i].value);
        free(pairs[i].name);
        free(pairs[i].value);
    }
    add_text(hash, "\n");
}

/* --- headers --- */

/* Without white space around it, and with one space for each run of it inside. */
static void add_value(EVP_MD_CTX *hash, const char *value)
{
    static const char space[] = " \t\r\n";
    const char *word = value + strspn(value, space);

    for (bool first = true; *word; first = false) {
        size_t len = strcspn(word, space);

        if (!first)
            add_text(hash, " ");
        add(hash, word, len);
        word += len;
        word += strspn(word, space);
    }
}

/* One that is there more than once is a list. */
static void add_header(EVP_MD_CTX *hash, const struct sigv4_request *request, const char *name,
                       size_t len)
{
    bool first = true;

    add(hash, name, len);
    add_text(hash, ":");
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct sigv4_pair *header = &request->headers[i];

        if (strlen(header->name) != len || strncasecmp(header->name, name, len) != 0)
            continue;
        if (!first)
            add_text(hash, ",");
        add_value(hash, header->value);
        first = false;
    }
    add_text(hash, "\n");
}

void sigv4_hash_request(const struct sigv4 *sigv4, const struct sigv4_request *request,
                        const char *body_hash, unsigned char ret[SIGV4_HASH_LEN])
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    const char *list = sigv4->signed_headers, *name;
    size_t len;

    must(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL));
    add_text(hash, request->method);
    add_text(hash, "\n");
    add_path(hash, request->path);
    add_query(hash, request);
    while ((name = sigv4_next_signed(&list, &len)))
        add_header(hash, request, name, len);
    add_text(hash, "\n");
    add_text(hash, sigv4->signed_headers);
    add_text(hash, "\n");
    add_text(hash, body_hash);
    must(EVP_DigestFinal_ex(hash, ret, NULL));
    EVP_MD_CTX_free(hash);
}
