/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/suggest.h"

#include <string.h>

#include "lib/base/base.h"

#define WORD_MAX 64

/* Optimal string alignment: Levenshtein's distance with swaps of neighbours, on three rows. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *oldest = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned cost = a[i - 1] != b[j - 1];
            unsigned best = min_of(above[j] + 1, row[j - 1] + 1);

            best = min_of(best, above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min_of(best, before[j - 2] + 1);
            row[j] = best;
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_len];
}

const char *suggest(const char *text, const char *const *words, size_t n_words)
{
    size_t len = strlen(text);
    unsigned best = len < 4 ? 2 : len < 8 ? 3 : 4; /* the first distance that is too far */
    const char *found = NULL;

    if (len == 0 || len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n_words; i++) {
        size_t word_len = strlen(words[i]);
        unsigned d;

        if (word_len > WORD_MAX)
            continue;
        d = distance(text, len, words[i], word_len);
        if (d < best && d < word_len) {
            best = d;
            found = words[i];
        }
    }
    return found;
}
