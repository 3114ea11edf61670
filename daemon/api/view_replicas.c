/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/view_replicas.h"

#include "daemon/api/view_text.h"
#include "daemon/core/replicas.h"
#include "daemon/core/sibling.h"

static json_t *number(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

/* Lines for a shell that point it to the target; null where that would do harm, or no good. */
static json_t *remedy_of(const struct migration_view *view, const struct sibling *one)
{
    const struct spec_node *target = &view->spec->target;
    const struct spec_auth *auth = spec_replication_auth(target);
    json_t *lines = json_array();

    if (!one || !sibling_can_be_pasted(one)) {
        json_decref(lines);
        return json_null();
    }
    if (auth->username)
        json_array_append_new(lines, json_sprintf("redis-cli -h %s -p %u config set masteruser %s",
                                                  one->at.host, one->at.port, auth->username));
    if (auth->password || auth->password_file || auth->credential)
        json_array_append_new(
            lines, json_sprintf("redis-cli -h %s -p %u config set masterauth PASSWORD-FOR-%s:%u",
                                one->at.host, one->at.port, target->reachable_as.host,
                                target->reachable_as.port));
    json_array_append_new(lines, json_sprintf("redis-cli -h %s -p %u replicaof %s %u", one->at.host,
                                              one->at.port, target->reachable_as.host,
                                              target->reachable_as.port));
    return lines;
}

/* one: what is done about it; NULL: nothing is. */
static json_t *view_row(const struct migration_view *view, const struct replica_row *row,
                        const struct sibling *one)
{
    char text[ENDPOINT_STR_MAX];

    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "endpoint",
                     json_string(endpoint_format(&row->at, text)), "state", row->state, "offset",
                     number(row->offset), "lag_bytes", number(row->lag), "message",
                     view_text(one ? one->message : NULL), "remedy", remedy_of(view, one));
}

static bool is_known(const struct seen_node *node)
{
    return (node->reachable || !node->tried) && (node->info.sections & REDIS_INFO_REPLICATION);
}

/* The old primary of a chain, once it follows the target. */
static bool is_another_of_the_job(const struct migration_view *view, enum node_side side,
                                  const struct redis_info_replica *line)
{
    const struct observation *seen = view->seen;

    return side == SIDE_TARGET && seen->writer == SIDE_PRIMARY && seen->writer_follows_target &&
           replica_exactly_at(&seen->node[side].info, &seen->primary) == line;
}

/* The ones a node lists but this one, and the named ones that it does not list. Whoever is known to
 * be another replica of what took the writes is shown, whatever line this one seems to have. */
static json_t *view_rows(const struct migration_view *view, enum node_side side,
                         const struct redis_info_replica *but)
{
    const struct observation *seen = view->seen;
    const struct redis_info *info = &seen->node[side].info;
    const struct spec_node *spec = &view->spec->target;
    unsigned named = side == SIDE_TARGET ? spec->n_replicas : 0;
    struct replica_row rows[REPLICA_ROWS_MAX];
    unsigned n = replica_rows(info, spec->replicas, named, rows);
    json_t *list = json_array();

    for (unsigned i = 0; i < n; i++) {
        const struct sibling *one =
            side == seen->writer ? sibling_at(seen->siblings, &rows[i].at) : NULL;

        if (one || (!is_another_of_the_job(view, side, &info->replicas[i]) &&
                    (!but || but != &info->replicas[i])))
            json_array_append_new(list, view_row(view, &rows[i], one));
    }
    return list;
}

/* Once they are pointed to the target, it is the target that knows how far they are. */
static json_t *view_siblings(const struct migration_view *view)
{
    const struct redis_info *target = &view->seen->node[SIDE_TARGET].info;
    struct replica_row rows[REPLICA_ROWS_MAX];
    unsigned n = replica_rows(target, NULL, 0, rows);
    json_t *list = json_array();

    for (unsigned i = 0; i < SIBLINGS_MAX; i++) {
        const struct sibling *one = &view->seen->siblings[i];
        struct replica_row row = {.at = one->at, .offset = -1, .lag = -1};

        if (one->state == SIBLING_NONE)
            continue;
        for (unsigned k = 0; k < n; k++)
            if (endpoint_equal(&rows[k].at, &one->at))
                row = rows[k];
        row.state = sibling_state_name(one->state);
        json_array_append_new(list, view_row(view, &row, one));
    }
    return list;
}

/* Its line of another node of the job: that is shown by itself. */
static const struct redis_info_replica *partner(const struct migration_view *view,
                                                enum node_side side)
{
    switch (side) {
    case SIDE_SOURCE:
        return source_sees_target(view->spec, view->seen);
    case SIDE_TARGET:
        return target_sees_source(view->spec, view->run, view->seen);
    case SIDE_PRIMARY:
        return primary_sees_source(view->spec, view->run, view->seen);
    case SIDE_MAX:
        break;
    }
    return NULL;
}

json_t *view_replicas(const struct migration_view *view, enum node_side side)
{
    const struct observation *seen = view->seen;

    if (seen && side == seen->writer && siblings_any(seen->siblings) &&
        view->run->cutover.at_wall_ms != 0)
        return view_siblings(view);
    if (!seen || !is_known(&seen->node[side]))
        return json_null();
    return view_rows(view, side, partner(view, side));
}
