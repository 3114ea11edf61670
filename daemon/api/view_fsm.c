/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/view_fsm.h"

#include "daemon/core/fsm.h"

static json_t *view_phase(const struct phase_def *phase)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "name", phase->name, "state",
                     public_state_name(phase->state), "meaning", phase->meaning, "next_step",
                     phase->next_step, "abortable", (phase->flags & F_ABORTABLE) != 0, "ended",
                     (phase->flags & F_ENDED) != 0);
}

static json_t *view_edge(const struct edge *edge)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "from", phase_get(edge->from)->name, "event",
                     fsm_event_name(edge->event), "to", phase_get(edge->to)->name, "why",
                     edge->why);
}

json_t *view_fsm(void)
{
    json_t *phases = json_array(), *transitions = json_array();
    size_t n;
    const struct edge *edges = fsm_edges(&n);

    for (int phase = 0; phase < PHASE_MAX; phase++)
        json_array_append_new(phases, view_phase(phase_get((enum phase)phase)));
    for (size_t i = 0; i < n; i++)
        json_array_append_new(transitions, view_edge(&edges[i]));
    return json_pack("{s:o, s:o}", "phases", phases, "transitions", transitions);
}
