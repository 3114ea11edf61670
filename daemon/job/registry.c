/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job/registry.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "daemon/bus/bus.h"
#include "lib/base/base.h"
#include "lib/base/by_id.h"

struct job {
    char id[SPEC_ID_MAX + 1];
    char alias[SPEC_ID_MAX + 1]; /* what its file would name it; id, unless it was renamed */
    char *path;                  /* owned; of the file it was read from */
    struct migration *m;         /* owned */
    bool has_file;               /* the file was seen, and has not gone since */
    uint64_t dropped_ms;         /* when its file went, while dropping */
    bool dropping;               /* to be forgotten as soon as its migration lets it */
};

struct registry {
    struct migration_env *env; /* borrowed */
    struct by_id jobs;         /* struct job, owned */
    unsigned leaving;          /* migrations that are being freed */
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
    uv_timer_t sweep; /* forgets jobs that could not be forgotten at once */
};

#define SWEEP_MS 500
#define RENAME_MS 500 /* within this a file that is gone may come back under another name */

static struct job *job_at(const struct registry *registry, unsigned i)
{
    return registry->jobs.items[i];
}

static struct job *find(const struct registry *registry, const char *id)
{
    return by_id_find(&registry->jobs, id);
}

static struct job *add(struct registry *registry, struct spec *spec, const struct run *run)
{
    struct job *job = xcalloc(1, sizeof(*job));

    (void)str_copy(job->id, sizeof(job->id), spec->id);
    (void)str_copy(job->alias, sizeof(job->alias), spec->id);
    job->path = xstrdup(spec->file);
    job->m = migration_new(registry->env, spec, run);
    by_id_insert(&registry->jobs, by_id_position(&registry->jobs, job->id), job);
    return job;
}

static void maybe_closed(struct registry *registry)
{
    if (!registry->closing || registry->leaving > 0)
        return;
    registry->closed(registry->closed_arg);
    by_id_deinit(&registry->jobs);
    free(registry);
}

static void migration_gone(void *arg)
{
    struct registry *registry = arg;

    registry->leaving--;
    maybe_closed(registry);
}

/* Takes a job out of the table. Its record stays in the store. */
static void take_out(struct registry *registry, unsigned at)
{
    struct job *job = job_at(registry, at);

    by_id_remove(&registry->jobs, at);
    registry->leaving++;
    migration_free(job->m, migration_gone, registry);
    free(job->path);
    free(job);
}

static void emit(struct registry *registry, enum event_name event, const char *job,
                 const char *path, const char *what)
{
    struct event_context context = {.job = job};

    event_emit(registry->env->bus, event, &context, json_pack("{s:s}", "file", path), "%s: %s",
               path, what);
}

static bool forget(struct registry *registry, struct job *job)
{
    if (!migration_forgettable(job->m))
        return false;
    emit(registry, EVENT_JOB_REMOVED, job->id, job->path, "the file is gone, the job is forgotten");
    migration_forget_settings(job->m);
    (void)store_delete_job(registry->env->store, job->id);
    take_out(registry, by_id_position(&registry->jobs, job->id));
    return true;
}

static void sweep(uv_timer_t *timer)
{
    struct registry *registry = timer->data;

    uint64_t now = uv_now(registry->env->loop);

    for (unsigned i = registry->jobs.n; i-- > 0;)
        if (job_at(registry, i)->dropping && now - job_at(registry, i)->dropped_ms >= RENAME_MS)
            (void)forget(registry, job_at(registry, i));
}

struct registry *registry_new(struct migration_env *env)
{
    struct registry *registry = xcalloc(1, sizeof(*registry));

    registry->env = env;
    uv_timer_init(env->loop, &registry->sweep);
    registry->sweep.data = registry;
    uv_timer_start(&registry->sweep, sweep, SWEEP_MS, SWEEP_MS);
    return registry;
}

static void sweep_closed(uv_handle_t *handle)
{
    migration_gone(handle->data);
}

void registry_free(struct registry *registry, void (*closed)(void *arg), void *arg)
{
    registry->closing = true;
    registry->closed = closed;
    registry->closed_arg = arg;
    registry->leaving++; /* the timer */
    while (registry->jobs.n > 0)
        take_out(registry, registry->jobs.n - 1);
    uv_close((uv_handle_t *)&registry->sweep, sweep_closed);
}

struct restore {
    struct registry *registry;
    unsigned n_lost;
};

/* A completed job says that the target has taken over, also where nothing else does. */
static void restore_switch(struct registry *registry, const struct spec *spec,
                           const struct run *run)
{
    struct switched switched = {.source = run->source,
                                .target = spec->target.endpoint,
                                .at_wall_ms = run->cutover.at_wall_ms};

    if (run->cutover.at_wall_ms != 0)
        migration_env_suppose_switched(registry->env, &switched);
}

static void restore_job(const struct store_job *record, void *arg)
{
    struct restore *restore = arg;
    struct registry *registry = restore->registry;
    struct jobfile file;

    jobfile_parse(record->file, record->spec_text, strlen(record->spec_text), &file);
    if (jobfile_ok(&file) && file.n_specs == 1) {
        struct spec *spec = take(file.specs[0]);
        char alias[SPEC_ID_MAX + 1];
        struct job *job;

        (void)str_copy(alias, sizeof(alias), spec->id);
        (void)str_copy(spec->id, sizeof(spec->id), record->id);
        restore_switch(registry, spec, &record->run);
        job = add(registry, spec, &record->run);
        (void)str_copy(job->alias, sizeof(job->alias), alias);
    } else {
        log_error(registry->env->log,
                  "job '%s': its remembered text cannot be read any more; it is "
                  "taken up when its file '%s' is",
                  record->id, record->file);
        restore->n_lost++;
    }
    jobfile_clear(&file);
}

static void restore_setting(const struct setting *setting, void *arg)
{
    struct restore *restore = arg;
    struct job *job = find(restore->registry, setting->job);

    if (job)
        migration_load_setting(job->m, setting);
}

static void restore_connection(const struct connection *connection, void *arg)
{
    struct restore *restore = arg;
    struct job *job = find(restore->registry, connection->job);

    if (job)
        migration_load_connection(job->m, connection);
}

static void restore_sibling(const struct sibling *sibling, void *arg)
{
    struct restore *restore = arg;
    struct job *job = find(restore->registry, sibling->job);

    if (job)
        migration_load_sibling(job->m, sibling);
}

static void restore_switched(const struct switched *switched, void *arg)
{
    struct restore *restore = arg;

    migration_env_load_switched(restore->registry->env, switched);
}

int registry_restore(struct registry *registry, struct err *err)
{
    struct restore restore = {.registry = registry};

    struct store *store = registry->env->store;

    if (store_each_job(store, restore_job, &restore, err) ||
        store_each_setting(store, restore_setting, &restore, err) ||
        store_each_connection(store, restore_connection, &restore, err) ||
        store_each_sibling(store, restore_sibling, &restore, err) ||
        store_each_switched(store, restore_switched, &restore, err))
        return (int)err->code;
    for (unsigned i = 0; i < registry->jobs.n; i++)
        migration_begin(job_at(registry, i)->m);
    return 0;
}

static void drop(struct registry *registry, struct job *job)
{
    job->has_file = false;
    job->dropping = true;
    job->dropped_ms = uv_now(registry->env->loop);
    migration_set_file_gone(job->m, true);
    if (migration_forgettable(job->m)) /* by the sweep: its file may come back under another name */
        return;
    emit(registry, EVENT_JOB_REMOVED, job->id, job->path,
         "the file is gone; the job is running and goes on, it is forgotten when it has ended");
}

void registry_file_gone(struct registry *registry, const char *path)
{
    for (unsigned i = registry->jobs.n; i-- > 0;)
        if (job_at(registry, i)->has_file && strcmp(job_at(registry, i)->path, path) == 0)
            drop(registry, job_at(registry, i));
}

void registry_scanned(struct registry *registry)
{
    for (unsigned i = registry->jobs.n; i-- > 0;)
        if (!job_at(registry, i)->has_file && !job_at(registry, i)->dropping)
            drop(registry, job_at(registry, i));
}

static bool stands_for(const struct jobfile *file, const struct job *job)
{
    for (unsigned i = 0; i < file->n_specs; i++)
        if (strcmp(file->specs[i]->id, job->alias) == 0)
            return true;
    return false;
}

/* --- a file that was renamed --- */

static bool is_gone(const char *path)
{
    struct stat st;

    return lstat(path, &st) != 0 && errno == ENOENT;
}

/* The job that this text is of: under its own name, the one its file gives it, or that of a job
 * with the same text whose file has just gone; rather one that is running. */
static struct job *find_for(const struct registry *registry, const char *path,
                            const struct spec *spec)
{
    struct job *best = NULL;
    bool best_ended = false;

    for (unsigned i = 0; i < registry->jobs.n; i++) {
        struct job *job = job_at(registry, i);

        if (strcmp(job->path, path) == 0 && strcmp(job->alias, spec->id) == 0)
            return job;
    }
    for (unsigned i = 0; i < registry->jobs.n && !find(registry, spec->id); i++) {
        struct job *job = job_at(registry, i);
        bool ended = migration_forgettable(job->m);

        if (strcmp(job->path, path) != 0 && migration_has_text(job->m, spec->text) &&
            is_gone(job->path) && (!best || (best_ended && !ended))) {
            best = job;
            best_ended = ended;
        }
    }
    return best ? best : find(registry, spec->id);
}

/* Its file has another name now; the job goes on under the one it has. */
static void move(struct registry *registry, struct job *job, const char *path, const char *alias)
{
    bool renamed = strcmp(alias, job->id) != 0;

    free(job->path);
    job->path = xstrdup(path);
    (void)str_copy(job->alias, sizeof(job->alias), alias);
    migration_set_file(job->m, path);
    if (renamed)
        emit(registry, EVENT_JOB_CHANGED, job->id, path,
             "the file was renamed; the job goes on under its name");
}

/* A broken file: its jobs go on with their last good text, and do not count as gone. */
static void reject(struct registry *registry, const char *path, const struct jobfile *file)
{
    const struct diag *first = file->diags.n > 0 ? &file->diags.items[0] : NULL;
    struct event_context context = {0};
    char *text = diags_render(&file->diags);
    unsigned running = 0;

    for (unsigned i = 0; i < registry->jobs.n; i++) {
        struct job *job = job_at(registry, i);

        if (strcmp(job->path, path) != 0)
            continue;
        job->has_file = true;
        job->dropping = false;
        migration_set_file_gone(job->m, false);
        context.job = job->id;
        running++;
    }
    if (running != 1)
        context.job = NULL;
    event_emit(registry->env->bus, EVENT_JOB_REJECTED, &context,
               json_pack("{s:s,s:I,s:s}", "file", path, "errors", (json_int_t)file->diags.n_errors,
                         "diagnostics", text),
               "%s:%u:%u: %s (%u error%s in all; see: ecmigratectl validate %s)%s", path,
               first ? first->line : 0, first ? first->col : 0, first ? first->message : "refused",
               file->diags.n_errors, file->diags.n_errors == 1 ? "" : "s", path,
               running ? "; its job goes on with the last good text" : "");
    free(text);
}

static const struct respec_report {
    enum event_name event;
    const char *what;
} respec_reports[] = {
    [RESPEC_SAME] = {EVENT_MAX, NULL},
    [RESPEC_RESTARTED] = {EVENT_JOB_CHANGED, "the file changed; the job starts anew from it"},
    [RESPEC_TAKEN] = {EVENT_JOB_CHANGED, "the file changed; the running job has taken it over"},
    [RESPEC_KEPT_FOR_LATER] = {EVENT_JOB_REJECTED,
                               "the file changed in ways a running job cannot take over; the run "
                               "goes on as it is, the change waits for the next one"},
    [RESPEC_LEFT_ALONE] =
        {EVENT_JOB_CHANGED,
         "the file changed; the job is completed, the change waits for its next start"},
};

static void take_spec(struct registry *registry, const char *path, const struct spec *spec)
{
    struct job *job = find_for(registry, path, spec);
    enum respec respec;
    struct spec *own;

    if (!job) {
        job = add(registry, spec_dup(spec), NULL);
        job->has_file = true;
        emit(registry, EVENT_JOB_ACCEPTED, job->id, path, "accepted");
        migration_begin(job->m);
        return;
    }
    if (job->has_file && strcmp(job->path, path) != 0 && !is_gone(job->path)) {
        char *what = xasprintf("a job named '%s' is defined in '%s' already; rename one of them",
                               spec->id, job->path);

        emit(registry, EVENT_JOB_REJECTED, NULL, path, what);
        free(what);
        return;
    }
    if (strcmp(job->path, path) != 0)
        move(registry, job, path, spec->id);
    job->has_file = true;
    job->dropping = false;
    own = spec_dup(spec);
    (void)str_copy(own->id, sizeof(own->id), job->id);
    respec = migration_respec(job->m, own);
    if (respec_reports[respec].what)
        emit(registry, respec_reports[respec].event, job->id, path, respec_reports[respec].what);
}

void registry_file(struct registry *registry, const char *path, const struct jobfile *file)
{
    if (!jobfile_ok(file)) {
        reject(registry, path, file);
        return;
    }
    for (unsigned i = registry->jobs.n; i-- > 0;)
        if (job_at(registry, i)->has_file && strcmp(job_at(registry, i)->path, path) == 0 &&
            !stands_for(file, job_at(registry, i)))
            drop(registry, job_at(registry, i));
    for (unsigned i = 0; i < file->n_specs; i++)
        take_spec(registry, path, file->specs[i]);
}

struct migration *registry_find(struct registry *registry, const char *id)
{
    struct job *job = find(registry, id);

    return job ? job->m : NULL;
}

void registry_each(struct registry *registry, void (*fn)(struct migration *m, void *arg), void *arg)
{
    for (unsigned i = 0; i < registry->jobs.n; i++)
        fn(job_at(registry, i)->m, arg);
}

unsigned registry_count(const struct registry *registry)
{
    return registry->jobs.n;
}

void registry_count_states(const struct registry *registry, unsigned ret[STATE_MAX])
{
    memset(ret, 0, STATE_MAX * sizeof(ret[0]));
    for (unsigned i = 0; i < registry->jobs.n; i++) {
        struct migration_view view;

        migration_view(job_at(registry, i)->m, &view);
        ret[phase_get(view.run->phase)->state]++;
    }
}
