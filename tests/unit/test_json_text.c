/* SPDX-License-Identifier: Apache-2.0 */
/* The text must be jansson's own, byte for byte, and mean the same when it is read again. */
#include <stdio.h>
#include <string.h>

#include "lib/base/base.h"
#include "lib/http/json_text.h"
#include "tests/unit/fixture.h"

static void expect_as_jansson(const json_t *json)
{
    cleanup(freep) char *theirs =
        json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(JSON_TEXT_DIGITS));
    size_t len;
    cleanup(freep) char *ours = json_text(json, &len);

    assert_non_null(theirs);
    assert_string_equal(ours, theirs);
    assert_int_equal(len, strlen(theirs));
}

static void test_as_jansson_writes_it(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "[[],{},[{}],[[]]]",
        "{\"z\":1,\"a\":2,\"\":null}",
        "[true,false,null,0,-1,9223372036854775807,-9223372036854775808]",
        "[0.5,1.0,-0.0,1e300,1e-300,0.812,123456789.123456789,100.0,1e22]",
        "[\"\",\"plain\",\"quote \\\" back \\\\ slash / \\b\\f\\n\\r\\t\"]",
        "[\"\\u0001\\u001f\\u007f\\u0000x\"]",
        "[\"caf\\u00e9 \\u20ac \\ud83d\\ude00\"]",
        "{\"key \\\" \\n\":\"</script>\"}",
    };

    (void)state;
    for (size_t i = 0; i < array_len(texts); i++) {
        json_t *json = json_loads(texts[i], JSON_ALLOW_NUL, NULL);

        assert_non_null(json);
        expect_as_jansson(json);
        json_decref(json);
    }
}

static void test_every_character_alone(void **state)
{
    (void)state;
    for (int c = 0; c < 128; c++) {
        char text[] = {'a', (char)c, 'b'};
        json_t *json = json_stringn(text, sizeof(text));

        expect_as_jansson(json);
        json_decref(json);
    }
}

static json_t *make(unsigned *seed, unsigned depth)
{
    unsigned kind = (*seed = *seed * 1103515245u + 12345u) >> 16;
    char key[16];
    json_t *json;

    switch (depth > 4 ? kind % 5 : kind % 7) {
    case 0:
        return json_integer((json_int_t)kind * (json_int_t)kind - 70000);
    case 1:
        return json_real((double)kind / 7);
    case 2:
        return json_boolean(kind & 8);
    case 3:
        return json_null();
    case 4:
        snprintf(key, sizeof(key), "%c\"%u\n", 'a' + (char)(kind % 26), kind);
        return json_string(key);
    case 5:
        json = json_array();
        for (unsigned i = 0; i < kind % 5; i++)
            json_array_append_new(json, make(seed, depth + 1));
        return json;
    }
    json = json_object();
    for (unsigned i = 0; i < kind % 6; i++) {
        snprintf(key, sizeof(key), "k%u", (kind * (i + 3)) % 50);
        json_object_set_new(json, key, make(seed, depth + 1));
    }
    return json;
}

static void test_whatever_is_in_it(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        json_t *json = make(&seed, 0);

        expect_as_jansson(json);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_jansson_writes_it),
        cmocka_unit_test(test_every_character_alone),
        cmocka_unit_test(test_whatever_is_in_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
