/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/net/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63

static int port_parse(const char *text, uint16_t *ret, struct err *err)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long value = 0;

    if (!*text)
        return err_set(err, ERR_INVALID, "no port after the colon: write host:port");
    if (text[digits])
        return err_set(err, ERR_INVALID, "port '%.16s' is not a number", text);
    /* Six digits are enough to be too large, and cannot overflow. */
    for (size_t i = 0; i < min_of(digits, (size_t)6); i++)
        value = value * 10 + (unsigned long)(text[i] - '0');
    if (value < 1 || value > UINT16_MAX || digits > 6)
        return err_set(err, ERR_INVALID, "port %.16s is outside 1..65535", text);
    *ret = (uint16_t)value;
    return 0;
}

static bool is_ipv6(const char *host)
{
    char bare[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    size_t n = strcspn(host, "%"); /* fe80::1%eth0 */

    if (n >= sizeof(bare))
        return false;
    memcpy(bare, host, n);
    bare[n] = '\0';
    return inet_pton(AF_INET6, bare, &addr) == 1;
}

/* A host name or an IPv4 address. */
static int name_check(const char *host, struct err *err)
{
    struct in_addr addr;
    size_t label = 0;

    for (const char *p = host; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        bool digit = *p >= '0' && *p <= '9';

        if (!letter && !digit && !strchr("-_.", *p))
            return err_set(err, ERR_INVALID,
                           "a host name holds letters, digits, '-', '_' and '.' only");
        label = *p == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (*p == '.' && (p == host || p[-1] == '.')))
            return err_set(err, ERR_INVALID, "the parts of a host name have 1 to 63 characters");
    }
    if (host[0] == '-')
        return err_set(err, ERR_INVALID, "a host name does not begin with '-'");
    /* Left to the resolver, "10.0.300" would mean 10.0.1.44. */
    if (!host[strspn(host, "0123456789.")] && inet_pton(AF_INET, host, &addr) != 1)
        return err_set(err, ERR_INVALID, "not an IPv4 address: four numbers of 0..255 are needed");
    return 0;
}

/* Finds where host and port stand in text, brackets not counted. */
static int split(const char *text, const char **ret_host, size_t *ret_len, const char **ret_port,
                 struct err *err)
{
    bool bracket = text[0] == '[';
    const char *host = text + bracket;
    const char *end = strchr(host, bracket ? ']' : ':');

    if (!*text)
        return err_set(err, ERR_INVALID, "nothing given: write host:port");
    if (bracket && !end)
        return err_set(err, ERR_INVALID, "the bracket is not closed: write [::1]:6379");
    if (bracket && end[1] != ':')
        return err_set(err, ERR_INVALID, "no port: write [address]:port");
    if (!bracket && !end)
        return err_set(err, ERR_INVALID, "no port: write host:port");
    if (!bracket && strchr(end + 1, ':'))
        return err_set(err, ERR_INVALID, "an IPv6 address needs brackets: [::1]:6379");
    if (end == host)
        return err_set(err, ERR_INVALID, "no host before the port: write host:port");
    *ret_host = host;
    *ret_len = (size_t)(end - host);
    *ret_port = end + (bracket ? 2 : 1);
    return 0;
}

int endpoint_parse(const char *text, struct endpoint *ret, struct err *err)
{
    struct endpoint ep = {0};
    const char *host = "", *port = "";
    size_t len = 0;

    if (split(text, &host, &len, &port, err))
        return (int)err->code;
    if (len >= sizeof(ep.host))
        return err_set(err, ERR_INVALID, "a host name has at most %zu characters",
                       sizeof(ep.host) - 1);
    memcpy(ep.host, host, len);
    if (text[0] == '[' && !is_ipv6(ep.host))
        return err_set(err, ERR_INVALID, "what stands in the brackets is not an IPv6 address");
    if (text[0] != '[' && name_check(ep.host, err))
        return (int)err->code;
    if (port_parse(port, &ep.port, err))
        return (int)err->code;
    *ret = ep;
    return 0;
}

const char *endpoint_format(const struct endpoint *ep, char buf[ENDPOINT_STR_MAX])
{
    bool v6 = strchr(ep->host, ':') != NULL;

    snprintf(buf, ENDPOINT_STR_MAX, "%s%s%s:%u", v6 ? "[" : "", ep->host, v6 ? "]" : "", ep->port);
    return buf;
}

const char *endpoint_label(const struct endpoint *ep, char buf[ENDPOINT_LABEL_MAX])
{
    const size_t half = (ENDPOINT_LABEL_MAX - 4) / 2;
    char all[ENDPOINT_STR_MAX];
    size_t len = strlen(endpoint_format(ep, all));

    if (!str_copy(buf, ENDPOINT_LABEL_MAX, all))
        snprintf(buf, ENDPOINT_LABEL_MAX, "%.*s...%s", (int)half, all, all + len - half);
    return buf;
}

bool endpoint_is_set(const struct endpoint *ep)
{
    return ep->host[0] != '\0';
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}
