/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Errors by value: a code for the program, a sentence for the operator.
 *
 * A fallible function returns 0, or the code it has put into its last parameter, and leaves its
 * other outputs alone. Each layer on the way up may put one prefix in front of the sentence.
 * Whoever owns the operation logs it, once.
 */
#include <stdarg.h>
#include <stdbool.h>

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,  /* what was given is wrong: text, number, argument */
    ERR_LIMIT,    /* larger, deeper or more than is allowed */
    ERR_IO,       /* the operating system failed us */
    ERR_NO_SPACE, /* no room on a disk */
    ERR_NOT_FOUND,
    ERR_EXISTS,
    ERR_DENIED, /* the operating system refuses permission */
    ERR_BUSY,   /* somebody else holds it */
    ERR_CANCELED,
    ERR_TIMEOUT,
    ERR_RESOLVE,     /* a name has no address */
    ERR_REFUSED,     /* connection refused */
    ERR_UNREACHABLE, /* no route, network or host down */
    ERR_CLOSED,      /* the peer closed, or reset, the connection */
    ERR_PROTOCOL,    /* the peer does not speak what it should */
    ERR_AUTH,        /* the peer refuses our credentials, or wants some */
    ERR_REPLY,       /* the peer understood, and answered with an error */
    ERR_TLS,         /* a certificate, a key, or the peer's TLS: the sentence says what of it */
    ERR_MAX
};

struct err {
    enum err_code code; /* ERR_NONE: nothing is wrong, msg is empty */
    char msg[232];
};

#define ERR_INIT ((struct err){.code = ERR_NONE})

/* Fills *err and returns code, so that a failing function can end in one line. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Puts "<prefix>: " in front of the sentence; keeps and returns the code. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Fills *err from an errno value (positive): "<what>: <strerror>", and returns the code that fits
 * it. */
int err_errno(struct err *err, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The stable lower-case name of a code ("timeout", "no-space"), for logs and tests. */
const char *err_code_name(enum err_code code);
