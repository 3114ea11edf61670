/* SPDX-License-Identifier: Apache-2.0 */
/* Who the daemon is, and what that user may read. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor.h"

#define DAEMON_USER "ecmigrate"

static void add_group(struct who *who, gid_t gid)
{
    if (who->n_groups < WHO_GROUPS_MAX)
        who->groups[who->n_groups++] = gid;
}

/* From /proc: "Uid:\t<real>\t<effective>…", "Gid:…", "Groups:\t<n> <n> …". */
static bool from_process(struct who *who, pid_t pid)
{
    cleanup(freep) char *path = xasprintf("/proc/%d/status", (int)pid);
    FILE *in = fopen(path, "re");
    char line[1024];
    unsigned id;
    bool found = false;

    while (in && fgets(line, sizeof(line), in)) {
        if (sscanf(line, "Uid: %*u %u", &id) == 1) {
            who->uid = id;
            found = true;
        } else if (sscanf(line, "Gid: %*u %u", &id) == 1) {
            add_group(who, id);
        } else if (strncmp(line, "Groups:", 7) == 0) {
            int used = 0;

            for (const char *p = line + 7; sscanf(p, "%u%n", &id, &used) == 1; p += used)
                add_group(who, id);
        }
    }
    if (in)
        fclose(in);
    return found;
}

static void from_passwd(struct who *who, const struct passwd *user)
{
    int n = WHO_GROUPS_MAX;

    who->uid = user->pw_uid;
    if (getgrouplist(user->pw_name, user->pw_gid, who->groups, &n) < 0)
        n = WHO_GROUPS_MAX;
    who->n_groups = (unsigned)n;
}

void who_init(struct who *who, pid_t daemon_pid)
{
    const struct passwd *user = NULL;
    bool known = daemon_pid > 0 && from_process(who, daemon_pid);

    if (!known) {
        user = getpwnam(DAEMON_USER);
        if (!user)
            user = getpwuid(geteuid());
        if (user)
            from_passwd(who, user);
        else
            who->uid = geteuid();
    }
    user = getpwuid(who->uid);
    if (user)
        snprintf(who->name, sizeof(who->name), "user '%.40s'", user->pw_name);
    else
        snprintf(who->name, sizeof(who->name), "user %u", (unsigned)who->uid);
}

static bool is_member(const struct who *who, gid_t gid)
{
    for (unsigned i = 0; i < who->n_groups; i++) {
        if (who->groups[i] == gid)
            return true;
    }
    return false;
}

static bool allows(const struct who *who, const struct stat *st, unsigned bits)
{
    unsigned mode = st->st_mode;

    if (who->uid == 0)
        return true;
    if (st->st_uid == who->uid)
        mode >>= 6;
    else if (is_member(who, st->st_gid))
        mode >>= 3;
    return (mode & bits) == bits;
}

static const char *name_of(unsigned bits)
{
    if (bits & MAY_WRITE)
        return "write to";
    return bits & MAY_READ ? "read" : "enter";
}

/* One step on the way: path, which must allow bits. */
static enum access step(const struct who *who, const char *path, unsigned bits, struct stat *st,
                        char **ret_why)
{
    if (stat(path, st)) {
        *ret_why = xasprintf("%s: %s", path, strerror(errno));
        return errno == EACCES                       ? ACCESS_UNKNOWN
               : errno == ENOENT || errno == ENOTDIR ? ACCESS_MISSING
                                                     : ACCESS_NO;
    }
    if (allows(who, st, bits))
        return ACCESS_YES;
    *ret_why =
        xasprintf("%s may not %s %s (mode %04o, owner %u:%u)", who->name, name_of(bits), path,
                  (unsigned)st->st_mode & 07777, (unsigned)st->st_uid, (unsigned)st->st_gid);
    return ACCESS_NO;
}

enum access who_may(const struct who *who, const char *path, unsigned bits, struct stat *ret_st,
                    char **ret_why)
{
    *ret_why = NULL;
    for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
        cleanup(freep) char *part = xstrndup(path, p == path ? 1 : (size_t)(p - path));
        enum access access = step(who, part, MAY_ENTER, ret_st, ret_why);

        if (access != ACCESS_YES)
            return access;
    }
    return step(who, path, bits, ret_st, ret_why);
}
