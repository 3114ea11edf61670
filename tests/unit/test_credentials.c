/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and tokens from their files, and what of them a reload takes away. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "tests/unit/guard_rig.h"

static void expect_load_error(const struct config_user *user, bool token, const char *part)
{
    struct config_user one[1] = {*user};
    struct config_api config = {
        .tokens = one, .n_tokens = token, .access_keys = one, .n_access_keys = !token};
    struct credentials *set = NULL;
    struct err err;

    assert_int_not_equal(credentials_load(&config, &set, &err), 0);
    assert_null(set);
    if (!strstr(err.msg, part) || !strstr(err.msg, user->name) || strstr(err.msg, "hunter"))
        fail_msg("expected '%s' in: %s", part, err.msg);
}

static void errors_name_key_and_file(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "/x: empty"},
        {"\n", "/x: empty"},
        {"hunter2", "/x: a token has at least 16 characters"},
        {"hunter2 hunter2 hunter2", "/x: there are other characters in it"},
        {"hunter2hunter2hunter2\r\n", "/x: there are other characters in it"},
        {"hunter2hunter2\nhunter2hunter2\n", "or more than one line"},
    };
    struct guard_rig *rig = guard_rig_of(state);
    char *path = xasprintf("%s/x", rig->dir), long_text[600] = "";
    struct config_user user = {.name = (char[]){"ops"}, .file = path};

    expect_load_error(&user, true, "token 'ops': ");
    expect_load_error(&user, false, "access key 'ops': ");
    expect_load_error(&user, false, "No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_load_error(&user, true, "/x: not a regular file");
    unlink(path);
    for (size_t i = 0; i < array_len(rows); i++) {
        free(guard_rig_write(rig, "x", rows[i].text));
        expect_load_error(&user, true, rows[i].error);
    }
    memset(long_text, 'h', sizeof(long_text) - 1);
    free(guard_rig_write(rig, "x", long_text));
    expect_load_error(&user, true, "/x: longer than 512 bytes");

    user = (struct config_user){.name = (char[]){"ops"}, .credential = (char[]){"x"}};
    unsetenv("CREDENTIALS_DIRECTORY");
    expect_load_error(&user, true, "$CREDENTIALS_DIRECTORY is not set");
    setenv("CREDENTIALS_DIRECTORY", rig->dir, 1);
    expect_load_error(&user, true, "/x: longer than 512 bytes");
    user.credential = (char[]){"../x"};
    expect_load_error(&user, true, "not a plain name");
    unsetenv("CREDENTIALS_DIRECTORY");
    free(path);
}

static void a_credential_is_found(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);
    struct config_user tokens[2];
    struct config_api config = {.tokens = tokens, .n_tokens = 2};
    struct credentials *set = NULL;
    struct err err;

    free(guard_rig_write(rig, "a", READ_TOKEN "\n"));
    setenv("CREDENTIALS_DIRECTORY", rig->dir, 1);
    config.tokens[0] = (struct config_user){.name = (char[]){"one"}, .credential = (char[]){"a"}};
    config.tokens[1] = (struct config_user){.name = (char[]){"two"}, .credential = (char[]){"a"}};
    assert_int_not_equal(credentials_load(&config, &set, &err), 0);
    assert_string_equal(err.msg, "tokens 'one' and 'two' are the same");
    config.n_tokens = 1;
    assert_int_equal(credentials_load(&config, &set, &err), 0);
    assert_string_equal(credentials_token(set, READ_TOKEN)->name, "one");
    assert_null(credentials_token(set, READ_TOKEN "\n"));
    assert_null(credentials_token(set, ""));
    assert_null(credentials_key(set, "one"));
    credentials_free(set);
    unsetenv("CREDENTIALS_DIRECTORY");
}

static struct credentials *load(struct guard_rig *rig, const char *secret, const char *token,
                                enum config_actions actions)
{
    struct config_user keys[1], tokens[1];
    struct config_api config = {.access_keys = keys,
                                .n_access_keys = secret != NULL,
                                .tokens = tokens,
                                .n_tokens = token != NULL};
    char *key_file = guard_rig_write(rig, "k", secret ? secret : "");
    char *token_file = guard_rig_write(rig, "t", token ? token : "");
    struct credentials *set = NULL;
    struct err err;

    config.access_keys[0] =
        (struct config_user){.name = (char[]){"k"}, .file = key_file, .actions = actions};
    config.tokens[0] =
        (struct config_user){.name = (char[]){"t"}, .file = token_file, .actions = actions};
    if (credentials_load(&config, &set, &err))
        fail_msg("%s", err.msg);
    free(key_file);
    free(token_file);
    return set;
}

/* Whoever may less than before has to be cut off. */
static void what_is_taken_away_is_seen(void **state)
{
    struct guard_rig *rig = guard_rig_of(state);
    struct credentials *none = load(rig, NULL, NULL, ACTIONS_READ);
    struct credentials *both = load(rig, "s", READ_TOKEN, ACTIONS_READ);
    struct credentials *more = load(rig, "s", READ_TOKEN, ACTIONS_OPERATE);
    struct credentials *other_key = load(rig, "S", READ_TOKEN, ACTIONS_READ);
    struct credentials *other_token = load(rig, "s", OPERATE_TOKEN, ACTIONS_READ);
    struct credentials *no_key = load(rig, NULL, READ_TOKEN, ACTIONS_READ);

    assert_true(credentials_keep(NULL, none));
    assert_true(credentials_keep(both, both));
    assert_true(credentials_keep(both, more));
    assert_true(credentials_keep(no_key, both));
    assert_true(credentials_keep(both, none)); /* everybody may */
    assert_false(credentials_keep(none, both));
    assert_false(credentials_keep(NULL, both));
    assert_false(credentials_keep(more, both));
    assert_false(credentials_keep(both, other_key));
    assert_false(credentials_keep(both, other_token));
    assert_false(credentials_keep(both, no_key));
    credentials_free(none);
    credentials_free(both);
    credentials_free(more);
    credentials_free(other_key);
    credentials_free(other_token);
    credentials_free(no_key);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, guard_rig_setup, guard_rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(errors_name_key_and_file),
        TEST(a_credential_is_found),
        TEST(what_is_taken_away_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
