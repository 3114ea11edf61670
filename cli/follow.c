/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One curl multi handle with at most one transfer, and one signalfd beside it.
 *
 *   closed --(retry_at)--> opening --(headers: 200)--> connected --(end, error)--> closed
 *
 * A stream on which not even heartbeats come is taken for lost.
 */
#include "cli/follow.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/sse.h"
#include "lib/base/clock.h"

#define SILENCE_S 35L     /* the daemon sends a heartbeat each 10 s */
#define REFUSAL_MAX 65536 /* bytes kept of an answer that is no stream */

struct follow {
    struct client *client; /* borrowed */
    struct follow_options options;
    char *job; /* owned */

    CURLM *multi;
    CURL *transfer; /* NULL: closed */
    struct curl_slist *headers;
    bool connected;
    char refusal[REFUSAL_MAX];
    size_t refusal_size;
    uint64_t retry_at_ms, lost_since_ms; /* lost_since_ms 0: not lost */
    struct err why;

    struct sse sse;
    bool has_last;
    uint64_t last;     /* number of the last event seen */
    unsigned n_events; /* seen in this follow_wait() */

    int signal_fd; /* -1: signals are not taken */
    sigset_t old_mask;
};

static void take_event(const char *data, size_t size, void *arg)
{
    struct follow *follow = arg;
    json_t *event = json_loadb(data, size, JSON_ALLOW_NUL, NULL);
    json_t *seq = json_object_get(event, "seq");
    uint64_t number = (uint64_t)json_integer_value(seq);

    /* After a reconnection the stream may overlap with what we have. */
    if (json_is_integer(seq) && !(follow->has_last && number <= follow->last)) {
        follow->last = number;
        follow->has_last = true;
        follow->n_events++;
        if (follow->options.on_event)
            follow->options.on_event(event, follow->options.arg);
    }
    json_decref(event);
}

static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
    struct follow *follow = arg;
    long status = 0;

    (void)size;
    if (n == 2 && memcmp(data, "\r\n", 2) == 0) {
        curl_easy_getinfo(follow->transfer, CURLINFO_RESPONSE_CODE, &status);
        follow->connected = status == 200;
    }
    return n;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    struct follow *follow = arg;
    size_t room = sizeof(follow->refusal) - follow->refusal_size;

    (void)size;
    if (follow->connected)
        return sse_feed(&follow->sse, data, n) ? n : 0;
    memcpy(follow->refusal + follow->refusal_size, data, min_of(n, room));
    follow->refusal_size += min_of(n, room);
    return n;
}

static char *stream_path(const struct follow *follow)
{
    cleanup(freep) char *job = follow->job ? client_path("job=", follow->job, "&") : xstrdup("");

    if (follow->has_last)
        return xasprintf("/v1/events?%safter=%" PRIu64, job, follow->last);
    job[max_of(strlen(job), (size_t)1) - 1] = '\0';
    return xasprintf("/v1/events?%s", job);
}

static void stream_open(struct follow *follow)
{
    cleanup(freep) char *path = stream_path(follow);
    CURL *handle = client_handle(follow->client, path);

    follow->headers = curl_slist_append(NULL, "Accept: text/event-stream");
    if (follow->has_last) {
        cleanup(freep) char *last = xasprintf("Last-Event-ID: %" PRIu64, follow->last);

        follow->headers = curl_slist_append(follow->headers, last);
    }
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, follow->headers);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_TIMEOUT_MS);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, follow);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, follow);
    sse_reset(&follow->sse);
    follow->refusal_size = 0;
    follow->transfer = handle;
    curl_multi_add_handle(follow->multi, handle);
}

static void stream_close(struct follow *follow)
{
    if (!follow->transfer)
        return;
    curl_multi_remove_handle(follow->multi, follow->transfer);
    curl_easy_cleanup(follow->transfer);
    curl_slist_free_all(follow->headers);
    follow->transfer = NULL;
    follow->headers = NULL;
    follow->connected = false;
}

/* The transfer is over, well or badly: a stream has no end, so it is lost either way. */
static void stream_lost(struct follow *follow, CURLcode code)
{
    uint64_t now = clock_boot_ms();

    if (follow->connected && code == CURLE_OK)
        err_set(&follow->why, ERR_UNREACHABLE, "the daemon on '%.120s' closed the event stream",
                client_socket(follow->client));
    else
        client_failure(follow->client, follow->transfer, code, follow->refusal,
                       follow->refusal_size, &follow->why);
    if (follow->lost_since_ms == 0)
        follow->lost_since_ms = now;
    follow->retry_at_ms = now + FOLLOW_RETRY_MS;
    stream_close(follow);
}

/* Moves the stream on as far as it goes; true when it was lost, or came back. */
static bool stream_pump(struct follow *follow)
{
    bool was_lost = follow->lost_since_ms != 0, ended = false;
    CURLMsg *message;
    int n;

    if (!follow->transfer && clock_boot_ms() >= follow->retry_at_ms)
        stream_open(follow);
    curl_multi_perform(follow->multi, &n);
    while ((message = curl_multi_info_read(follow->multi, &n))) {
        if (message->msg == CURLMSG_DONE) {
            stream_lost(follow, message->data.result);
            ended = true;
        }
    }
    if (follow->connected)
        follow->lost_since_ms = 0;
    return (ended && !was_lost) || (was_lost && follow->lost_since_ms == 0);
}

static void catch_signals(struct follow *follow)
{
    static const int end[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT}, screen[] = {SIGWINCH, SIGTSTP};
    sigset_t set;

    sigemptyset(&set);
    for (unsigned i = 0; follow->options.catch_end && i < array_len(end); i++)
        sigaddset(&set, end[i]);
    for (unsigned i = 0; follow->options.catch_screen && i < array_len(screen); i++)
        sigaddset(&set, screen[i]);
    sigprocmask(SIG_BLOCK, &set, &follow->old_mask);
    follow->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (follow->signal_fd < 0)
        sigprocmask(SIG_SETMASK, &follow->old_mask, NULL);
}

struct follow *follow_new(struct client *client, const struct follow_options *options)
{
    struct follow *follow = xcalloc(1, sizeof(*follow));

    follow->client = client;
    follow->options = *options;
    follow->job = xstrdup(options->job);
    follow->has_last = options->has_after;
    follow->last = options->after;
    follow->multi = curl_multi_init();
    if (!follow->multi)
        abort();
    sse_init(&follow->sse, take_event, follow);
    follow->signal_fd = -1;
    if (options->catch_end || options->catch_screen)
        catch_signals(follow);
    return follow;
}

void follow_free(struct follow *follow)
{
    if (!follow)
        return;
    stream_close(follow);
    curl_multi_cleanup(follow->multi);
    sse_deinit(&follow->sse);
    if (follow->signal_fd >= 0) {
        close(follow->signal_fd);
        sigprocmask(SIG_SETMASK, &follow->old_mask, NULL);
    }
    free(follow->job);
    free(follow);
}

static bool take_signal(struct follow *follow, enum wake *ret)
{
    struct signalfd_siginfo info;

    if (follow->signal_fd < 0 || read(follow->signal_fd, &info, sizeof(info)) != sizeof(info))
        return false;
    *ret = info.ssi_signo == SIGWINCH  ? WAKE_RESIZE
           : info.ssi_signo == SIGTSTP ? WAKE_SUSPEND
                                       : WAKE_END;
    return true;
}

enum wake follow_wait(struct follow *follow, uint64_t timeout_ms)
{
    uint64_t end = clock_boot_ms() + timeout_ms;
    struct curl_waitfd extra = {.fd = follow->signal_fd, .events = CURL_WAIT_POLLIN};
    enum wake wake;

    follow->n_events = 0;
    for (;;) {
        bool turned = stream_pump(follow);
        uint64_t now = clock_boot_ms(), until = end;

        if (take_signal(follow, &wake))
            return wake;
        if (follow->n_events > 0)
            return WAKE_EVENT;
        if (turned)
            return WAKE_STREAM;
        if (now >= end)
            return WAKE_TIME;
        if (!follow->transfer)
            until = min_of(end, max_of(follow->retry_at_ms, now + 1));
        until = min_of(until, now + 60000);
        curl_multi_poll(follow->multi, &extra, follow->signal_fd >= 0, (int)(until - now), NULL);
    }
}

enum wake follow_pause(struct follow *follow, uint64_t interval_ms)
{
    uint64_t start = clock_boot_ms(), end = start + interval_ms;

    for (;;) {
        uint64_t now = clock_boot_ms();
        enum wake wake = follow_wait(follow, now < end ? end - now : 0);

        switch (wake) {
        case WAKE_EVENT:
            end = min_of(end, start + FOLLOW_GATHER_MS);
            break;
        case WAKE_STREAM:
            break;
        case WAKE_TIME:
        case WAKE_RESIZE:
        case WAKE_SUSPEND:
        case WAKE_END:
            return wake;
        }
        if (clock_boot_ms() >= end)
            return WAKE_TIME;
    }
}

uint64_t follow_lost_ms(const struct follow *follow, struct err *ret_why)
{
    if (follow->lost_since_ms == 0)
        return 0;
    *ret_why = follow->why;
    return max_of(clock_boot_ms() - follow->lost_since_ms, (uint64_t)1);
}
