/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of those that want to act, and items by their id. */
#include "lib/base/base.h"
#include "lib/base/by_id.h"
#include "lib/base/turns.h"
#include "tests/unit/fixture.h"

struct actor {
    struct turn turn;
    struct turns *turns;
    unsigned taken, again; /* how often it asks anew from inside its turn */
    struct actor *other;   /* asks for that one's turn, too */
    bool inside;
};

static void act(struct turn *turn)
{
    struct actor *a = container_of(turn, struct actor, turn);

    assert_false(a->inside);
    a->inside = true;
    a->taken++;
    if (a->again > 0) {
        a->again--;
        turn_ask(a->turns, &a->turn);
    }
    if (a->other)
        turn_ask(a->turns, &a->other->turn);
    a->inside = false;
}

static void closed(void *arg)
{
    *(bool *)arg = true;
}

static void finish(struct fixture *f, struct turns *turns)
{
    bool gone = false;

    turns_deinit(turns, closed, &gone);
    assert_true(loop_run_until_set(&f->loop, &gone, 1000));
}

static void who_asks_twice_has_one_turn(void **state)
{
    struct fixture *f = *state;
    struct turns turns;
    struct actor a = {.turns = &turns};

    turns_init(&turns, &f->loop);
    turn_init(&a.turn, act);
    turn_ask(&turns, &a.turn);
    turn_ask(&turns, &a.turn);
    assert_int_equal(a.taken, 0); /* never from inside the asking */
    loop_run_for(&f->loop, 5);
    assert_int_equal(a.taken, 1);
    turn_ask(&turns, &a.turn);
    turn_cancel(&a.turn);
    loop_run_for(&f->loop, 5);
    assert_int_equal(a.taken, 1);
    finish(f, &turns);
}

/* More rounds than one turn of the loop has: the rest comes in the next, without sleeping. Nobody
 * is put off by being asked for again. */
static void who_asks_in_its_turn_has_another(void **state)
{
    struct fixture *f = *state;
    struct turns turns;
    struct actor a = {.turns = &turns, .again = 50}, b = {.turns = &turns};

    a.other = &b;
    turns_init(&turns, &f->loop);
    turn_init(&a.turn, act);
    turn_init(&b.turn, act);
    turn_ask(&turns, &a.turn);
    loop_run_for(&f->loop, 20);
    assert_int_equal(a.taken, 51);
    assert_int_equal(b.taken, 26); /* in every second round */
    finish(f, &turns);
}

struct thing {
    char id[8];
};

static void items_are_kept_in_the_order_of_their_ids(void **state)
{
    struct thing things[] = {{"d"}, {"b"}, {"e"}, {"a"}, {"c"}};
    struct by_id set = {.items = NULL};

    (void)state;
    assert_null(by_id_find(&set, "a"));
    for (unsigned i = 0; i < array_len(things); i++)
        by_id_insert(&set, by_id_position(&set, things[i].id), &things[i]);
    for (unsigned i = 0; i < set.n; i++)
        assert_int_equal(*(char *)set.items[i], 'a' + (int)i);
    assert_ptr_equal(by_id_find(&set, "c"), &things[4]);
    assert_null(by_id_find(&set, "bb"));
    by_id_remove(&set, by_id_position(&set, "b"));
    assert_null(by_id_find(&set, "b"));
    assert_ptr_equal(by_id_find(&set, "e"), &things[2]);
    assert_int_equal(set.n, 4);
    by_id_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_asks_twice_has_one_turn, loop_setup, loop_teardown),
        cmocka_unit_test_setup_teardown(who_asks_in_its_turn_has_another, loop_setup,
                                        loop_teardown),
        cmocka_unit_test(items_are_kept_in_the_order_of_their_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
