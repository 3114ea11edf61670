/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/histogram.h"

#include <math.h>

#include "lib/base/base.h"

void histogram_init(struct histogram *h, const double *bounds, unsigned n)
{
    assert(n >= 1 && n <= HISTOGRAM_BUCKETS_MAX);
    for (unsigned i = 1; i < n; i++)
        assert(bounds[i] > bounds[i - 1]);
    *h = (struct histogram){.bounds = bounds, .n = n};
}

void histogram_observe(struct histogram *h, double seconds)
{
    unsigned i = 0;

    while (i < h->n && seconds > h->bounds[i])
        i++;
    h->counts[i]++;
    h->count++;
    h->sum += seconds;
}

double histogram_quantile(const struct histogram *h, double q)
{
    double rank = q * (double)h->count, below = 0;

    if (h->count == 0)
        return NAN;
    for (unsigned i = 0; i < h->n; i++) {
        double here = (double)h->counts[i], low = i > 0 ? h->bounds[i - 1] : 0;

        if (here > 0 && below + here >= rank)
            return low + (h->bounds[i] - low) * (rank - below) / here;
        below += here;
    }
    return h->bounds[h->n - 1];
}
