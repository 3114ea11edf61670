/* SPDX-License-Identifier: Apache-2.0 */
/* Directories, job files, passwords: are they right, may the daemon read them, and nobody else? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "lib/yaml/reader.h"

/* --- directories --- */

struct place {
    const char *what, *path;
    unsigned need; /* MAY_… bits of the daemon's user */
    mode_t never;  /* bits of the mode that are wrong, */
    mode_t better; /* and that had better not be there */
    bool may_miss;
    const char *make; /* how to make it; NULL: it makes itself */
};

static void look_at_place(struct doctor *d, const struct place *place)
{
    cleanup(freep) char *why = NULL, *mend = NULL;
    struct stat st;
    enum access access = who_may(&d->who, place->path, place->need, &st, &why);
    mode_t mode;

    if (access == ACCESS_MISSING && place->may_miss) {
        doctor_say(d, RESULT_SKIP, place->path, NULL, "%s: %s", place->what, why);
        return;
    }
    if (access != ACCESS_YES) {
        mend = xasprintf("%s%s", place->make ? place->make : "Correct its owner and mode",
                         access == ACCESS_UNKNOWN ? "; sudo ecmigratectl doctor sees more" : "");
        doctor_say(d, access == ACCESS_UNKNOWN ? RESULT_WARN : RESULT_FAIL, place->path, mend,
                   "%s: %s", place->what, why);
        return;
    }
    mode = st.st_mode & 07777;
    mend = xasprintf("sudo chmod %04o %s",
                     (unsigned)(mode & (mode_t) ~(place->never | place->better)), place->path);
    if (mode & place->never)
        doctor_say(d, RESULT_FAIL, place->path, mend,
                   "%s: %s has mode %04o, others may change or read what they must not",
                   place->what, place->path, (unsigned)mode);
    else if (mode & place->better)
        doctor_say(d, RESULT_WARN, place->path, mend,
                   "%s: %s has mode %04o, which is more than is needed", place->what, place->path,
                   (unsigned)mode);
    else if (st.st_uid != 0 && st.st_uid != d->who.uid)
        doctor_say(d, RESULT_WARN, place->path, "Its owner had better be root or the daemon.",
                   "%s: %s belongs to user %u", place->what, place->path, (unsigned)st.st_uid);
    else
        doctor_say(d, RESULT_OK, place->path, NULL, "%s: %s", place->what, place->path);
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    return xstrndup(path, slash > path ? (size_t)(slash - path) : 1);
}

void doctor_directories(struct doctor *d)
{
    const struct config *config = doctor_config(d);
    cleanup(freep) char *etc = directory_of(d->command.config_file);
    cleanup(freep) char *run = directory_of(d->socket_path);
    cleanup(freep) char *jobs =
        xasprintf("sudo install -d -m 750 -g ecmigrate %s", config->jobs_dir);
    cleanup(freep) char *state =
        xasprintf("sudo install -d -m 700 -o ecmigrate %s", config->state_dir);
    const struct place places[] = {
        {"configuration", etc, 0, 0002, 0020, true, NULL},
        {"job files", config->jobs_dir, MAY_READ | MAY_ENTER, 0002, 0020, false, jobs},
        {"state", config->state_dir, MAY_READ | MAY_WRITE | MAY_ENTER, 0022, 0055, false, state},
        {"runtime", run, MAY_READ | MAY_WRITE | MAY_ENTER, 0002, 0020, true, NULL},
        {"control socket", d->socket_path, MAY_READ | MAY_WRITE, 0007, 0, true, NULL},
    };

    for (size_t i = 0; i < array_len(places); i++)
        look_at_place(d, &places[i]);
}

/* --- job files --- */

/* The text of a regular file; NULL with a reason. Never waits on a FIFO. */
static char *read_text(const char *path, size_t *ret_len, struct stat *st, const char **ret_why)
{
    cleanup(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    char *text;
    ssize_t got = 0;
    size_t n = 0;

    if (fd < 0 || fstat(fd, st)) {
        *ret_why = strerror(errno);
        return NULL;
    }
    *ret_why = S_ISREG(st->st_mode) ? "larger than a job file may be" : "not a regular file";
    if (!S_ISREG(st->st_mode))
        return NULL;
    text = xmalloc(YAML_BYTES_MAX + 1);
    while (n <= YAML_BYTES_MAX && (got = read(fd, text + n, YAML_BYTES_MAX + 1 - n)) > 0)
        n += (size_t)got;
    if (got < 0)
        *ret_why = strerror(errno);
    if (got < 0 || n > YAML_BYTES_MAX) {
        secret_free(text);
        return NULL;
    }
    *ret_len = n;
    return text;
}

static bool has_inline(const struct spec *spec)
{
    return spec->source.auth.password || spec->target.auth.password ||
           spec->source.replication_user.password || spec->target.replication_user.password;
}

/* Is the file, which is right, one that the daemon may read and others may not, if it matters? */
static bool is_private(struct doctor *d, const struct jobfile *file, const struct stat *st)
{
    cleanup(freep) char *why = NULL, *mend = NULL;
    struct stat unused;
    bool secret = false;

    if (who_may(&d->who, file->path, MAY_READ, &unused, &why) != ACCESS_YES) {
        mend = xasprintf("sudo chgrp ecmigrate %s; sudo chmod 640 %s", file->path, file->path);
        doctor_say(d, RESULT_FAIL, file->path, mend, "%s", why);
        return false;
    }
    for (unsigned i = 0; i < file->n_specs; i++)
        secret = secret || has_inline(file->specs[i]);
    if (!secret || !(st->st_mode & S_IRWXO))
        return true;
    mend = xasprintf("sudo chmod o-rwx %s; and change the password, others may have read it",
                     file->path);
    doctor_say(d, RESULT_FAIL, file->path, mend,
               "%s holds a password and can be read by others (mode %04o)", file->path,
               (unsigned)st->st_mode & 07777);
    return false;
}

/* Keeps the file when it is right; false when something is wrong with it. */
static bool take_file(struct doctor *d, const char *path)
{
    cleanup(freep) char *mend = xasprintf("ecmigratectl validate %s", path);
    struct jobfile file = {.n_specs = 0};
    const char *why = NULL;
    struct stat st;
    size_t len = 0;
    char *text = read_text(path, &len, &st, &why);

    if (!text) {
        doctor_say(d, RESULT_FAIL, path, NULL, "%s: %s", path, why);
        return false;
    }
    jobfile_parse(path, text, len, &file);
    explicit_bzero(text, len);
    free(text);
    if (!jobfile_ok(&file)) {
        doctor_say(d, RESULT_FAIL, path, mend, "%s:%u:%u: %s%s", path, file.diags.items[0].line,
                   file.diags.items[0].col, file.diags.items[0].message,
                   file.diags.n_errors > 1 ? " (and more)" : "");
        jobfile_clear(&file);
        return false;
    }
    d->files = xrealloc(d->files, d->n_files + 1, sizeof(*d->files));
    d->files[d->n_files++] = file;
    return is_private(d, &file, &st);
}

/* Each id belongs to one file. */
static unsigned report_twins(struct doctor *d, unsigned *ret_jobs)
{
    json_t *owners = json_object();
    unsigned n_wrong = 0;

    for (unsigned i = 0; i < d->n_files; i++) {
        for (unsigned k = 0; k < d->files[i].n_specs; k++) {
            const char *id = d->files[i].specs[k]->id;
            const char *first = json_string_value(json_object_get(owners, id));

            ++*ret_jobs;
            if (!first) {
                json_object_set_new(owners, id, json_string(d->files[i].path));
                continue;
            }
            n_wrong++;
            doctor_say(d, RESULT_FAIL, d->files[i].path, "Give one of them another name.",
                       "job '%s' of %s stands in %s, too", id, d->files[i].path, first);
        }
    }
    json_decref(owners);
    return n_wrong;
}

void doctor_job_files(struct doctor *d)
{
    const char *dir = doctor_config(d)->jobs_dir;
    unsigned n_wrong = 0, n_jobs = 0;
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort);

    if (n < 0) {
        doctor_say(d, errno == ENOENT ? RESULT_SKIP : RESULT_FAIL, dir, NULL, "%s: %s", dir,
                   strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        cleanup(freep) char *path = xasprintf("%s/%s", dir, names[i]->d_name);

        if (jobfile_is_name(names[i]->d_name))
            n_wrong += !take_file(d, path);
        free(names[i]);
    }
    free(names);
    n_wrong += report_twins(d, &n_jobs);
    if (n_wrong == 0)
        doctor_say(d, RESULT_OK, dir, NULL, "%u files with %u jobs in %s", d->n_files, n_jobs, dir);
}

/* --- passwords --- */

struct secrets {
    struct doctor *d;
    unsigned n_good, n_unknown, n_wrong;
};

/* A file that holds a secret of `whose`. */
static void look_at_secret(struct secrets *s, const char *whose, const char *path)
{
    struct doctor *d = s->d;
    cleanup(freep) char *why = NULL, *mend = NULL;
    struct stat st;
    enum access access = who_may(&d->who, path, MAY_READ, &st, &why);

    if (access == ACCESS_UNKNOWN) {
        s->n_unknown++;
    } else if (access != ACCESS_YES || !S_ISREG(st.st_mode) || st.st_size == 0) {
        s->n_wrong++;
        mend = access == ACCESS_NO
                   ? xasprintf("sudo chgrp ecmigrate %s; sudo chmod 640 %s", path, path)
                   : NULL;
        doctor_say(d, RESULT_FAIL, whose, mend, "%s: %s%s", whose, why ? why : path,
                   why                    ? ""
                   : !S_ISREG(st.st_mode) ? " is not a regular file"
                                          : " is empty");
    } else if (st.st_mode & S_IRWXO) {
        s->n_wrong++;
        mend = xasprintf("sudo chmod o-rwx %s; and change what is in it", path);
        doctor_say(d, RESULT_FAIL, whose, mend, "%s: %s can be read by others (mode %04o)", whose,
                   path, (unsigned)st.st_mode & 07777);
    } else {
        s->n_good++;
    }
}

static void look_at_source(struct secrets *s, const char *whose, const char *file,
                           const char *credential)
{
    cleanup(freep) char *path = NULL;

    if (file) {
        look_at_secret(s, whose, file);
    } else if (credential && s->d->credentials_dir) {
        path = xasprintf("%s/%s", s->d->credentials_dir, credential);
        look_at_secret(s, whose, path);
    } else if (credential) {
        s->n_unknown++;
    }
}

static void look_at_node(struct secrets *s, const struct spec *spec, const char *side,
                         const struct spec_node *node)
{
    cleanup(freep) char *whose = xasprintf("%s of %s", side, spec->id);

    look_at_source(s, whose, node->auth.password_file, node->auth.credential);
    look_at_source(s, whose, node->replication_user.password_file,
                   node->replication_user.credential);
    if (node->tls.enabled)
        look_at_source(s, whose, node->tls.settings.key_file, NULL);
}

/* No secret, but without it the daemon does not start. */
static void look_at_certificate(struct secrets *s, const char *path)
{
    cleanup(freep) char *why = NULL, *mend = NULL;
    struct stat st;
    enum access access = who_may(&s->d->who, path, MAY_READ, &st, &why);

    if (access == ACCESS_YES || access == ACCESS_UNKNOWN)
        return;
    s->n_wrong++;
    mend = access == ACCESS_NO ? xasprintf("sudo chmod a+r %s", path) : NULL;
    doctor_say(s->d, RESULT_FAIL, "api.tls.cert_file", mend, "api.tls.cert_file: %s", why);
}

static void look_at_api(struct secrets *s, const struct config_api *api)
{
    for (unsigned i = 0; i < api->n_access_keys; i++)
        look_at_source(s, api->access_keys[i].name, api->access_keys[i].file,
                       api->access_keys[i].credential);
    for (unsigned i = 0; i < api->n_tokens; i++)
        look_at_source(s, api->tokens[i].name, api->tokens[i].file, api->tokens[i].credential);
    look_at_source(s, "api.tls.key_file", api->tls.key_file, NULL);
    if (api->tls.cert_file)
        look_at_certificate(s, api->tls.cert_file);
}

void doctor_credentials(struct doctor *d)
{
    struct secrets s = {.d = d};

    for (unsigned i = 0; i < d->n_files; i++) {
        for (unsigned k = 0; k < d->files[i].n_specs; k++) {
            const struct spec *spec = d->files[i].specs[k];

            look_at_node(&s, spec, "source", &spec->source);
            look_at_node(&s, spec, "target", &spec->target);
        }
    }
    look_at_api(&s, &doctor_config(d)->api);
    if (s.n_unknown > 0)
        doctor_say(d, RESULT_SKIP, NULL,
                   "sudo ecmigratectl doctor, while the daemon runs, sees "
                   "them.",
                   "%u passwords cannot be looked at from here", s.n_unknown);
    if (s.n_good > 0)
        doctor_say(d, RESULT_OK, NULL, NULL,
                   "%u files with passwords can be read by %s, not by "
                   "others",
                   s.n_good, d->who.name);
    if (s.n_good + s.n_unknown + s.n_wrong == 0)
        doctor_say(d, RESULT_OK, NULL, NULL, "no passwords in files");
}
