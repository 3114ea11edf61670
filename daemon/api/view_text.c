/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/view_text.h"

#include "lib/base/base.h"
#include "lib/base/utf8.h"

json_t *view_text(const char *text)
{
    json_t *string = text && *text ? json_string(text) : json_null();
    cleanup(freep) char *clean = NULL;

    if (string)
        return string;
    clean = utf8_clean(text);
    return json_string(clean);
}
