/* SPDX-License-Identifier: Apache-2.0 */
/* The machine around the daemon: systemd, the journal, the clock, the disk. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

#define UNIT "ecmigrated.service"
#define PROPERTIES "--property=LoadState,ActiveState,SubState,UnitFileState,MainPID"
#define SYSTEMCTL_MS 3000
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

#define DISK_LEAST (UINT64_C(16) << 20)
#define DISK_LITTLE (UINT64_C(256) << 20)
#define CLOCK_EARLIEST_MS (INT64_C(1700000000) * 1000) /* this program is younger */

extern char **environ;

/* --- systemd --- */

/* Starts argv with its output in a pipe; the pid, or -1. */
static pid_t spawn_reader(char *const argv[], int *ret_fd)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ))
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (pid < 0)
        close(ends[0]);
    else
        *ret_fd = ends[0];
    return pid;
}

/* All output of a program that has SYSTEMCTL_MS for it; false when it could not be had. */
static bool read_program(char *const argv[], char *text, size_t size)
{
    uint64_t end = clock_boot_ms() + SYSTEMCTL_MS, now;
    cleanup(closep) int fd = -1;
    pid_t pid = spawn_reader(argv, &fd);
    size_t used = 0;
    bool done = false;

    if (pid < 0)
        return false;
    while (!done && used < size - 1 && (now = clock_boot_ms()) < end) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        ssize_t got;

        if (poll(&wait, 1, (int)(end - now)) <= 0)
            continue;
        got = read(fd, text + used, size - 1 - used);
        done = got == 0 || (got < 0 && errno != EINTR);
        used += got > 0 ? (size_t)got : 0;
    }
    text[used] = '\0';
    if (!done)
        kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return done;
}

/* The value of "NAME=value" in lines of text; "" when there is none. */
static const char *property(const char *text, const char *name, char buf[64])
{
    size_t n = strlen(name);

    buf[0] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && line[n] == '=') {
            snprintf(buf, 64, "%.*s", (int)min_of(strcspn(line + n + 1, "\n"), (size_t)63),
                     line + n + 1);
            break;
        }
    }
    return buf;
}

static void judge_unit(struct doctor *d, const char *text)
{
    char load[64], active[64], sub[64], file[64], main_pid[64];

    property(text, "LoadState", load);
    property(text, "ActiveState", active);
    property(text, "SubState", sub);
    property(text, "UnitFileState", file);
    property(text, "MainPID", main_pid);
    if (strcmp(load, "loaded") != 0)
        doctor_say(d, RESULT_WARN, NULL, "make install puts it in place.",
                   "systemd does not know the unit %s (%s)", UNIT, load);
    else if (strcmp(active, "active") != 0)
        doctor_say(d, RESULT_FAIL, NULL,
                   "sudo systemctl enable --now ecmigrated, and: journalctl -u ecmigrated",
                   "the unit %s is %s (%s)", UNIT, active, sub);
    else if (d->answers && strtol(main_pid, NULL, 10) != d->pid)
        doctor_say(d, RESULT_WARN, NULL, "Name the daemon's socket with --socket.",
                   "the daemon that answers is process %d, that of the unit is %s", (int)d->pid,
                   main_pid);
    else if (strcmp(file, "enabled") != 0)
        doctor_say(d, RESULT_WARN, NULL, "sudo systemctl enable ecmigrated",
                   "the unit runs, but is %s: it does not start at the next boot",
                   *file ? file : "not enabled");
    else
        doctor_say(d, RESULT_OK, NULL, NULL, "the unit %s is enabled and active", UNIT);
}

void doctor_unit(struct doctor *d)
{
    static const char *const words[] = {"systemctl", "show", UNIT, PROPERTIES, NULL};
    char text[1024];

    if (access("/run/systemd/system", F_OK) != 0)
        doctor_say(d, RESULT_SKIP, NULL, NULL, "not run by systemd: it is not process 1 here");
    else if (!read_program((char *const *)(uintptr_t)words, text, sizeof(text)))
        doctor_say(d, RESULT_WARN, NULL, "systemctl status ecmigrated",
                   "systemctl gives no answer");
    else
        judge_unit(d, text);
}

/* --- the journal --- */

void doctor_journal(struct doctor *d)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    cleanup(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool wanted = doctor_config(d)->log_target == LOG_TARGET_JOURNAL;

    if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
        doctor_say(d, RESULT_OK, NULL, NULL, "journald listens: journalctl -u ecmigrated");
    else if (wanted)
        doctor_say(d, RESULT_FAIL, NULL,
                   "systemctl status systemd-journald; or choose log_target: stderr.",
                   "log_target is journal, but nobody listens on " JOURNAL_SOCKET ": %s",
                   strerror(errno));
    else
        doctor_say(d, RESULT_SKIP, NULL, NULL, "no journald here; the daemon logs to stderr");
}

/* --- the clock --- */

void doctor_clock(struct doctor *d)
{
    struct timex state = {.modes = 0};
    int64_t now = clock_wall_ms();
    char text[CLOCK_TEXT_MAX];
    int r = adjtimex(&state);

    clock_format(now, text);
    if (now < CLOCK_EARLIEST_MS)
        doctor_say(d, RESULT_FAIL, NULL, "Set it: timedatectl set-ntp true.",
                   "the clock says %s, which cannot be", text);
    else if (r < 0)
        doctor_say(d, RESULT_SKIP, NULL, NULL,
                   "the clock says %s; the kernel does not tell "
                   "whether it is synchronised",
                   text);
    else if (r == TIME_ERROR || (state.status & STA_UNSYNC))
        doctor_say(d, RESULT_WARN, NULL,
                   "timedatectl shows more; systemd-timesyncd or chrony keeps it right.",
                   "the clock says %s and is not synchronised; times of events may be wrong, and "
                   "API signatures be refused",
                   text);
    else
        doctor_say(d, RESULT_OK, NULL, NULL, "the clock is synchronised");
}

/* --- the disk --- */

void doctor_disk(struct doctor *d)
{
    const char *dir = doctor_config(d)->state_dir;
    char human[UNITS_STR_MAX];
    struct statvfs fs;
    uint64_t room;

    if (statvfs(dir, &fs)) {
        doctor_say(d, RESULT_SKIP, dir, NULL, "%s: %s", dir, strerror(errno));
        return;
    }
    room = (uint64_t)fs.f_bavail * fs.f_frsize;
    bytes_human(room, human);
    if (fs.f_flag & ST_RDONLY)
        doctor_say(d, RESULT_FAIL, dir, "Mount it for writing; the daemon goes on by itself.",
                   "the file system of %s is read-only", dir);
    else if (room < DISK_LEAST || (fs.f_files > 0 && fs.f_favail == 0))
        doctor_say(d, RESULT_FAIL, dir, "Make room; nothing new is begun without it.",
                   "%s free for %s, %" PRIu64 " files", human, dir, (uint64_t)fs.f_favail);
    else if (room < DISK_LITTLE)
        doctor_say(d, RESULT_WARN, dir, "Make room before it runs full.", "%s free for %s", human,
                   dir);
    else
        doctor_say(d, RESULT_OK, dir, NULL, "%s free for %s", human, dir);
}
