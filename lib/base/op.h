/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An asynchronous operation: one object, one completion.
 *
 * A concrete operation embeds struct op as its first member and is started by a function that
 * returns nothing: whatever goes wrong, a malformed argument included, arrives through done.
 *
 *   caller: xxx_start(&x, …, deadline_ms, done)       memory of x is the caller's until done
 *   implementation: op_hold() for each handle or request the loop knows of
 *                   op_finish(op, err)                the first result wins, teardown() closes
 * handles op_release()                      once each of them is gone last release -> done(op),
 * once, never from inside start, finish or cancel.
 *
 * In done the result is in op->err (code ERR_NONE: success); the memory may be reused or freed
 * there.
 */
#include <uv.h>

#include "lib/base/err.h"

struct op;
typedef void op_done_fn(struct op *op);

struct op_type {
    const char *name;
    void (*teardown)(
        struct op *op); /* called once, when the result is known: let go of everything */
};

struct op {
    const struct op_type *type;
    op_done_fn *done;
    struct err err;
    /* private */
    unsigned held;
    bool finished;
    uv_timer_t deadline;
};

/* Starts op's life. deadline_ms: after that time it finishes with ERR_TIMEOUT; must not be 0. */
void op_init(struct op *op, const struct op_type *type, uv_loop_t *loop, uint64_t deadline_ms,
             op_done_fn *done);

/* The result is known; err NULL or of ERR_NONE means success. Later calls change nothing. */
void op_finish(struct op *op, const struct err *err);

/* Asks for an early end; done still comes, with ERR_CANCELED unless a result was there first. */
void op_cancel(struct op *op);

/* Something that must be gone before done may be called has been handed to the loop / is gone. */
void op_hold(struct op *op);
void op_release(struct op *op);

/* Closes a handle op has held: sets handle->data and releases op when it is closed. */
void op_close(struct op *op, uv_handle_t *handle);
