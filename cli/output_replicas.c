/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_replicas.h"

#include <string.h>

#include "cli/check_result.h"
#include "cli/output_table.h"
#include "lib/base/base.h"
#include "lib/base/units.h"

char *replicas_cell(const struct term *term, const json_t *job)
{
    const json_t *list = member(job, "target.replicas");
    size_t online = 0, i;
    json_t *replica;

    (void)term;
    if (json_array_size(list) == 0)
        return xstrdup("-");
    json_array_foreach (list, i, replica) {
        const char *state = member_string(replica, "state");

        online += state && strcmp(state, "online") == 0;
    }
    return xasprintf("%zu/%zu", online, json_array_size(list));
}

/* "10.0.0.4:6379 of the target, online, offset 4711, 12 B behind" */
static char *line_of(const struct term *term, const json_t *replica, const char *side)
{
    cleanup(freep) char *endpoint = member_cell(term, replica, "endpoint");
    cleanup(freep) char *state = member_cell(term, replica, "state");
    cleanup(freep) char *offset = member_text(term, replica, "offset");
    char buf[UNITS_STR_MAX];
    double lag;
    bool behind = member_number(replica, "lag_bytes", &lag) && lag >= 0 && lag < 9e15;

    return xasprintf("%s of the %s, %s%s%s%s%s%s", endpoint, side, state, offset ? ", offset " : "",
                     offset ? offset : "", behind ? ", " : "",
                     behind ? bytes_human((uint64_t)lag, buf) : "", behind ? " behind" : "");
}

/* What is the matter with it, and what to paste. */
static void print_more(const struct term *term, const json_t *replica)
{
    cleanup(freep) char *message = member_text(term, replica, "message");
    json_t *line;
    size_t i;

    if (message)
        print_labelled(term, "", STYLE_BAD, message);
    json_array_foreach (member(replica, "remedy"), i, line) {
        cleanup(freep) char *text = remedy_line(term, line);

        if (text)
            printf("    %s\n", text);
    }
}

void replicas_print(const struct term *term, const json_t *job, const char *side)
{
    cleanup(freep) char *path = xasprintf("%s.replicas", side);
    json_t *replica;
    size_t i;

    json_array_foreach (member(job, path), i, replica) {
        cleanup(freep) char *line = line_of(term, replica, side);

        print_labelled(term, "Replica:", STYLE_NONE, line);
        print_more(term, replica);
    }
}
