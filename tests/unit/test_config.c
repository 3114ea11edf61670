/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fixture.h"

#include <stdio.h>

#include "daemon/config.h"
#include "lib/base/base.h"

#define ARGS_MAX 16

static char config_path[128];

static void write_config(const char *text)
{
    FILE *f = fopen(config_path, "we");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* args: without the program's name, NULL ends them. */
static bool load(const char *const *args, struct config_command *ret)
{
    char *argv[ARGS_MAX] = {(char[]){"ecmigrated"}};
    int argc = 1;

    for (; *args; args++)
        argv[argc++] = (char *)(uintptr_t)*args;
    return config_load(argc, argv, ret);
}

#define LOAD(ret, ...) load((const char *const[]){__VA_ARGS__, NULL}, (ret))

static char *errors_of(const struct config_command *command)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    config_print_errors(command, out, false);
    fclose(out);
    return text;
}

static void assert_errors(struct config_command *command, const char *part)
{
    char *text = errors_of(command);

    if (!strstr(text, part))
        fail_msg("expected '%s' in:\n%s", part, text);
    free(text);
    config_command_clear(command);
}

static void everything_has_a_default(void **state)
{
    struct config_command c;

    (void)state;
    write_config("");
    assert_true(LOAD(&c, "--config", config_path));
    assert_int_equal(c.action, CONFIG_RUN);
    assert_string_equal(c.config.jobs_dir, "/etc/ecmigrate.d");
    assert_string_equal(c.config.state_dir, "/var/lib/ecmigrate");
    assert_string_equal(c.config.runtime_dir, "/run/ecmigrate");
    assert_int_equal(c.config.log_target, LOG_TARGET_AUTO);
    assert_int_equal(c.config.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(c.config.log_level, LEVEL_INFO);
    assert_int_equal(c.config.max_parallel_syncs, 4);
    assert_int_equal(c.config.max_parallel_syncs_per_host, 1);
    assert_false(endpoint_is_set(&c.config.listen));
    assert_int_equal(c.config.api.n_access_keys + c.config.api.n_tokens, 0);
    assert_null(c.config.api.tls.cert_file);
    config_command_clear(&c);
}

static void the_file_is_read_and_options_win(void **state)
{
    struct config_command c;

    (void)state;
    write_config("jobs_dir: /file/jobs\nstate_dir: /file/state\nlog_level: warn\nlog_format: json\n"
                 "max_parallel_syncs: 9\nmax_parallel_syncs_per_host: 2\n");
    assert_true(LOAD(&c, "--jobs-dir", "/option/jobs", "--log-level=debug", "--config", config_path,
                     "--log-target", "stderr", "--runtime-dir=/r"));
    assert_string_equal(c.config.jobs_dir, "/option/jobs");
    assert_string_equal(c.config.state_dir, "/file/state");
    assert_string_equal(c.config.runtime_dir, "/r");
    assert_int_equal(c.config.log_target, LOG_TARGET_STDERR);
    assert_int_equal(c.config.log_format, LOG_FORMAT_JSON);
    assert_int_equal(c.config.log_level, LEVEL_DEBUG);
    assert_int_equal(c.config.max_parallel_syncs, 9);
    assert_int_equal(c.config.max_parallel_syncs_per_host, 2);
    config_command_clear(&c);
}

static void all_errors_are_reported_at_once(void **state)
{
    struct config_command c;
    char *text, expected[2048];

    (void)state;
    write_config("job_dir: /x\nlog_level: verbose\nmax_parallel_syncs: 0\nlisten: \"::1:80\"\n"
                 "sinks: {}\n");
    assert_false(LOAD(&c, "--config", config_path, "--log-level", "loud", "--job-dirs", "/y",
                      "--listen", "127.0.0.1", "--state-dir", "", "-x"));
    text = errors_of(&c);
    snprintf(
        expected, sizeof(expected),
        "ecmigrated: error[bad-value]: --log-level: 'loud' is none of debug, info, warn, error\n"
        "ecmigrated: error[unknown-option]: unknown option '--job-dirs'\n"
        "      = did you mean '--jobs-dir'?\n"
        "ecmigrated: error[bad-endpoint]: --listen: no port: write host:port\n"
        "ecmigrated: error[bad-value]: --state-dir: 'state_dir' is empty\n"
        "ecmigrated: error[unknown-option]: unknown option '-x'\n"
        "      = see --help\n"
        "ecmigrated: error[unknown-argument]: '/y' is not expected here\n"
        "      = to check job files, write --check before them\n"
        "%s:1:1: error[unknown-key]: unknown key 'job_dir'\n"
        "    1 | job_dir: /x\n"
        "      | ^~~~~~~\n"
        "      = did you mean 'jobs_dir'?\n"
        "%s:2:12: error[bad-value]: 'verbose' is none of debug, info, warn, error\n"
        "    2 | log_level: verbose\n"
        "      |            ^~~~~~~\n"
        "%s:3:21: error[out-of-range]: 0 is outside 1..1000\n"
        "    3 | max_parallel_syncs: 0\n"
        "      |                     ^\n"
        "%s:4:9: error[bad-endpoint]: an IPv6 address needs brackets: [::1]:6379\n"
        "    4 | listen: \"::1:80\"\n"
        "      |         ^~~~~~~~\n"
        "%s:5:1: error[not-supported]: 'sinks' is not supported yet\n"
        "    5 | sinks: {}\n"
        "      | ^~~~~\n"
        "      = leave the key out\n",
        config_path, config_path, config_path, config_path, config_path);
    assert_string_equal(text, expected);
    free(text);
    config_command_clear(&c);
}

/* Word for word what the manual shows. */
static const char documented[] =
    "listen: 127.0.0.1:8600\n"
    "api:\n"
    "  access_keys:\n"
    "    - {id: AKIDEXAMPLE, secret_file: /etc/ecmigrate/secrets/akid, actions: operate}\n"
    "  tokens:\n"
    "    - {name: ops, token_file: /etc/ecmigrate/secrets/ops, actions: read}\n"
    "  tls: {cert_file: , key_file: }\n";

static void who_may_use_the_api_is_read(void **state)
{
    const struct config_api *api;
    struct config_command c;

    (void)state;
    write_config(documented);
    assert_true(LOAD(&c, "--config", config_path));
    api = &c.config.api;
    assert_string_equal(c.config.listen.host, "127.0.0.1");
    assert_int_equal(c.config.listen.port, 8600);
    assert_int_equal(api->n_access_keys, 1);
    assert_string_equal(api->access_keys[0].name, "AKIDEXAMPLE");
    assert_string_equal(api->access_keys[0].file, "/etc/ecmigrate/secrets/akid");
    assert_int_equal(api->access_keys[0].actions, ACTIONS_OPERATE);
    assert_int_equal(api->n_tokens, 1);
    assert_string_equal(api->tokens[0].name, "ops");
    assert_string_equal(api->tokens[0].file, "/etc/ecmigrate/secrets/ops");
    assert_int_equal(api->tokens[0].actions, ACTIONS_READ);
    assert_null(api->tls.cert_file);
    assert_null(api->tls.key_file);
    config_command_clear(&c);

    assert_true(LOAD(&c, "--config", config_path, "--listen", "[::1]:1"));
    assert_string_equal(c.config.listen.host, "::1");
    config_command_clear(&c);

    write_config("api:\n"
                 "  access_keys: [{id: a_1, credential: key}]\n"
                 "  tls: {cert_file: /c, key_file: /k}\n");
    assert_true(LOAD(&c, "--config", config_path));
    assert_string_equal(c.config.api.access_keys[0].credential, "key");
    assert_int_equal(c.config.api.access_keys[0].actions, ACTIONS_READ);
    assert_string_equal(c.config.api.tls.cert_file, "/c");
    assert_string_equal(c.config.api.tls.key_file, "/k");
    config_command_clear(&c);
}

static void mistakes_about_the_api_are_pointed_at(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"access_keys: [{id: a-b, secret_file: /x}]",
         "error[bad-name]: 'id' may hold letters, digits and any of _ only"},
        {"tokens: [{name: 'a b', token_file: /x}]",
         "error[bad-name]: 'name' may hold letters, digits and any of ._- only"},
        {"access_keys: [{secret_file: /x}]", "error[missing-key]: an access key needs 'id'"},
        {"access_keys: [{id: a}]", "error[no-secret]: add 'secret_file' or 'credential'"},
        {"tokens: [{name: a, token_file: /x, credential: y}]",
         "error[two-secrets]: 'token_file' and 'credential' are both given\n"
         "    2 |   tokens: [{name: a, token_file: /x, credential: y}]\n"},
        {"access_keys: [{id: a, credential: x}, {id: a, credential: y}]",
         "error[duplicate-name]: 'a' is there already, in line 2"},
        {"tokens: [{name: a, credential: x}, {name: b, credential: x}, {name: a, credential: y}]",
         ":2:71: error[duplicate-name]: 'a' is there already, in line 2"},
        {"access_keys: [{id: a, secret_file: x}]",
         "error[bad-path]: 'secret_file' must be an absolute path"},
        {"access_keys: [{id: a, credential: x, actions: write}]",
         "error[bad-value]: 'write' is none of read, operate"},
        {"access_keys: [AKIDEXAMPLE]", "error[wrong-type]: 'access_keys' is a list of maps"},
        {"access_keys: [{id: a, secret_file: }]", "error[no-value]: 'secret_file' has no value"},
        {"tls: {cert_file: /x}", "error[no-key]: a certificate without its private key"},
        {"tls: {cert_file: , key_file: /x}",
         "error[no-certificate]: a private key without its certificate"},
    };

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *text = xasprintf("api:\n  %s\n", rows[i].text);
        struct config_command c;

        write_config(text);
        assert_false(LOAD(&c, "--config", config_path));
        assert_errors(&c, rows[i].error);
    }
}

static void a_secret_in_the_wrong_place_is_not_shown(void **state)
{
    static const char *const rows[] = {"{id: a, secret: hunter2}", "{id: a, secret_file: hunter2}",
                                       "{id: a, scret: hunter2}"};
    struct config_command c;

    (void)state;
    for (size_t i = 0; i < array_len(rows); i++) {
        cleanup(freep) char *text = xasprintf("api:\n  access_keys:\n    - %s\n", rows[i]);
        char *errors;

        write_config(text);
        assert_false(LOAD(&c, "--config", config_path));
        errors = errors_of(&c);
        assert_non_null(strstr(errors, "error["));
        assert_null(strstr(errors, "hunter2"));
        free(errors);
        config_command_clear(&c);
    }
}

static void there_is_a_limit_to_keys(void **state)
{
    struct config_command c;
    char *text = xstrdup("api:\n  access_keys:\n");

    (void)state;
    for (int i = 0; i <= CONFIG_ACCESS_KEYS_MAX; i++) {
        char *longer = xasprintf("%s    - {id: k%d, credential: k}\n", text, i);

        free(text);
        text = longer;
    }
    write_config(text);
    free(text);
    assert_false(LOAD(&c, "--config", config_path));
    assert_errors(&c, ":35:7: error[too-many]: 'access_keys' takes at most 32");
}

static void a_named_file_must_be_there(void **state)
{
    struct config_command c;

    (void)state;
    assert_false(LOAD(&c, "--config", "/nonexistent/x.yaml"));
    assert_errors(&c, "/nonexistent/x.yaml: error[unreadable]: cannot be read: No such file");
    assert_false(LOAD(&c, "--config", "/dev/null"));
    assert_errors(&c, "not a regular file");
    assert_false(LOAD(&c, "--config"));
    assert_errors(&c, "error[no-value]: '--config' needs a value");
    write_config("log_level: info\n---\nlog_level: warn\n");
    assert_false(LOAD(&c, "--config", config_path));
    assert_errors(&c, ":3:1: error[too-many-documents]: the config file holds one document");
}

static void commands_need_no_config_file(void **state)
{
    struct config_command c;

    (void)state;
    assert_true(LOAD(&c, "--help", "--config", "/nonexistent/x.yaml"));
    assert_int_equal(c.action, CONFIG_HELP);
    config_command_clear(&c);
    assert_true(LOAD(&c, "--version"));
    assert_int_equal(c.action, CONFIG_VERSION);
    config_command_clear(&c);
    assert_true(LOAD(&c, "--check", "a.yaml", "b.yaml"));
    assert_int_equal(c.action, CONFIG_CHECK);
    assert_int_equal(c.n_check_files, 2);
    assert_string_equal(c.check_files[1], "b.yaml");
    config_command_clear(&c);
    assert_false(LOAD(&c, "--check"));
    assert_errors(&c, "'--check' needs at least one file");
}

static void help_names_every_option(void **state)
{
    static const char *const options[] = {"--config FILE",
                                          "--jobs-dir DIR",
                                          "--state-dir DIR",
                                          "--runtime-dir DIR",
                                          "--log-target journal|stderr",
                                          "--log-format text|json",
                                          "--log-level LEVEL",
                                          "--check",
                                          "--listen HOST:PORT",
                                          "--help",
                                          "--version"};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    config_print_help(out);
    fclose(out);
    for (size_t i = 0; i < array_len(options); i++) {
        if (!strstr(text, options[i]))
            fail_msg("no '%s' in:\n%s", options[i], text);
    }
    free(text);
}

static void some_settings_change_while_running(void **state)
{
    struct config_command a, b;

    (void)state;
    write_config("log_level: warn\n");
    assert_true(LOAD(&a, "--config", config_path));
    assert_true(LOAD(&b, "--config", config_path, "--log-level", "debug"));
    assert_null(config_needs_restart(&a.config, &b.config));
    config_command_clear(&b);
    assert_true(LOAD(&b, "--config", config_path, "--state-dir", "/x"));
    assert_string_equal(config_needs_restart(&a.config, &b.config), "state_dir");
    config_command_clear(&b);
    assert_true(LOAD(&b, "--config", config_path, "--listen", "127.0.0.1:1"));
    assert_string_equal(config_needs_restart(&a.config, &b.config), "listen");
    config_command_clear(&b);
    write_config("api: {tokens: [{name: a, credential: b}], tls: {cert_file: /c, key_file: /k}}\n"
                 "log_level: warn\n");
    assert_true(LOAD(&b, "--config", config_path));
    assert_null(config_needs_restart(&a.config, &b.config));
    config_command_clear(&b);
    config_command_clear(&a);
}

static void the_example_shows_the_defaults(void **state)
{
    struct config_command example, defaults;

    (void)state;
    write_config("");
    assert_true(LOAD(&example, "--config", "config/ecmigrated.yaml"));
    assert_true(LOAD(&defaults, "--config", config_path));
    assert_null(schema_differs(&config_schema, &example.config, &defaults.config, 0));
    config_command_clear(&example);
    config_command_clear(&defaults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_a_default),
        cmocka_unit_test(the_file_is_read_and_options_win),
        cmocka_unit_test(all_errors_are_reported_at_once),
        cmocka_unit_test(who_may_use_the_api_is_read),
        cmocka_unit_test(mistakes_about_the_api_are_pointed_at),
        cmocka_unit_test(a_secret_in_the_wrong_place_is_not_shown),
        cmocka_unit_test(there_is_a_limit_to_keys),
        cmocka_unit_test(a_named_file_must_be_there),
        cmocka_unit_test(commands_need_no_config_file),
        cmocka_unit_test(help_names_every_option),
        cmocka_unit_test(some_settings_change_while_running),
        cmocka_unit_test(the_example_shows_the_defaults),
    };
    char dir[TEMP_DIR_MAX];
    int failed;

    temp_dir_make(dir);
    snprintf(config_path, sizeof(config_path), "%s/ecmigrated.yaml", dir);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    temp_dir_remove(dir);
    return failed;
}
