/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `doctor` looks at: each check is a row of one table (cli/cmd_doctor.c) and a function that
 * says what it has found, with doctor_say(). Checks run in the order of the table; what an earlier
 * one has learnt is here for the later ones.
 */
#include <grp.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "cli/client.h"
#include "cli/command.h"
#include "daemon/config.h"
#include "daemon/spec/jobfile.h"

enum result { RESULT_OK, RESULT_WARN, RESULT_FAIL, RESULT_SKIP, RESULT_MAX };

#define WHO_GROUPS_MAX 64

/* The user that the daemon runs as, or will. */
struct who {
    char name[64]; /* for messages */
    uid_t uid;
    gid_t groups[WHO_GROUPS_MAX]; /* its own first */
    unsigned n_groups;
};

struct doctor {
    struct ctl *ctl;
    const char *check; /* the row that runs */
    json_t *findings;  /* owned, array */
    unsigned n[RESULT_MAX];

    struct config_command command;
    char *socket_path;     /* owned */
    struct client *client; /* owned; NULL: the path is no path */

    bool answers; /* the daemon does; the rest is known then */
    pid_t pid;
    json_t *jobs; /* owned, array; NULL: not known */

    struct who who;
    char *credentials_dir; /* owned; of the daemon; NULL: not known, or none */

    struct jobfile *files; /* owned; those that are right */
    unsigned n_files;
};

/* subject: what it is about, if not the whole; next: what to do; both may be NULL. */
void doctor_say(struct doctor *d, enum result result, const char *subject, const char *next,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

const struct config *doctor_config(const struct doctor *d);

/* The checks. */
void doctor_configuration(struct doctor *d);
void doctor_daemon(struct doctor *d);
void doctor_ready(struct doctor *d);
void doctor_unit(struct doctor *d);
void doctor_journal(struct doctor *d);
void doctor_descriptors(struct doctor *d);
void doctor_directories(struct doctor *d);
void doctor_disk(struct doctor *d);
void doctor_job_files(struct doctor *d);
void doctor_credentials(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_nodes(struct doctor *d);
void doctor_tls(struct doctor *d);

/* --- doctor_access.c --- */

enum { MAY_ENTER = 1, MAY_WRITE = 2, MAY_READ = 4 };

enum access { ACCESS_YES, ACCESS_NO, ACCESS_UNKNOWN, ACCESS_MISSING, ACCESS_MAX };

/* Finds out who the daemon is. */
void who_init(struct who *who, pid_t daemon_pid);

/*
 * May who do that (MAY_… bits) with path, and get there? By modes alone: access lists are not
 * looked at. Unless yes, *ret_why is a fresh sentence; UNKNOWN: we may not look ourselves.
 */
enum access who_may(const struct who *who, const char *path, unsigned bits, struct stat *ret_st,
                    char **ret_why);
