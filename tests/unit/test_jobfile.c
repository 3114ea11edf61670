/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/spec/jobfile.h"
#include "lib/base/base.h"

#define EXAMPLES "config/examples/"

/* --- helpers --- */

static void write_file(const char *path, mode_t mode, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void path_in(char ret[128], const char *dir, const char *name)
{
    snprintf(ret, 128, "%s/%s", dir, name);
}

static void parse(const char *text, struct jobfile *ret)
{
    jobfile_parse("/etc/ecmigrate.d/orders.yaml", text, strlen(text), ret);
}

static void assert_good(const struct jobfile *file, unsigned n_specs)
{
    if (!jobfile_ok(file))
        diags_print(&file->diags, stderr, false);
    assert_true(jobfile_ok(file));
    assert_int_equal(file->n_specs, n_specs);
}

/* The text must be refused, with exactly this. */
static void assert_diagnostics(const char *text, const char *expected)
{
    struct jobfile file;
    char *rendered;

    parse(text, &file);
    assert_false(jobfile_ok(&file));
    assert_int_equal(file.n_specs, 0);
    rendered = diags_render(&file.diags);
    assert_string_equal(rendered, expected);
    free(rendered);
    jobfile_clear(&file);
}

/* The text must be refused, with this among other things. */
static void assert_refused(const char *text, const char *part)
{
    struct jobfile file;
    char *rendered;

    parse(text, &file);
    assert_false(jobfile_ok(&file));
    rendered = diags_render(&file.diags);
    if (!strstr(rendered, part))
        fail_msg("expected '%s' in:\n%s", part, rendered);
    free(rendered);
    jobfile_clear(&file);
}

static void assert_unreadable(const char *path, enum err_code code, const char *part)
{
    struct jobfile file;
    struct err err;
    uint64_t start = uv_hrtime();

    assert_int_equal(jobfile_read(path, &file, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("expected '%s' in: %s", part, err.msg);
    assert_true(uv_hrtime() - start < UINT64_C(500000000));
}

#define MINIMAL "source: {endpoint: \"10.0.0.241:6379\"}\ntarget: {endpoint: \"10.0.1.7:6379\"}\n"

/* --- what is accepted --- */

static void the_smallest_job_has_all_defaults(void **state)
{
    struct jobfile file;
    const struct spec *s;

    (void)state;
    parse(MINIMAL, &file);
    assert_good(&file, 1);
    s = file.specs[0];
    assert_string_equal(s->id, "orders");
    assert_null(s->description);
    assert_string_equal(s->file, "/etc/ecmigrate.d/orders.yaml");
    assert_string_equal(s->text, MINIMAL);
    assert_non_null(s->text);
    assert_true(s->has_source);
    assert_string_equal(s->source.endpoint.host, "10.0.0.241");
    assert_true(endpoint_equal(&s->source.endpoint, &s->source.reachable_as));
    assert_string_equal(s->target.endpoint.host, "10.0.1.7");
    assert_false(s->target.allow_flush);
    assert_int_equal(s->target.n_replicas, 0);
    assert_true(s->start_auto);
    assert_int_equal(s->attach.attempts, 5);
    assert_int_equal(s->attach.timeout_ms, 30000);
    assert_int_equal(s->attach.backoff_initial_ms, 1000);
    assert_int_equal(s->attach.backoff_max_ms, 30000);
    assert_int_equal(s->sync.stall_timeout_ms, 120000);
    assert_true(s->sync.tune);
    assert_false(s->cutover.mode_auto);
    assert_int_equal(s->cutover.max_lag, 1048576);
    assert_int_equal(s->cutover.pause_ms, 5000);
    assert_int_equal(s->cutover.attempts, 5);
    assert_true(s->cutover.reverse);
    assert_false(s->cutover.drain_clients);
    jobfile_clear(&file);
}

static void every_key_is_taken(void **state)
{
    static const char text[] =
        "replication_group: test-1\n"
        "description: orders cache\n"
        "source:\n"
        "  endpoint: \"[::1]:1\"\n"
        "  reachable_as: nat:2\n"
        "  username: u\n"
        "  password: p\n"
        "  replication_user: {username: r, password: q}\n"
        "target:\n"
        "  endpoint: t:3\n"
        "  replicas: [r1:4, r2:5]\n"
        "  allow_flush: true\n"
        "start: manual\n"
        "attach: {attempts: 100, timeout: 1m, backoff_initial: 20ms, backoff_max: 20ms}\n"
        "sync: {stall_timeout: 1h, tune: false}\n"
        "cutover: {mode: auto, max_lag: 0, pause: 60s, attempts: 1, reverse: false,\n"
        "          drain_clients: true}\n";
    struct jobfile file;
    const struct spec *s;

    (void)state;
    parse(text, &file);
    assert_good(&file, 1);
    s = file.specs[0];
    assert_string_equal(s->id, "test-1");
    assert_string_equal(s->description, "orders cache");
    assert_string_equal(s->source.endpoint.host, "::1");
    assert_string_equal(s->source.reachable_as.host, "nat");
    assert_string_equal(s->source.auth.username, "u");
    assert_string_equal(s->source.auth.password, "p");
    assert_true(s->source.has_replication_user);
    assert_string_equal(spec_replication_auth(&s->source)->username, "r");
    assert_ptr_equal(spec_replication_auth(&s->target), &s->target.auth);
    assert_int_equal(s->target.n_replicas, 2);
    assert_string_equal(s->target.replicas[1].host, "r2");
    assert_true(s->target.allow_flush);
    assert_false(s->start_auto);
    assert_int_equal(s->attach.attempts, 100);
    assert_int_equal(s->attach.backoff_max_ms, 20);
    assert_int_equal(s->sync.stall_timeout_ms, 3600000);
    assert_false(s->sync.tune);
    assert_true(s->cutover.mode_auto);
    assert_int_equal(s->cutover.max_lag, 0);
    assert_int_equal(s->cutover.pause_ms, 60000);
    assert_false(s->cutover.reverse);
    assert_true(s->cutover.drain_clients);
    jobfile_clear(&file);
}

static void a_source_is_not_needed(void **state)
{
    struct jobfile file;

    (void)state;
    parse("target: {endpoint: t:1}\n", &file);
    assert_good(&file, 1);
    assert_false(file.specs[0]->has_source);
    jobfile_clear(&file);
    /* The log-in for a source that start will name. */
    parse("source: {password: x}\ntarget: {endpoint: t:1}\n", &file);
    assert_good(&file, 1);
    assert_false(file.specs[0]->has_source);
    jobfile_clear(&file);
}

static void documents_are_jobs(void **state)
{
    static const char text[] = "target: {endpoint: a:1}\n"
                               "---\nreplication_group: b\ntarget: {endpoint: b:1}\n"
                               "---\nreplication_group: c\ntarget: {endpoint: c:1}\n---\n";
    struct jobfile file, again;

    (void)state;
    parse(text, &file);
    assert_good(&file, 3);
    assert_string_equal(file.specs[0]->id, "orders");
    assert_string_equal(file.specs[2]->id, "c");
    assert_int_equal(file.specs[2]->document, 2);
    assert_string_not_equal(file.specs[1]->text, file.specs[2]->text);
    /* Each remembers a text that says the same all by itself. */
    for (unsigned i = 0; i < 3; i++) {
        parse(file.specs[i]->text, &again);
        assert_good(&again, 1);
        assert_string_equal(again.specs[0]->id, file.specs[i]->id);
        assert_string_equal(again.specs[0]->text, file.specs[i]->text);
        jobfile_clear(&again);
    }
    jobfile_clear(&file);
}

static void a_name_is_a_job_file_or_not(void **state)
{
    (void)state;
    assert_true(jobfile_is_name("a.yaml"));
    assert_true(jobfile_is_name("a.b.yml"));
    assert_false(jobfile_is_name(".yaml"));
    assert_false(jobfile_is_name(".a.yaml"));
    assert_false(jobfile_is_name("a.yaml~"));
    assert_false(jobfile_is_name("a.yaml.swp"));
    assert_false(jobfile_is_name(".a.yaml.swp"));
    assert_false(jobfile_is_name("a.yaml.dpkg-new"));
    assert_false(jobfile_is_name("a.dpkg-old.yaml"));
    assert_false(jobfile_is_name("a.json"));
    assert_false(jobfile_is_name("yaml"));
}

/* --- what is not --- */

static void all_errors_of_a_file_are_reported(void **state)
{
    (void)state;
    assert_diagnostics(
        "source: {endpoint: \"10.0.0.241:6379\", pasword: hunter2}\n"
        "target:\n"
        "  # the new one\n"
        "  endpoint: \"10.0.0.241:70000\"\n"
        "  tls: {enabled: true}\n"
        "  password: hunter2\n"
        "  password: hunter3\n"
        "attach: {attempts: 101, backoff_initial: 40s, backoff_max: 5s}\n"
        "cutover: {pause: 99ms, attempts: 0}\n"
        "notify: []\n",
        "/etc/ecmigrate.d/orders.yaml:1:39: error[unknown-key]: unknown key 'pasword'\n"
        "    1 | source: {endpoint: \"10.0.0.241:6379\", pasword: ********}\n"
        "      |                                       ^~~~~~~\n"
        "      = did you mean 'password'?\n"
        "/etc/ecmigrate.d/orders.yaml:4:13: error[bad-endpoint]: port 70000 is outside 1..65535\n"
        "    4 |   endpoint: \"10.0.0.241:70000\"\n"
        "      |             ^~~~~~~~~~~~~~~~~~\n"
        "/etc/ecmigrate.d/orders.yaml:5:3: error[not-supported]: 'tls' is not supported yet\n"
        "    5 |   tls: {enabled: true}\n"
        "      |   ^~~\n"
        "      = leave the key out\n"
        "/etc/ecmigrate.d/orders.yaml:7:3: error[duplicate-key]: 'password' is given twice\n"
        "    7 |   password: ********\n"
        "      |   ^~~~~~~~\n"
        "      = the first is in line 6\n"
        "/etc/ecmigrate.d/orders.yaml:8:20: error[out-of-range]: 101 is outside 1..100\n"
        "    8 | attach: {attempts: 101, backoff_initial: 40s, backoff_max: 5s}\n"
        "      |                    ^~~\n"
        "/etc/ecmigrate.d/orders.yaml:8:60: error[out-of-range]: backoff_max, 5s, is shorter than "
        "backoff_initial, 40s\n"
        "    8 | attach: {attempts: 101, backoff_initial: 40s, backoff_max: 5s}\n"
        "      |                                                            ^~\n"
        "/etc/ecmigrate.d/orders.yaml:9:18: error[out-of-range]: 99ms is outside 100ms..1m\n"
        "    9 | cutover: {pause: 99ms, attempts: 0}\n"
        "      |                  ^~~~\n"
        "/etc/ecmigrate.d/orders.yaml:9:34: error[out-of-range]: 0 is outside 1..100\n"
        "    9 | cutover: {pause: 99ms, attempts: 0}\n"
        "      |                                  ^\n"
        "/etc/ecmigrate.d/orders.yaml:10:1: error[not-supported]: 'notify' is not supported yet\n"
        "   10 | notify: []\n"
        "      | ^~~~~~\n"
        "      = leave the key out\n");
}

static void later_keys_are_refused_by_name(void **state)
{
    (void)state;
    assert_refused(MINIMAL "verify: {mode: none}\n", ":3:1: error[not-supported]: 'verify' is not");
    assert_refused(MINIMAL "checks: {waive: []}\n", ":3:1: error[not-supported]: 'checks' is not");
    assert_refused(MINIMAL "notify: [x]\n", ":3:1: error[not-supported]: 'notify' is not");
    assert_refused("target: {endpoint: a:1, tls: {}}\n",
                   ":1:25: error[not-supported]: 'tls' is not");
}

static void keys_belong_where_they_belong(void **state)
{
    (void)state;
    assert_refused("source: {endpoint: a:1, allow_flush: true}\ntarget: {endpoint: b:1}\n",
                   ":1:25: error[unknown-key]: unknown key 'allow_flush'");
    assert_refused("source: {endpoint: a:1}\n", ":1:1: error[missing-key]: a job needs 'target'");
    assert_refused("source: {endpoint: a:1}\ntarget: {password: x}\n",
                   ":2:1: error[missing-key]: target needs 'endpoint'");
    assert_refused("replication-group: a\ntarget: {endpoint: b:1}\n",
                   "did you mean 'replication_group'?");
    assert_refused("- a\n", "error[wrong-type]: a job must be a map of keys, not a list");
    assert_refused("", "/etc/ecmigrate.d/orders.yaml: error[empty]: there is no job in this file");
    assert_refused("# nothing\n---\n", "error[empty]");
}

static void a_job_needs_a_name(void **state)
{
    static const char text[] = "target: {endpoint: b:1}\n";
    struct jobfile file;
    char *rendered;

    (void)state;
    jobfile_parse("/x/Orders.old.yaml", text, strlen(text), &file);
    assert_false(jobfile_ok(&file));
    rendered = diags_render(&file.diags);
    assert_string_equal(rendered,
                        "/x/Orders.old.yaml:1:1: error[bad-name]: the file's name cannot serve as "
                        "the name of the job: 'Orders.old' does not begin with a letter a-z\n"
                        "    1 | target: {endpoint: b:1}\n"
                        "      | ^\n"
                        "      = set replication_group: lower-case letters, digits and hyphens, a "
                        "letter first, at most 40\n");
    free(rendered);
    jobfile_clear(&file);
    assert_refused("replication_group: a_b\ntarget: {endpoint: b:1}\n", ":1:20: error[bad-name]");
    assert_refused("replication_group: a2345678901234567890123456789012345678901\n"
                   "target: {endpoint: b:1}\n",
                   "has more than 40 characters");
    assert_refused("target: {endpoint: a:1}\n---\ntarget: {endpoint: b:1}\n",
                   ":3:1: error[missing-key]: each further job in a file needs");
    assert_refused("target: {endpoint: a:1}\n---\nreplication_group: orders\n"
                   "target: {endpoint: b:1}\n",
                   ":3:20: error[duplicate-job]: another job of this file is called 'orders'");
}

static void source_and_target_must_differ(void **state)
{
    (void)state;
    assert_refused("source: {endpoint: Host:1}\ntarget: {endpoint: host:1}\n",
                   ":2:20: error[same-endpoint]: source and target are the same");
}

static void one_password_is_enough(void **state)
{
    (void)state;
    assert_refused("target: {endpoint: a:1, password: x, credential: y}\n",
                   ":1:25: error[two-passwords]: 'credential' and 'password' are both given");
    assert_refused("target: {endpoint: a:1, username: x}\n",
                   ":1:25: error[no-password]: a user name without a password");
    assert_refused("target: {endpoint: a:1, replication_user: {username: x}}\n",
                   ":1:44: error[no-password]: a user name without a password");
    assert_refused("target: {endpoint: a:1, replication_user: {}}\n", "error[no-password]");
    assert_refused("target: {endpoint: a:1, password_file: hunter2}\n",
                   "    1 | target: {endpoint: a:1, password_file: ********}\n");
    assert_refused("target: {endpoint: 'u:hunter2@a:1'}\n",
                   "write host:port only; user and password have keys of their own\n"
                   "    1 | target: {endpoint: ********}\n");
}

/* --- files --- */

static void an_inline_password_needs_a_private_file(void **state)
{
    static const char text[] = "target:\n  endpoint: a:1\n  password: hunter2\n"
                               "  replication_user: {password: hunter2}\n";
    char dir[TEMP_DIR_MAX], path[128], expected[512], *rendered;
    struct jobfile file;
    struct err err;

    (void)state;
    temp_dir_make(dir);
    path_in(path, dir, "a.yaml");
    write_file(path, 0644, text);
    assert_int_equal(jobfile_read(path, &file, &err), 0);
    rendered = diags_render(&file.diags);
    snprintf(
        expected, sizeof(expected),
        "%s:3:3: error[readable-by-others]: a file with a password in it must not be readable by "
        "others; its mode is 0644\n"
        "    3 |   password: ********\n"
        "      |   ^~~~~~~~\n"
        "      = chmod o-rwx %s, or use password_file or credential\n",
        path, path);
    assert_memory_equal(rendered, expected, strlen(expected));
    assert_non_null(strstr(rendered, ":4:22: error[readable-by-others]"));
    assert_null(strstr(rendered, "hunter2"));
    free(rendered);
    jobfile_clear(&file);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(jobfile_read(path, &file, &err), 0);
    assert_good(&file, 1);
    jobfile_clear(&file);
    temp_dir_remove(dir);
}

static void a_password_file_must_be_readable(void **state)
{
    char dir[TEMP_DIR_MAX], path[128], secret[128], text[512], *rendered;
    struct jobfile file;
    struct err err;

    (void)state;
    temp_dir_make(dir);
    path_in(path, dir, "a.yaml");
    path_in(secret, dir, "secret");
    snprintf(text, sizeof(text), "target:\n  endpoint: a:1\n  username: u\n  password_file: %s\n",
             secret);
    write_file(path, 0644, text);
    assert_int_equal(jobfile_read(path, &file, &err), 0);
    rendered = diags_render(&file.diags);
    assert_non_null(strstr(rendered, ":4:18: error[password-file]: /"));
    assert_non_null(strstr(rendered, "No such file"));
    free(rendered);
    jobfile_clear(&file);
    write_file(secret, 0600, "hunter2\n");
    assert_int_equal(jobfile_read(path, &file, &err), 0);
    assert_good(&file, 1);
    jobfile_clear(&file);
    /* What is remembered of a job stays readable when its password is not. */
    assert_int_equal(unlink(secret), 0);
    parse(text, &file);
    assert_good(&file, 1);
    jobfile_clear(&file);
    temp_dir_remove(dir);
}

static void passwords_are_read_from_files(void **state)
{
    char dir[TEMP_DIR_MAX], path[128], big[4200], *password = NULL;
    struct spec_auth none = {.username = NULL}, file = {.password_file = path};
    struct spec_auth credential = {.credential = (char[]){"token"}};
    struct spec_auth outside = {.credential = (char[]){"../token"}};
    struct err err;

    (void)state;
    temp_dir_make(dir);
    path_in(path, dir, "token");
    assert_int_equal(spec_auth_read(&none, &password, &err), 0);
    assert_null(password);
    write_file(path, 0600, "hunter2\n\n");
    assert_int_equal(spec_auth_read(&file, &password, &err), 0);
    assert_string_equal(password, "hunter2\n"); /* one newline is cut, no more */
    secret_free(password);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(spec_auth_read(&credential, &password, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "LoadCredential="));
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    assert_int_equal(spec_auth_read(&credential, &password, &err), 0);
    secret_free(password);
    assert_int_equal(spec_auth_read(&outside, &password, &err), ERR_INVALID);
    unsetenv("CREDENTIALS_DIRECTORY");

    write_file(path, 0600, "\n");
    assert_int_equal(spec_auth_read(&file, &password, &err), ERR_INVALID);
    memset(big, 'x', sizeof(big) - 1);
    big[4096] = '\n';
    big[4097] = '\0';
    write_file(path, 0600, big);
    assert_int_equal(spec_auth_read(&file, &password, &err), 0);
    assert_int_equal(strlen(password), 4096);
    secret_free(password);
    big[4096] = 'x';
    write_file(path, 0600, big);
    assert_int_equal(spec_auth_read(&file, &password, &err), ERR_LIMIT);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(truncate(path, 20), 0);
    assert_int_equal(spec_auth_read(&file, &password, &err), ERR_INVALID); /* NUL bytes */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(spec_auth_read(&file, &password, &err), ERR_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(spec_auth_read(&file, &password, &err), ERR_NOT_FOUND);
    temp_dir_remove(dir);
}

static void only_regular_files_of_a_sane_size_are_read(void **state)
{
    char dir[TEMP_DIR_MAX], path[128], link[128];
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd;

    (void)state;
    temp_dir_make(dir);
    assert_unreadable(dir, ERR_INVALID, "a directory");
    assert_unreadable("/dev/null", ERR_INVALID, "a device");
    path_in(path, dir, "missing.yaml");
    assert_unreadable(path, ERR_NOT_FOUND, "No such file");
    path_in(path, dir, "fifo.yaml");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_unreadable(path, ERR_INVALID, "a FIFO");
    path_in(path, dir, "socket.yaml");
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(str_copy(addr.sun_path, sizeof(addr.sun_path), path));
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_unreadable(path, ERR_INVALID, "a socket");
    close(fd);
    path_in(path, dir, "huge.yaml");
    write_file(path, 0600, MINIMAL);
    assert_int_equal(truncate(path, (off_t)1 << 30), 0);
    assert_unreadable(path, ERR_LIMIT, "larger than 256 KiB");
    path_in(link, dir, "link.yaml");
    assert_int_equal(symlink(path, link), 0);
    assert_unreadable(link, ERR_INVALID, "a symbolic link");
    temp_dir_remove(dir);
}

static void the_examples_are_right(void **state)
{
    static const char *const examples[] = {"minimal.yaml", "full.yaml", "auth.yaml"};
    static const char *const secrets[] = {"orders-source", "orders-replica", "orders-target"};
    char dir[TEMP_DIR_MAX], path[128];

    (void)state;
    temp_dir_make(dir);
    for (size_t i = 0; i < array_len(secrets); i++) {
        path_in(path, dir, secrets[i]);
        write_file(path, 0600, "x\n");
    }
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    for (size_t i = 0; i < array_len(examples); i++) {
        snprintf(path, sizeof(path), EXAMPLES "%s", examples[i]);
        assert_true(jobfile_check(path, stderr, false));
    }
    unsetenv("CREDENTIALS_DIRECTORY");
    temp_dir_remove(dir);
}

/* --- specs --- */

static const char *const changes[][2] = {
    /* safe */
    {"a", "description: x\n"},
    {"a", "attach: {attempts: 9, timeout: 9s, backoff_initial: 2s, backoff_max: 9s}\n"},
    {"a", "sync: {stall_timeout: 9s}\n"},
    {"a", "cutover: {mode: auto, max_lag: 1, pause: 1s, attempts: 9, reverse: false}\n"},
    {"a", "cutover: {drain_clients: true}\n"},
    {NULL, NULL},
    /* not safe */
    {"b", ""},
    {"a", "start: manual\n"},
    {"a", "sync: {tune: false}\n"},
    {"a", "source: {endpoint: s:1}\n"},
    {"a", "source: {password: x}\n"},
    {"a", "replication_group: other\n"},
};

static void only_what_is_safe_may_change(void **state)
{
    struct jobfile before, after;
    bool safe = true;
    char text[256];

    (void)state;
    parse("target: {endpoint: a:1}\n", &before);
    assert_good(&before, 1);
    assert_true(spec_safe_change(before.specs[0], before.specs[0]));
    for (size_t i = 0; i < array_len(changes); i++) {
        if (!changes[i][0]) {
            safe = false;
            continue;
        }
        snprintf(text, sizeof(text), "target: {endpoint: %s:1}\n%s", changes[i][0], changes[i][1]);
        parse(text, &after);
        assert_good(&after, 1);
        if (spec_safe_change(before.specs[0], after.specs[0]) != safe)
            fail_msg("should %sbe safe:\n%s", safe ? "" : "not ", text);
        jobfile_clear(&after);
    }
    jobfile_clear(&before);
}

static void a_copy_is_independent(void **state)
{
    struct jobfile file;
    struct spec *copy;

    (void)state;
    parse("description: d\ntarget: {endpoint: a:1, password: p, replication_user: {password: q}}\n",
          &file);
    assert_good(&file, 1);
    copy = spec_dup(file.specs[0]);
    jobfile_clear(&file);
    assert_string_equal(copy->description, "d");
    assert_string_equal(copy->file, "/etc/ecmigrate.d/orders.yaml");
    assert_string_equal(copy->target.auth.password, "p");
    assert_string_equal(copy->target.replication_user.password, "q");
    assert_non_null(copy->text);
    spec_free(copy);
    spec_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_job_has_all_defaults),
        cmocka_unit_test(every_key_is_taken),
        cmocka_unit_test(a_source_is_not_needed),
        cmocka_unit_test(documents_are_jobs),
        cmocka_unit_test(a_name_is_a_job_file_or_not),
        cmocka_unit_test(all_errors_of_a_file_are_reported),
        cmocka_unit_test(later_keys_are_refused_by_name),
        cmocka_unit_test(keys_belong_where_they_belong),
        cmocka_unit_test(a_job_needs_a_name),
        cmocka_unit_test(source_and_target_must_differ),
        cmocka_unit_test(one_password_is_enough),
        cmocka_unit_test(an_inline_password_needs_a_private_file),
        cmocka_unit_test(a_password_file_must_be_readable),
        cmocka_unit_test(passwords_are_read_from_files),
        cmocka_unit_test(only_regular_files_of_a_sane_size_are_read),
        cmocka_unit_test(the_examples_are_right),
        cmocka_unit_test(only_what_is_safe_may_change),
        cmocka_unit_test(a_copy_is_independent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
