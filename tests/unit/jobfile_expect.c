/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/jobfile_expect.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/fixture.h"

void parse_orders(const char *text, struct jobfile *ret)
{
    jobfile_parse("/etc/ecmigrate.d/orders.yaml", text, strlen(text), ret);
}

void expect_jobs(const struct jobfile *file, unsigned n_specs)
{
    if (!jobfile_ok(file))
        diags_print(&file->diags, stderr, false);
    assert_true(jobfile_ok(file));
    assert_int_equal(file->n_specs, n_specs);
}
