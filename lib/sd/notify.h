/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the service manager is told. Without NOTIFY_SOCKET none of this has an effect.
 *
 * The watchdog is fed by a timer of the loop, at half of the time the manager allows: a loop that
 * stands still is noticed by that alone.
 */
#include <uv.h>

struct notify;

struct notify *notify_new(uv_loop_t *loop);
void notify_free(struct notify *notify); /* closes the timer; the memory goes when the loop turns.
                                            NULL is fine */

void notify_ready(struct notify *notify); /* also the end of reloading */
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);
/* One line for `systemctl status`; cut after 200 bytes, control characters become spaces. */
void notify_status(struct notify *notify, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
