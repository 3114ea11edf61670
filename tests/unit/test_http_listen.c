/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets a server listens on: what may be in the way, and who may connect. */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/http/listen.h"
#include "tests/unit/fixture.h"

struct place {
    char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 8];
};

static int setup(void **state)
{
    struct place *p = xcalloc(1, sizeof(*p));

    temp_dir_make(p->dir);
    snprintf(p->path, sizeof(p->path), "%s/sock", p->dir);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    temp_dir_remove(p->dir);
    free(p);
    return 0;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_mode_does_not_depend_on_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 0777};
    struct place *p = *state;
    struct err err;
    int fd;

    for (size_t i = 0; i < array_len(masks); i++) {
        mode_t old = umask(masks[i]);
        int failed = http_listen_unix(p->path, 0660, "no-such-group", &fd, &err);

        umask(old);
        assert_int_equal(failed, 0);
        assert_int_equal(mode_of(p->path), 0660);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd); /* the socket stays behind, as after a crash, and is replaced */
    }
}

static void test_group(void **state)
{
    struct place *p = *state;
    struct group *group = getgrnam("daemon");
    struct stat st;
    struct err err;
    int fd;

    if (geteuid() != 0 || !group) { /* only root may give files away */
        skip();
        return;
    }
    assert_int_equal(http_listen_unix(p->path, 0660, "daemon", &fd, &err), 0);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_gid, group->gr_gid);
    close(fd);
}

static void test_what_is_in_the_way(void **state)
{
    struct place *p = *state;
    char plain[TEMP_DIR_MAX + 8], long_path[300];
    struct err err;
    int fd, second = -1;

    assert_int_equal(http_listen_unix(p->path, 0660, NULL, &fd, &err), 0);
    assert_int_equal(http_listen_unix(p->path, 0660, NULL, &second, &err), ERR_BUSY);
    assert_non_null(strstr(err.msg, p->path));
    assert_int_equal(second, -1);
    close(fd);

    snprintf(plain, sizeof(plain), "%s/plain", p->dir);
    fd = open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    assert_int_equal(http_listen_unix(plain, 0660, NULL, &fd, &err), ERR_EXISTS);
    assert_int_equal(access(plain, F_OK), 0);

    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(http_listen_unix(long_path, 0660, NULL, &fd, &err), ERR_LIMIT);
    assert_int_equal(http_listen_unix("/nonexistent/sock", 0660, NULL, &fd, &err), ERR_NOT_FOUND);
}

static void test_tcp(void **state)
{
    struct endpoint ep = {.host = "127.0.0.1", .port = free_port()};
    struct endpoint nowhere = {.host = "no-such-host.invalid", .port = 1};
    struct err err;
    int fd, second;

    (void)state;
    assert_int_equal(http_listen_tcp(&ep, &fd, &err), 0);
    assert_int_equal(http_listen_tcp(&ep, &second, &err), ERR_BUSY);
    close(fd);
    assert_int_equal(http_listen_tcp(&nowhere, &fd, &err), ERR_RESOLVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mode_does_not_depend_on_the_umask, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_in_the_way, setup, teardown),
        cmocka_unit_test(test_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
