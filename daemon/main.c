/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecmigrated: a list of parts, brought up in order and torn down in reverse.
 *
 *   config -> log -> store -> events -> migrations -> registry -> API -> watcher -> [first scan]
 * READY
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/api/api.h"
#include "daemon/bus/bus.h"
#include "daemon/config.h"
#include "daemon/job/registry.h"
#include "daemon/job/watcher.h"
#include "daemon/loop_meter.h"
#include "daemon/migration/env.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"
#include "lib/http/listen.h"
#include "lib/net/tls_context.h"
#include "lib/sd/journal.h"
#include "lib/sd/notify.h"

#define STATUS_MS 2000

struct daemon {
    uv_loop_t loop;
    struct config_command command;
    int argc;
    char **argv;
    struct log *log;
    struct store *store;
    struct event_bus *bus;
    struct migration_env env;
    struct registry *registry;
    struct watcher *watcher;
    struct api *api;
    struct notify *notify;
    uv_signal_t signals[3];
    uv_timer_t status;
    struct loop_meter meter;
    int64_t started_wall_ms;
    bool ready, held, listening, stopping;
};

static char *socket_path(const struct daemon *d)
{
    return xasprintf("%s/control.sock", d->command.config.runtime_dir);
}

/* --- what the parts tell --- */

static void on_durable(uint64_t ticket, void *arg)
{
    struct daemon *d = arg;

    event_bus_durable(d->bus, ticket);
    migration_env_durable(&d->env, ticket);
}

static void on_held(bool held, const struct err *why, void *arg)
{
    struct daemon *d = arg;
    struct event_context context = {0};

    d->held = held;
    if (held)
        event_emit(d->bus, EVENT_STORE_HELD, &context, NULL,
                   "%s; nothing new is begun until it takes writes again, replication goes on",
                   why->msg);
    else
        event_emit(d->bus, EVENT_STORE_RELEASED, &context, NULL,
                   "the state directory takes writes again");
}

static void show_status(struct daemon *d)
{
    unsigned n[STATE_MAX];

    registry_count_states(d->registry, n);
    notify_status(d->notify, "%s%u jobs: %u pending, %u migrating, %u available, %u failed",
                  d->held ? "HELD: the state directory does not take writes; " : "",
                  registry_count(d->registry), n[STATE_PENDING], n[STATE_MIGRATING],
                  n[STATE_AVAILABLE], n[STATE_FAILED]);
}

static void on_status(uv_timer_t *timer)
{
    struct daemon *d = timer->data;

    if (!d->stopping)
        show_status(d);
}

static void on_file(void *arg, const char *path, const struct jobfile *file)
{
    struct daemon *d = arg;

    registry_file(d->registry, path, file);
}

static void on_gone(void *arg, const char *path)
{
    struct daemon *d = arg;

    registry_file_gone(d->registry, path);
}

static void on_scanned(void *arg, bool complete)
{
    struct daemon *d = arg;
    struct event_context context = {0};

    if (complete)
        registry_scanned(d->registry);
    d->ready = true;
    event_emit(d->bus, EVENT_DAEMON_STARTED, &context, NULL,
               "ecmigrated " ECMIGRATE_VERSION " is ready, with %u jobs",
               registry_count(d->registry));
    show_status(d);
    notify_ready(d->notify);
}

static void on_watch_error(void *arg, const struct err *err)
{
    struct daemon *d = arg;

    if (err->code == ERR_NONE)
        log_info(d->log, "the jobs directory '%s' can be read again", d->command.config.jobs_dir);
    else
        log_error(d->log, "%s; running jobs go on, no new ones are taken up until it is mended",
                  err->msg);
}

static bool is_ready(void *arg)
{
    return ((struct daemon *)arg)->ready;
}

static bool is_held(void *arg)
{
    return ((struct daemon *)arg)->held;
}

/* --- stopping: each part tells when it has let go of the loop --- */

static void store_closed(void *arg)
{
    struct daemon *d = arg;

    event_bus_free(take(d->bus));
    notify_free(take(d->notify));
    for (size_t i = 0; i < array_len(d->signals); i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    uv_close((uv_handle_t *)&d->status, NULL);
    loop_meter_close(&d->meter);
}

static void env_closed(void *arg)
{
    struct daemon *d = arg;

    store_close(take(d->store), store_closed, d);
}

static void registry_closed(void *arg)
{
    struct daemon *d = arg;

    migration_env_deinit(&d->env, env_closed, d);
}

static void watcher_closed(void *arg)
{
    struct daemon *d = arg;

    registry_free(take(d->registry), registry_closed, d);
}

static void api_closed(void *arg)
{
    struct daemon *d = arg;
    cleanup(freep) char *path = socket_path(d);

    if (d->listening)
        unlink(path);

    watcher_free(take(d->watcher), watcher_closed, d);
}

static void stop(struct daemon *d)
{
    struct event_context context = {0};

    if (d->stopping)
        return;
    d->stopping = true;
    notify_stopping(d->notify);
    event_emit(d->bus, EVENT_DAEMON_STOPPED, &context, NULL,
               "stopping; replication is left as it is, a restart resumes");
    if (d->api)
        api_free(take(d->api), api_closed, d);
    else
        api_closed(d);
}

static void reload(struct daemon *d)
{
    struct config_command next;
    const char *restart;
    struct err err;

    notify_reloading(d->notify);
    if (config_load(d->argc, d->argv, &next)) {
        restart = config_needs_restart(&d->command.config, &next.config);
        if (restart)
            log_warn(d->log, "'%s' changed, which needs a restart, ignoring", restart);
        d->command.config.log_level = next.config.log_level;
        log_set_level(d->log, next.config.log_level);
        slots_set_limits(&d->env.slots, next.config.max_parallel_syncs,
                         next.config.max_parallel_syncs_per_host);
        if (api_configure(d->api, &next.config.api, &err))
            log_error(d->log, "what is set under `api` was not reloaded, the old settings hold: %s",
                      err.msg);
        log_info(d->log, "reloaded");
    } else {
        log_error(d->log, "the configuration is wrong and was not reloaded; see: ecmigrated "
                          "--check");
    }
    config_command_clear(&next);
    tls_contexts_forget(d->env.contexts);
    watcher_rescan(d->watcher);
    notify_ready(d->notify);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct daemon *d = handle->data;

    if (d->stopping)
        return;
    if (signum == SIGHUP)
        reload(d);
    else
        stop(d);
}

/* --- starting --- */

static void start_log(struct daemon *d)
{
    const struct config *c = &d->command.config;
    bool journal = c->log_target == LOG_TARGET_JOURNAL ||
                   (c->log_target == LOG_TARGET_AUTO && journal_is_stderr());
    const struct log_sink *text =
        c->log_format == LOG_FORMAT_JSON ? &log_sink_json : &log_sink_text;

    d->log = log_new(journal ? &log_sink_journal : text, c->log_level);
}

static int start_api(struct daemon *d, struct err *err)
{
    const struct config *c = &d->command.config;
    const char *dir = c->runtime_dir;
    cleanup(freep) char *path = socket_path(d);
    int fd = -1;
    int r = 0;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        r = err_errno(err, errno, "cannot make the runtime directory '%s'", dir);
    if (!r)
        r = http_listen_unix(path, 0660, API_CONTROL_GROUP, &fd, err);
    if (r)
        return r;
    d->api = api_new(&d->loop,
                     &(struct api_deps){.registry = d->registry,
                                        .store = d->store,
                                        .bus = d->bus,
                                        .log = d->log,
                                        .counters = &d->env.counters,
                                        .loop_lag = &d->meter.lag,
                                        .started_wall_ms = d->started_wall_ms,
                                        .status = {.ready = is_ready, .held = is_held, .arg = d}});
    d->listening = true;
    if (api_listen(d->api, fd, err) || api_configure(d->api, &c->api, err))
        return (int)err->code;
    return endpoint_is_set(&c->listen) ? api_listen_tcp(d->api, &c->listen, err) : 0;
}

static void start_signals(struct daemon *d)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    for (size_t i = 0; i < array_len(numbers); i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&d->loop, &d->status);
    d->status.data = d;
    uv_timer_start(&d->status, on_status, STATUS_MS, STATUS_MS);
}

/* Everything after the store; whatever fails from here on is torn down by stop(). */
static int start_parts(struct daemon *d, struct err *err)
{
    const struct config *c = &d->command.config;
    const struct watcher_callbacks watching = {.on_file = on_file,
                                               .on_gone = on_gone,
                                               .on_scanned = on_scanned,
                                               .on_error = on_watch_error,
                                               .arg = d};

    d->bus = event_bus_new(d->log, d->store, store_last_event_seq(d->store));
    d->notify = notify_new(&d->loop);
    migration_env_init(&d->env, &d->loop, d->log, d->store, d->bus, c->max_parallel_syncs,
                       c->max_parallel_syncs_per_host);
    d->registry = registry_new(&d->env);
    d->watcher = watcher_new(&d->loop, c->jobs_dir, &watching);
    start_signals(d);
    loop_meter_init(&d->meter, &d->loop);
    if (start_api(d, err) || registry_restore(d->registry, err))
        return (int)err->code;
    watcher_start(d->watcher);
    return 0;
}

static int run(struct daemon *d)
{
    const struct store_callbacks storing = {.on_durable = on_durable, .on_held = on_held, .arg = d};
    struct err err = ERR_INIT;
    int r = 0;

    d->started_wall_ms = clock_wall_ms();
    start_log(d);
    uv_loop_init(&d->loop);
    if (store_open(&d->loop, d->command.config.state_dir, &storing, &d->store, &err)) {
        log_error(d->log, "cannot start: %s", err.msg);
        r = 1;
    } else if (start_parts(d, &err)) {
        log_error(d->log, "cannot start: %s", err.msg);
        r = 1;
        stop(d);
    }
    uv_run(&d->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&d->loop) != 0)
        log_error(d->log, "handles were left open at the end; please report this");
    log_free(d->log);
    return r;
}

static int check_files(const struct config_command *command)
{
    int r = 0;

    for (unsigned i = 0; i < command->n_check_files; i++)
        if (!jobfile_check(command->check_files[i], stderr, isatty(STDERR_FILENO)))
            r = 1;
    return r;
}

static void prepare_process(void)
{
    struct rlimit files;

    signal(SIGPIPE, SIG_IGN);
    umask(S_IRWXO | S_IWGRP);
    /* Name look-ups wait in the pool; four threads are few when a name server does not answer. */
    setenv("UV_THREADPOOL_SIZE", "8", 0);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int argc, char **argv)
{
    struct daemon d = {.argc = argc, .argv = argv};
    int r = 0;

    if (!config_load(argc, argv, &d.command)) {
        config_print_errors(&d.command, stderr, isatty(STDERR_FILENO));
        config_command_clear(&d.command);
        return 2;
    }
    switch (d.command.action) {
    case CONFIG_HELP:
        config_print_help(stdout);
        break;
    case CONFIG_VERSION:
        puts("ecmigrated " ECMIGRATE_VERSION);
        break;
    case CONFIG_CHECK:
        r = check_files(&d.command);
        break;
    case CONFIG_RUN:
        prepare_process();
        r = run(&d);
        break;
    case CONFIG_ACTION_MAX:
        break;
    }
    config_command_clear(&d.command);
    return r;
}
