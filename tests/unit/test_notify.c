/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told: the notification socket and the journal's, each played by the test. */
#include "tests/unit/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/base.h"
#include "lib/sd/journal.h"
#include "lib/sd/notify.h"

/* The manager's end. */
struct manager {
    int fd;
    char dir[TEMP_DIR_MAX];
    char text[1024]; /* what was received last */
};

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    str_copy(address.sun_path, sizeof(address.sun_path), path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
        return -1;
    return fd;
}

static void manager_start(struct manager *m)
{
    char path[TEMP_DIR_MAX + 16];

    temp_dir_make(m->dir);
    snprintf(path, sizeof(path), "%s/notify", m->dir);
    m->fd = listen_at(path);
    assert_true(m->fd >= 0);
    setenv("NOTIFY_SOCKET", path, 1);
}

static void manager_end(struct manager *m)
{
    unsetenv("NOTIFY_SOCKET");
    close(m->fd);
    temp_dir_remove(m->dir);
}

/* Reads the next message; false when there is none. */
static bool heard(void *arg)
{
    struct manager *m = arg;
    ssize_t n = recv(m->fd, m->text, sizeof(m->text) - 1, 0);

    m->text[n < 0 ? 0 : n] = '\0';
    return n >= 0;
}

static void test_messages(void **state)
{
    struct fixture *f = *state;
    struct manager m;
    struct notify *notify = notify_new(&f->loop);
    long long usec;
    struct timespec ts;

    manager_start(&m);
    notify_ready(notify);
    assert_true(heard(&m));
    assert_string_equal(m.text, "READY=1");
    notify_reloading(notify);
    assert_true(heard(&m));
    assert_int_equal(sscanf(m.text, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
    clock_gettime(CLOCK_MONOTONIC, &ts);
    assert_in_range(usec, 1, (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    notify_stopping(notify);
    assert_true(heard(&m));
    assert_string_equal(m.text, "STOPPING=1");
    notify_status(notify, "%d jobs\nMAINPID=1", 3);
    assert_true(heard(&m));
    assert_string_equal(m.text, "STATUS=3 jobs MAINPID=1");
    manager_end(&m);
    notify_free(notify);
    notify_free(NULL);
}

static void test_without_a_manager(void **state)
{
    struct fixture *f = *state;
    struct notify *notify;

    unsetenv("NOTIFY_SOCKET");
    notify = notify_new(&f->loop);
    notify_ready(notify);
    notify_status(notify, "nobody listens");
    notify_free(notify);
}

static void test_watchdog_is_fed_by_the_loop(void **state)
{
    struct fixture *f = *state;
    struct manager m;
    struct notify *notify;
    char pid[16];

    manager_start(&m);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "40000", 1);
    notify = notify_new(&f->loop);
    for (int i = 0; i < 3; i++) {
        assert_true(loop_run_until(&f->loop, heard, &m, 5000));
        assert_string_equal(m.text, "WATCHDOG=1");
    }
    assert_false(heard(&m)); /* a loop that does not turn says nothing */
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    manager_end(&m);
    notify_free(notify);
}

static void test_stderr_is_not_the_journal(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    assert_false(journal_is_stderr());
    setenv("JOURNAL_STREAM", "1:1", 1);
    assert_false(journal_is_stderr());
    setenv("JOURNAL_STREAM", "nonsense", 1);
    assert_false(journal_is_stderr());
    unsetenv("JOURNAL_STREAM");
}

static void test_stderr_is_the_journal(void **state)
{
    struct stat st;
    char text[64];

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", text, 1);
    assert_true(journal_is_stderr());
    unsetenv("JOURNAL_STREAM");
}

enum { CHILD_OK, CHILD_WRONG, CHILD_CANNOT };

/* In a mount namespace of its own, where the journal's socket is the test's. */
static int journal_child(void)
{
    struct log_field fields[] = {{"job", "orders"},
                                 {"message_id", "136577d7d31b43aeb5dcceb788161152"}};
    static const char *const expected[] = {"MESSAGE=it works\n", "PRIORITY=4\n",
                                           "ECMIGRATE_JOB=orders\n",
                                           "MESSAGE_ID=136577d7d31b43aeb5dcceb788161152\n"};
    char text[1024];
    struct log *log;
    ssize_t n;
    int fd;

    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", "/run", "tmpfs", 0, NULL) || mkdir("/run/systemd", 0755) ||
        mkdir("/run/systemd/journal", 0755))
        return CHILD_CANNOT;
    fd = listen_at("/run/systemd/journal/socket");
    if (fd < 0)
        return CHILD_CANNOT;
    log = log_new(&log_sink_journal, LEVEL_INFO);
    log_write(log, LEVEL_WARN, fields, 2, "it works");
    log_free(log);
    n = recv(fd, text, sizeof(text) - 1, 0);
    text[n < 0 ? 0 : n] = '\0';
    for (size_t i = 0; i < array_len(expected); i++) {
        if (!strstr(text, expected[i])) {
            fprintf(stderr, "missing '%s' in '%s'\n", expected[i], text);
            return CHILD_WRONG;
        }
    }
    return CHILD_OK;
}

static void test_journal_fields(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(journal_child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_CANNOT) {
        print_message("SKIPPED: a mount namespace needs root\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), CHILD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_without_a_manager, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(test_watchdog_is_fed_by_the_loop, loop_setup,
                                        loop_teardown),
        cmocka_unit_test(test_stderr_is_not_the_journal),
        cmocka_unit_test(test_stderr_is_the_journal),
        cmocka_unit_test(test_journal_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
