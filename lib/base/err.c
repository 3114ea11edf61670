/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"

static const char *const names[ERR_MAX] = {
    [ERR_NONE] = "none",         [ERR_INVALID] = "invalid",
    [ERR_LIMIT] = "limit",       [ERR_IO] = "io",
    [ERR_NO_SPACE] = "no-space", [ERR_NOT_FOUND] = "not-found",
    [ERR_EXISTS] = "exists",     [ERR_DENIED] = "denied",
    [ERR_BUSY] = "busy",         [ERR_CANCELED] = "canceled",
    [ERR_TIMEOUT] = "timeout",   [ERR_RESOLVE] = "resolve",
    [ERR_REFUSED] = "refused",   [ERR_UNREACHABLE] = "unreachable",
    [ERR_CLOSED] = "closed",     [ERR_PROTOCOL] = "protocol",
    [ERR_AUTH] = "auth",         [ERR_REPLY] = "reply",
    [ERR_TLS] = "tls",
};

const char *err_code_name(enum err_code code)
{
    assert(code >= 0 && code < ERR_MAX);
    return names[code];
}

int err_vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
    assert(code > ERR_NONE && code < ERR_MAX);
    err->code = code;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    return (int)code;
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_vset(err, code, fmt, ap);
    va_end(ap);
    return (int)code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char inner[sizeof(err->msg)];
    va_list ap;
    int n;

    assert(err->code != ERR_NONE);
    memcpy(inner, err->msg, sizeof(inner));
    va_start(ap, fmt);
    n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n + 3 < sizeof(err->msg)) {
        memcpy(err->msg + n, ": ", 2);
        (void)str_copy(err->msg + n + 2, sizeof(err->msg) - (size_t)n - 2, inner);
    }
    return (int)err->code;
}

static enum err_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case EBUSY:
    case EAGAIN:
    case EADDRINUSE:
        return ERR_BUSY;
    case ECANCELED:
        return ERR_CANCELED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNREFUSED:
        return ERR_REFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
        return ERR_UNREACHABLE;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return ERR_CLOSED;
    case EINVAL:
    case ENAMETOOLONG:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

int err_errno(struct err *err, int errnum, const char *fmt, ...)
{
    char what[sizeof(err->msg)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    return err_set(err, code_of_errno(errnum), "%.120s: %s", what, strerror(errnum));
}
