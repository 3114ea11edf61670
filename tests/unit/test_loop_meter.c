/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/loop_meter.h"
#include "lib/base/base.h"
#include "tests/unit/fixture.h"

#define BUSY_MS 30 /* between two of the bounds: 25 and 50 ms */

/* Work that holds the loop, for a known time. */
static void busy(uv_timer_t *timer)
{
    uint64_t begin = uv_hrtime();

    while (uv_hrtime() - begin < BUSY_MS * 1000000ull)
        ;
    uv_close((uv_handle_t *)timer, NULL);
}

static uint64_t turns_above(const struct loop_meter *meter, double seconds)
{
    uint64_t n = meter->lag.counts[meter->lag.n];

    for (unsigned i = 0; i < meter->lag.n; i++) {
        if (meter->lag.bounds[i] > seconds)
            n += meter->lag.counts[i];
    }
    return n;
}

static void close_meter(struct loop_meter *meter, uv_loop_t *loop)
{
    loop_meter_close(meter);
    uv_run(loop, UV_RUN_DEFAULT);
}

static void test_work_counts_and_sleep_does_not(void **state)
{
    struct fixture *f = *state;
    struct loop_meter meter;
    uv_timer_t timer;

    loop_meter_init(&meter, &f->loop);
    loop_run_for(&f->loop, 80);
    assert_true(meter.lag.count > 0);
    assert_int_equal(turns_above(&meter, BUSY_MS / 1000.0), 0);

    uv_timer_init(&f->loop, &timer);
    uv_timer_start(&timer, busy, 20, 0);
    loop_run_for(&f->loop, 80);
    assert_int_equal(turns_above(&meter, BUSY_MS / 1000.0), 1);
    assert_true(meter.lag.sum >= BUSY_MS / 1000.0);
    close_meter(&meter, &f->loop);
}

static void count_turn(uv_prepare_t *prepare)
{
    (*(unsigned *)prepare->data)++;
}

static void due(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

static void test_it_wakes_nothing(void **state)
{
    struct fixture *f = *state;
    struct loop_meter meter;
    uv_prepare_t prepare;
    uv_timer_t timer;
    unsigned turns = 0;

    loop_meter_init(&meter, &f->loop);
    uv_prepare_init(&f->loop, &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, count_turn);
    uv_unref((uv_handle_t *)&prepare);
    uv_timer_init(&f->loop, &timer);
    uv_timer_start(&timer, due, 100, 0);
    /* Nor does it keep a loop from ending when its last timer is gone. */
    uv_run(&f->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&prepare, NULL);
    close_meter(&meter, &f->loop);
    assert_true(turns <= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work_counts_and_sleep_does_not, loop_setup,
                                        loop_teardown),
        cmocka_unit_test_setup_teardown(test_it_wakes_nothing, loop_setup, loop_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
