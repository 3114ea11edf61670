/* SPDX-License-Identifier: Apache-2.0 */
/* Job files and password files on disk: modes, kinds and sizes; and the examples. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "tests/unit/fixture.h"
#include "tests/unit/jobfile_expect.h"

#define EXAMPLES "config/examples/"

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
    expect_jobs(&file, 1);
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
    expect_jobs(&file, 1);
    jobfile_clear(&file);
    /* What is remembered of a job stays readable when its password is not. */
    assert_int_equal(unlink(secret), 0);
    parse_orders(text, &file);
    expect_jobs(&file, 1);
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
    write_file(path, 0600, MINIMAL_JOB);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inline_password_needs_a_private_file),
        cmocka_unit_test(a_password_file_must_be_readable),
        cmocka_unit_test(passwords_are_read_from_files),
        cmocka_unit_test(only_regular_files_of_a_sane_size_are_read),
        cmocka_unit_test(the_examples_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
