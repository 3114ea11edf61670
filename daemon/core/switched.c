/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/switched.h"

bool switched_same_pair(const struct switched *a, const struct switched *b)
{
    return (endpoint_equal(&a->source, &b->source) && endpoint_equal(&a->target, &b->target)) ||
           (endpoint_equal(&a->source, &b->target) && endpoint_equal(&a->target, &b->source));
}
