/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's tables, walked exhaustively. */
#include <stdio.h>
#include <string.h>

#include "daemon/core/fsm.h"
#include "daemon/core/reason.h"
#include "tests/unit/fixture.h"

static void rows_are_complete(void **state)
{
    (void)state;
    for (int p = 0; p < PHASE_MAX; p++) {
        const struct phase_def *def = phase_get((enum phase)p);

        assert_non_null(def->name);
        assert_non_null(def->meaning);
        assert_non_null(def->next_step);
        assert_int_equal(phase_parse(def->name), p);
    }
    for (int e = 0; e < EV_MAX; e++)
        assert_non_null(fsm_event_name((enum fsm_event)e));
    for (int r = REASON_NONE + 1; r < REASON_MAX; r++) {
        const struct reason_def *def = reason_get((enum reason)r);

        assert_int_equal(reason_parse(def->code), r);
        assert_true(strspn(def->code, "abcdefghijklmnopqrstuvwxyz-") == strlen(def->code));
        assert_true(strlen(def->what) > 20 && strlen(def->next) > 5);
    }
    assert_int_equal(phase_parse("nonsense"), PHASE_MAX);
    assert_int_equal(reason_parse("nonsense"), REASON_NONE);
}

static void edges_are_unambiguous(void **state)
{
    const struct edge *edges;
    size_t n;

    (void)state;
    edges = fsm_edges(&n);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(fsm_next(edges[i].from, edges[i].event), &edges[i]);
        assert_true(strlen(edges[i].why) > 0);
    }
}

static void reach(enum phase from, bool seen[PHASE_MAX])
{
    const struct edge *edges;
    size_t n;

    if (seen[from])
        return;
    seen[from] = true;
    edges = fsm_edges(&n);
    for (size_t i = 0; i < n; i++)
        if (edges[i].from == from)
            reach(edges[i].to, seen);
}

static void every_phase_is_reachable_and_leads_to_an_end(void **state)
{
    (void)state;
    for (int p = 0; p < PHASE_MAX; p++) {
        bool seen[PHASE_MAX] = {false};
        bool from_start[PHASE_MAX] = {false};
        bool ends = false;

        reach((enum phase)p, seen);
        reach(PHASE_IDLE, from_start);
        for (int q = 0; q < PHASE_MAX; q++)
            ends = ends || (seen[q] && (phase_get((enum phase)q)->flags & F_ENDED));
        assert_true(ends);
        assert_true(from_start[p]);
    }
}

static void abort_exists_exactly_where_the_flag_says(void **state)
{
    (void)state;
    for (int p = 0; p < PHASE_MAX; p++)
        assert_int_equal(fsm_next((enum phase)p, EV_ABORT) != NULL,
                         (phase_get((enum phase)p)->flags & F_ABORTABLE) != 0);
}

/* Past the point of no return there is one way that is not forward, and it loses nothing. That the
 * target is to copy anew is noted on the spot. */
static void switching_leads_forward(void **state)
{
    const struct edge *edges;
    size_t n;

    (void)state;
    edges = fsm_edges(&n);
    for (size_t i = 0; i < n; i++) {
        if (edges[i].from != PHASE_SWITCHING)
            continue;
        assert_true(edges[i].to == PHASE_COMPLETED || edges[i].to == PHASE_HALTED ||
                    edges[i].event == EV_SLIPPED || edges[i].event == EV_RECOPY);
    }
    assert_null(fsm_next(PHASE_SWITCHING, EV_ABORT));
    assert_null(fsm_next(PHASE_COMPLETED, EV_RETRY));
    assert_int_equal(fsm_next(PHASE_COMPLETED, EV_START)->to, PHASE_QUEUED);
    assert_null(fsm_next(PHASE_COMPLETED, EV_RESPEC));
}

static void every_phase_before_switching_can_be_rolled_back(void **state)
{
    static const enum phase phases[] = {PHASE_ATTACHING, PHASE_BACKOFF, PHASE_SYNCING,
                                        PHASE_REPLICATING, PHASE_FREEZING};

    (void)state;
    for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
        assert_int_equal(fsm_next(phases[i], EV_ABORT)->to, PHASE_ROLLING_BACK);
}

/* Only what happens inside the write pause may be written behind. */
static void hot_edges_are_inside_the_pause(void **state)
{
    const struct edge *edges;
    size_t n;

    (void)state;
    edges = fsm_edges(&n);
    for (size_t i = 0; i < n; i++)
        assert_true(!(edges[i].flags & E_HOT) || edges[i].from == PHASE_FREEZING);
    assert_false(fsm_next(PHASE_REPLICATING, EV_CUTOVER)->flags & E_HOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(edges_are_unambiguous),
        cmocka_unit_test(every_phase_is_reachable_and_leads_to_an_end),
        cmocka_unit_test(abort_exists_exactly_where_the_flag_says),
        cmocka_unit_test(switching_leads_forward),
        cmocka_unit_test(every_phase_before_switching_can_be_rolled_back),
        cmocka_unit_test(hot_edges_are_inside_the_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
