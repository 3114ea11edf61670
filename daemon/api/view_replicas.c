/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/view_replicas.h"

#include "daemon/core/replicas.h"

static json_t *number(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

static json_t *view_row(const struct replica_row *row)
{
    char text[ENDPOINT_STR_MAX];

    return json_pack("{s:o, s:s, s:o, s:o}", "endpoint",
                     json_string(endpoint_format(&row->at, text)), "state", row->state, "offset",
                     number(row->offset), "lag_bytes", number(row->lag));
}

static bool is_known(const struct seen_node *node)
{
    return (node->reachable || !node->tried) && (node->info.sections & REDIS_INFO_REPLICATION);
}

/* The ones a node lists but this one, and the named ones that it does not list. */
static json_t *view_rows(const struct redis_info *info, const struct redis_info_replica *but,
                         const struct endpoint *named, unsigned n)
{
    struct replica_row rows[REPLICA_ROWS_MAX];
    unsigned n_rows = replica_rows(info, named, n, rows);
    json_t *list = json_array();

    for (unsigned i = 0; i < n_rows; i++)
        if (!but || but != &info->replicas[i])
            json_array_append_new(list, view_row(&rows[i]));
    return list;
}

/* After the switch-over the old source is one of them, and shown by itself. */
json_t *view_target_replicas(const struct migration_view *view)
{
    const struct spec_node *spec = &view->spec->target;
    const struct observation *seen = view->seen;

    if (!seen || !is_known(&seen->node[SIDE_TARGET]))
        return json_null();
    return view_rows(&seen->node[SIDE_TARGET].info, target_sees_source(view->spec, view->run, seen),
                     spec->replicas, spec->n_replicas);
}

json_t *view_source_replicas(const struct migration_view *view)
{
    const struct observation *seen = view->seen;

    if (!seen || !is_known(&seen->node[SIDE_SOURCE]))
        return json_null();
    return view_rows(&seen->node[SIDE_SOURCE].info, source_sees_target(view->spec, seen), NULL, 0);
}

json_t *view_primary_replicas(const struct migration_view *view)
{
    const struct observation *seen = view->seen;

    if (!seen || !is_known(&seen->node[SIDE_PRIMARY]))
        return json_null();
    return view_rows(&seen->node[SIDE_PRIMARY].info,
                     primary_sees_source(view->spec, view->run, seen), NULL, 0);
}
