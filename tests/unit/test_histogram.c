/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/base/base.h"
#include "lib/base/histogram.h"
#include "tests/unit/fixture.h"

static const double bounds[] = {0.001, 0.01, 0.1};

static struct histogram make(void)
{
    struct histogram h;

    histogram_init(&h, bounds, array_len(bounds));
    return h;
}

static void expect_near(double is, double should)
{
    if (fabs(is - should) > 1e-9)
        fail_msg("%.12g instead of %.12g", is, should);
}

static void test_a_value_falls_into_the_first_bucket_that_holds_it(void **state)
{
    struct histogram h = make();
    static const double values[] = {0, 0.001, 0.0011, 0.01, 0.1, 0.1001, 60};
    static const uint64_t counts[] = {2, 2, 1, 2};

    (void)state;
    for (size_t i = 0; i < array_len(values); i++)
        histogram_observe(&h, values[i]);
    for (size_t i = 0; i < array_len(counts); i++)
        assert_int_equal(h.counts[i], counts[i]);
    assert_int_equal(h.count, array_len(values));
    expect_near(h.sum, 60.2122);
}

static void test_quantiles_are_spread_over_their_bucket(void **state)
{
    struct histogram h = make();

    (void)state;
    for (int i = 0; i < 90; i++)
        histogram_observe(&h, 0.0005);
    for (int i = 0; i < 10; i++)
        histogram_observe(&h, 0.05);
    expect_near(histogram_quantile(&h, 0.45), 0.0005);
    expect_near(histogram_quantile(&h, 0.9), 0.001);
    expect_near(histogram_quantile(&h, 0.95), 0.055);
    expect_near(histogram_quantile(&h, 1), 0.1);
}

static void test_no_observation_has_no_quantile(void **state)
{
    struct histogram h = make();

    (void)state;
    assert_true(isnan(histogram_quantile(&h, 0.5)));
}

static void test_what_lies_beyond_shows_as_the_highest_bound(void **state)
{
    struct histogram h = make();

    (void)state;
    histogram_observe(&h, 5);
    expect_near(histogram_quantile(&h, 0.5), 0.1);
    histogram_observe(&h, 0.0001);
    expect_near(histogram_quantile(&h, 0.5), 0.001);
    expect_near(histogram_quantile(&h, 0.99), 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_falls_into_the_first_bucket_that_holds_it),
        cmocka_unit_test(test_quantiles_are_spread_over_their_bucket),
        cmocka_unit_test(test_no_observation_has_no_quantile),
        cmocka_unit_test(test_what_lies_beyond_shows_as_the_highest_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
