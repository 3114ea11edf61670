/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/json_expect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/http/json_text.h"
#include "tests/unit/fixture.h"

void expect_members(const json_t *object, const char *names)
{
    cleanup(freep) char *copy = xstrdup(names);
    char *rest = copy, *name;
    size_t n = 0;

    assert_true(json_is_object(object));
    for (; (name = strsep(&rest, " ")); n++)
        if (!json_object_get(object, name))
            fail_msg("member '%s' is absent", name);
    assert_int_equal(json_object_size(object), n);
}

void expect_json(const json_t *value, const char *text)
{
    cleanup(freep) char *got = json_text(value, NULL);

    assert_string_equal(got, text);
}
