/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/op.h"

#include <assert.h>

#include "lib/base/base.h"

static void handle_closed(uv_handle_t *handle)
{
    op_release(handle->data);
}

static void deadline_passed(uv_timer_t *timer)
{
    struct op *op = container_of(timer, struct op, deadline);
    struct err err;

    err_set(&err, ERR_TIMEOUT, "no answer within %llu ms",
            (unsigned long long)uv_timer_get_repeat(timer));
    op_finish(op, &err);
}

void op_init(struct op *op, const struct op_type *type, uv_loop_t *loop, uint64_t deadline_ms,
             op_done_fn *done)
{
    assert(deadline_ms > 0);
    op->type = type;
    op->done = done;
    op->err = ERR_INIT;
    op->finished = false;
    op->held = 1; /* the timer */
    uv_timer_init(loop, &op->deadline);
    /* The loop's notion of now may be as old as the turn; a deadline counts from this moment. */
    uv_update_time(loop);
    /* The repeat value only keeps the figure for the message: the first expiry closes the timer. */
    uv_timer_start(&op->deadline, deadline_passed, deadline_ms, deadline_ms);
}

void op_finish(struct op *op, const struct err *err)
{
    if (op->finished)
        return;
    op->finished = true;
    if (err)
        op->err = *err;
    op->type->teardown(op);
    op_close(op, (uv_handle_t *)&op->deadline);
}

void op_cancel(struct op *op)
{
    struct err err;

    err_set(&err, ERR_CANCELED, "%s: canceled", op->type->name);
    op_finish(op, &err);
}

void op_hold(struct op *op)
{
    op->held++;
}

void op_release(struct op *op)
{
    assert(op->held > 0);
    if (--op->held > 0)
        return;
    assert(op->finished);
    op->done(op);
}

void op_close(struct op *op, uv_handle_t *handle)
{
    handle->data = op;
    uv_close(handle, handle_closed);
}
