/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: is it there, is it well, has it what it needs? */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/doctor.h"

#define REQUEST_MS 3000 /* the daemon has so long for an answer */

/* Two connections a job, two more while it is checked, and what the daemon needs itself. */
#define DESCRIPTORS_PER_JOB 4
#define DESCRIPTORS_SPARE 256

#define START_HINT "sudo systemctl start ecmigrated, and: journalctl -u ecmigrated"

/* Whoever listens on the socket: the kernel knows. 0: cannot be found out. */
static pid_t peer_of(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    cleanup(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(struct ucred);
    struct ucred peer;

    if (fd < 0 || !str_copy(addr.sun_path, sizeof(addr.sun_path), path) ||
        connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        return 0;
    return peer.pid;
}

/* CREDENTIALS_DIRECTORY of the daemon's environment, which only root and its own user may read. */
static char *credentials_of(pid_t pid)
{
    static const char name[] = "CREDENTIALS_DIRECTORY=";
    cleanup(freep) char *path = xasprintf("/proc/%d/environ", (int)pid);
    cleanup(freep) char *word = NULL;
    char *found = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "re");

    while (in && !found && getdelim(&word, &size, '\0', in) > 0) {
        if (strncmp(word, name, sizeof(name) - 1) == 0)
            found = xstrdup(word + sizeof(name) - 1);
    }
    if (in)
        fclose(in);
    return found;
}

static void compare_versions(struct doctor *d, const json_t *health)
{
    cleanup(freep) char *version = member_cell(&d->ctl->term, health, "version");

    if (strcmp(version, ECMIGRATE_VERSION) == 0)
        doctor_say(d, RESULT_OK, NULL, NULL, "ecmigrated %s answers on %s (process %d, %s)",
                   version, d->socket_path, (int)d->pid, d->who.name);
    else
        doctor_say(d, RESULT_WARN, NULL,
                   "After an upgrade: sudo systemctl restart ecmigrated. "
                   "Running migrations go on.",
                   "the daemon is version %s, this program is %s", version, ECMIGRATE_VERSION);
}

void doctor_daemon(struct doctor *d)
{
    const char *given = given_socket(d->ctl);
    json_t *health, *answer;
    struct err err;

    d->socket_path =
        given ? xstrdup(given) : xasprintf("%s/control.sock", doctor_config(d)->runtime_dir);
    d->answers = false;
    if (client_new(d->socket_path, &d->client, &err)) {
        who_init(&d->who, 0);
        doctor_say(d, RESULT_FAIL, NULL, NULL, "%s", err.msg);
        return;
    }
    client_set_timeout(d->client, REQUEST_MS);
    if (client_get(d->client, "/healthz", &health, &err)) {
        who_init(&d->who, 0);
        doctor_say(d, RESULT_FAIL, NULL,
                   err.code == ERR_DENIED ? client_hint(d->client) : START_HINT, "%s", err.msg);
        return;
    }
    d->answers = true;
    d->pid = peer_of(d->socket_path);
    who_init(&d->who, d->pid);
    d->credentials_dir = credentials_of(d->pid);
    compare_versions(d, health);
    json_decref(health);
    if (client_get(d->client, "/v1/jobs", &answer, &err)) {
        doctor_say(d, RESULT_FAIL, NULL, client_hint(d->client), "%s", err.msg);
        return;
    }
    if (json_is_array(json_object_get(answer, "jobs")))
        d->jobs = json_incref(json_object_get(answer, "jobs"));
    json_decref(answer);
}

/* It answers with an error status when it is not ready, and says in the body why. */
static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    char *text = arg;
    size_t used = strlen(text);

    (void)size;
    if (n < 512 - used) {
        memcpy(text + used, data, n);
        text[used + n] = '\0';
    }
    return n;
}

void doctor_ready(struct doctor *d)
{
    char text[512] = "";
    CURL *handle;
    json_t *body;
    const char *status;

    if (!d->answers) {
        doctor_say(d, RESULT_SKIP, NULL, NULL, "no daemon");
        return;
    }
    handle = client_handle(d->client, "/readyz");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, text);
    (void)curl_easy_perform(handle);
    curl_easy_cleanup(handle);
    body = json_loads(text, 0, NULL);
    status = member_string(body, "status");
    if (status && strcmp(status, "ready") == 0)
        doctor_say(d, RESULT_OK, NULL, NULL, "ready, with %zu jobs", json_array_size(d->jobs));
    else if (status && strcmp(status, "held") == 0)
        doctor_say(d, RESULT_FAIL, NULL,
                   "Make room on, or mend, the file system of the state directory; it goes on by "
                   "itself.",
                   "held: the state directory does not take writes, so nothing new is begun");
    else
        doctor_say(d, RESULT_WARN, NULL, "journalctl -u ecmigrated says what it is busy with.",
                   "not ready yet: %s", status ? status : "no answer");
    json_decref(body);
}

/* "Max open files            1024                 524288               files"; 0: not known */
static unsigned long descriptors_of(pid_t pid)
{
    cleanup(freep) char *path = xasprintf("/proc/%d/limits", (int)pid);
    FILE *in = fopen(path, "re");
    unsigned long soft = 0;
    char line[256];

    while (in && fgets(line, sizeof(line), in)) {
        if (sscanf(line, "Max open files %lu", &soft) == 1)
            break;
    }
    if (in)
        fclose(in);
    return soft;
}

void doctor_descriptors(struct doctor *d)
{
    size_t jobs = json_array_size(d->jobs);
    unsigned long need = DESCRIPTORS_SPARE + jobs * DESCRIPTORS_PER_JOB, limit;

    if (!d->answers) {
        doctor_say(d, RESULT_SKIP, NULL, NULL, "no daemon");
        return;
    }
    limit = descriptors_of(d->pid);
    if (limit == 0)
        doctor_say(d, RESULT_SKIP, NULL, NULL, "the limits of process %d cannot be read",
                   (int)d->pid);
    else if (limit < need)
        doctor_say(d, RESULT_FAIL, NULL,
                   "Raise LimitNOFILE= in the unit (systemctl edit ecmigrated), then restart.",
                   "the daemon may open %lu files, but %zu jobs need up to %lu", limit, jobs, need);
    else
        doctor_say(d, RESULT_OK, NULL, NULL,
                   "the daemon may open %lu files, %zu jobs need up to %lu", limit, jobs, need);
}
