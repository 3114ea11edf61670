/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/turns.h"

#include "lib/base/base.h"

#define ROUNDS_MAX 8

static void drain(struct turns *turns)
{
    for (int round = 0; round < ROUNDS_MAX && !list_empty(&turns->ready); round++) {
        struct list now;

        /* Who asks from here on belongs to the next round. */
        list_move(&now, &turns->ready);
        while (!list_empty(&now)) {
            struct turn *turn = container_of(now.next, struct turn, link);

            list_remove(&turn->link);
            turn->on_turn(turn);
        }
    }
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* being active is its purpose */
}

static void on_prepare(uv_prepare_t *handle)
{
    struct turns *turns = container_of(handle, struct turns, drain);

    drain(turns);
    if (list_empty(&turns->ready))
        uv_idle_stop(&turns->again);
    else
        uv_idle_start(&turns->again, on_idle);
}

void turns_init(struct turns *turns, uv_loop_t *loop)
{
    list_init(&turns->ready);
    uv_prepare_init(loop, &turns->drain);
    uv_prepare_start(&turns->drain, on_prepare);
    uv_idle_init(loop, &turns->again);
}

static void handle_closed(uv_handle_t *handle)
{
    struct turns *turns = handle->data;

    if (--turns->closing == 0)
        turns->closed(turns->closed_arg);
}

void turns_deinit(struct turns *turns, void (*closed)(void *arg), void *arg)
{
    assert(list_empty(&turns->ready));
    turns->closed = closed;
    turns->closed_arg = arg;
    turns->closing = 2;
    turns->drain.data = turns->again.data = turns;
    uv_close((uv_handle_t *)&turns->drain, handle_closed);
    uv_close((uv_handle_t *)&turns->again, handle_closed);
}

void turn_init(struct turn *turn, void (*on_turn)(struct turn *turn))
{
    list_init(&turn->link);
    turn->on_turn = on_turn;
}

void turn_ask(struct turns *turns, struct turn *turn)
{
    if (list_empty(&turn->link))
        list_push(&turns->ready, &turn->link);
}

void turn_cancel(struct turn *turn)
{
    list_remove(&turn->link);
}
