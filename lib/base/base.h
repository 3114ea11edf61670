/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Small things every file may use: memory that cannot fail, ownership helpers, array sizes.
 *
 * Running out of memory aborts: everything that matters is durable, and a restart resumes from it
 * more surely than any hand-written recovery would.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define must_check __attribute__((warn_unused_result))
#define cleanup(fn) __attribute__((cleanup(fn)))
#define array_len(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define min_of(a, b) ((a) < (b) ? (a) : (b))
#define max_of(a, b) ((a) > (b) ? (a) : (b))

/* Hands a pointer over to its new owner and leaves NULL behind. */
#define take(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size); /* n * size, overflow checked */
char *xstrdup(const char *s);                   /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Copies at most size - 1 bytes and always terminates; false when s did not fit. */
bool str_copy(char *dst, size_t size, const char *s);

/* Wipes a string that held a secret, and frees it. NULL is fine. */
void secret_free(char *s);

/* For cleanup(): frees a char * variable. */
void freep(void *p);
/* For cleanup(): closes a file descriptor variable that is not negative. */
void closep(int *fd);
