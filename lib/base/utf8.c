/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/utf8.h"

#include "lib/base/base.h"

static const char replacement[] = "\xef\xbf\xbd";

unsigned utf8_char(const char *s, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0x01, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s[0];
    unsigned n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t code = n == 1 ? first : first & (0x7fu >> n);

    if (n == 0 || first > 0xf4)
        return 0;
    for (unsigned i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((unsigned char)s[i] & 0x3f);
    }
    if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return n;
}

char *utf8_clean(const char *s)
{
    char *out, *p;
    uint32_t code;
    unsigned n;

    if (!s)
        return NULL;
    p = out = xmalloc(strlen(s) * strlen(replacement) + 1);
    for (; *s; s += n ? n : 1) {
        n = utf8_char(s, &code);
        memcpy(p, n ? s : replacement, n ? n : strlen(replacement));
        p += n ? n : strlen(replacement);
    }
    *p++ = '\0';
    return xrealloc(out, (size_t)(p - out), 1);
}
