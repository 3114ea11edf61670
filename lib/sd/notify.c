/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sd/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "lib/base/base.h"

#define NOTIFY_MAGIC 0x6e6f7479u

struct notify {
    unsigned magic;
    uv_timer_t watchdog; /* started only when the manager expects it */
};

static void feed(uv_timer_t *timer)
{
    (void)timer;
    sd_notify(0, "WATCHDOG=1");
}

struct notify *notify_new(uv_loop_t *loop)
{
    struct notify *notify = xcalloc(1, sizeof(*notify));
    uint64_t usec = 0, ms;

    notify->magic = NOTIFY_MAGIC;
    uv_timer_init(loop, &notify->watchdog);
    notify->watchdog.data = notify;
    uv_unref((uv_handle_t *)&notify->watchdog);
    if (sd_watchdog_enabled(0, &usec) > 0) {
        ms = max_of(usec / 2000, 1u);
        uv_timer_start(&notify->watchdog, feed, ms, ms);
    }
    return notify;
}

static void closed(uv_handle_t *handle)
{
    struct notify *notify = handle->data;

    assert(notify->magic == NOTIFY_MAGIC);
    notify->magic = 0;
    free(notify);
}

void notify_free(struct notify *notify)
{
    if (notify)
        uv_close((uv_handle_t *)&notify->watchdog, closed);
}

void notify_ready(struct notify *notify)
{
    assert(notify->magic == NOTIFY_MAGIC);
    sd_notify(0, "READY=1");
}

void notify_reloading(struct notify *notify)
{
    struct timespec ts;

    assert(notify->magic == NOTIFY_MAGIC);
    clock_gettime(CLOCK_MONOTONIC, &ts);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

void notify_stopping(struct notify *notify)
{
    assert(notify->magic == NOTIFY_MAGIC);
    sd_notify(0, "STOPPING=1");
}

void notify_status(struct notify *notify, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    assert(notify->magic == NOTIFY_MAGIC);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    /* A line break would let the text say things to the manager that we did not. */
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    }
    sd_notifyf(0, "STATUS=%s", text);
}
