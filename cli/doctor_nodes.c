/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes of all jobs: their names looked up and their ports connected to from here, beside what
 * the daemon says of them. Each endpoint once, however many jobs name it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor.h"
#include "cli/probe.h"

#define NAMES_MS 3000
#define CONNECT_MS 2000
#define CONNECT_ALL_MS 5000
#define SLOW_NAME_MS 500
#define TODO_NAME "Correct the endpoint or the name service: getent ahosts NAME"
#define TODO_PORT "Check that it runs, its bind and port settings, and firewalls in between."

enum view { VIEW_NONE, VIEW_DOWN, VIEW_UP };

struct node {
    struct endpoint endpoint;
    char job[SPEC_ID_MAX + 1]; /* one that names it */
    unsigned n_jobs;
    bool live;      /* some job that has not ended needs it */
    enum view view; /* the daemon's */
    char *why;      /* owned; what the daemon says when it is down; NULL: nothing */
    size_t name;    /* index of its host */
};

struct nodes {
    struct doctor *d;
    struct node *list; /* owned */
    size_t n;
    struct probe_name *names; /* owned */
    size_t n_names;
    struct probe_port *ports;      /* owned; as list */
    json_t *by_endpoint, *by_host; /* owned: text -> index */
};

static struct node *add_node(struct nodes *nodes, const struct endpoint *ep, const char *job,
                             bool live)
{
    char key[ENDPOINT_STR_MAX];
    json_t *index = json_object_get(nodes->by_endpoint, endpoint_format(ep, key));
    struct node *node;

    if (!index) {
        nodes->list = xrealloc(nodes->list, nodes->n + 1, sizeof(*nodes->list));
        nodes->list[nodes->n] = (struct node){.endpoint = *ep};
        str_copy(nodes->list[nodes->n].job, sizeof(nodes->list[nodes->n].job), job);
        index = json_integer((json_int_t)nodes->n++);
        json_object_set_new(nodes->by_endpoint, key, index);
    }
    assert(nodes->list);
    node = &nodes->list[json_integer_value(index)];
    node->n_jobs++;
    node->live = node->live || live;
    return node;
}

static void add_side(struct nodes *nodes, const json_t *job, const char *side)
{
    const char *id = member_string(job, "id"), *state = member_string(job, "state");
    const json_t *seen = member(job, side);
    const char *text = member_string(seen, "endpoint");
    bool live = !state || strcmp(state, "pending") == 0 || strcmp(state, "migrating") == 0;
    struct endpoint ep;
    struct node *node;
    struct err err;

    if (!id || !text || endpoint_parse(text, &ep, &err))
        return;
    node = add_node(nodes, &ep, id, live);
    if (json_is_true(member(seen, "reachable")))
        node->view = VIEW_UP;
    if (!json_is_false(member(seen, "reachable")) || node->view == VIEW_UP)
        return;
    node->view = VIEW_DOWN;
    free(node->why);
    node->why = xstrdup(member_string(job, "reason.message"));
}

static bool is_known(const struct nodes *nodes, const struct endpoint *ep)
{
    char key[ENDPOINT_STR_MAX];

    return json_object_get(nodes->by_endpoint, endpoint_format(ep, key)) != NULL;
}

/* Those of the files that the daemon has said nothing of. */
static void add_spec(struct nodes *nodes, const struct spec *spec)
{
    if (spec->has_source && !is_known(nodes, &spec->source.endpoint))
        (void)add_node(nodes, &spec->source.endpoint, spec->id, true);
    if (!is_known(nodes, &spec->target.endpoint))
        (void)add_node(nodes, &spec->target.endpoint, spec->id, true);
    for (unsigned i = 0; i < spec->target.n_replicas; i++) {
        if (!is_known(nodes, &spec->target.replicas[i]))
            (void)add_node(nodes, &spec->target.replicas[i], spec->id, true);
    }
}

static void gather(struct nodes *nodes)
{
    struct doctor *d = nodes->d;
    json_t *job;
    size_t i;

    json_array_foreach (d->jobs, i, job) {
        add_side(nodes, job, "source");
        add_side(nodes, job, "target");
    }
    for (unsigned f = 0; f < d->n_files; f++) {
        for (unsigned k = 0; k < d->files[f].n_specs; k++)
            add_spec(nodes, d->files[f].specs[k]);
    }
    nodes->names = xcalloc(nodes->n, sizeof(*nodes->names));
    for (i = 0; i < nodes->n; i++) {
        struct node *node = &nodes->list[i];
        json_t *index = json_object_get(nodes->by_host, node->endpoint.host);

        if (!index) {
            nodes->names[nodes->n_names].host = node->endpoint.host;
            index = json_integer((json_int_t)nodes->n_names++);
            json_object_set_new(nodes->by_host, node->endpoint.host, index);
        }
        node->name = (size_t)json_integer_value(index);
    }
}

/* --- names --- */

static bool is_name(const char *host)
{
    struct in_addr addr;

    return !strchr(host, ':') && inet_pton(AF_INET, host, &addr) != 1;
}

static void report_names(struct nodes *nodes)
{
    struct doctor *d = nodes->d;
    size_t n_good = 0, n_real = 0;
    uint64_t slowest = 0;

    for (size_t i = 0; i < nodes->n_names; i++) {
        const struct probe_name *name = &nodes->names[i];

        if (!is_name(name->host))
            continue;
        n_real++;
        slowest = max_of(slowest, name->ms);
        if (name->error == EAI_INPROGRESS)
            doctor_say(d, RESULT_FAIL, name->host, TODO_NAME, "%s: no answer within %d s",
                       name->host, NAMES_MS / 1000);
        else if (name->error)
            doctor_say(d, RESULT_FAIL, name->host, TODO_NAME, "%s: %s", name->host,
                       gai_strerror(name->error));
        else if (name->ms > SLOW_NAME_MS)
            doctor_say(d, RESULT_WARN, name->host, "Look at the name servers in resolv.conf.",
                       "%s: looking the name up took %.1f s", name->host, (double)name->ms / 1000);
        else
            n_good++;
    }
    if (n_real == 0)
        doctor_say(d, RESULT_OK, NULL, NULL, "no names to be looked up");
    else if (n_good > 0)
        doctor_say(d, RESULT_OK, NULL, NULL, "%zu of %zu names looked up, in at most %llu ms",
                   n_good, n_real, (unsigned long long)slowest);
}

/* --- ports --- */

/* "orders and 3 more: 10.0.0.241:6379" */
static char *subject_of(const struct node *node)
{
    char text[ENDPOINT_STR_MAX];

    endpoint_format(&node->endpoint, text);
    if (node->n_jobs > 1)
        return xasprintf("%s (%s and %u more)", text, node->job, node->n_jobs - 1);
    return xasprintf("%s (%s)", text, node->job);
}

/* True when all is well with it. */
static bool report_node(struct doctor *d, const struct node *node, const struct probe_port *port)
{
    enum result bad = node->live ? RESULT_FAIL : RESULT_WARN;
    const char *error = port->error == ETIMEDOUT ? "no answer" : strerror(port->error);
    cleanup(freep) char *subject = NULL;

    if (port->error == 0 && node->view != VIEW_DOWN)
        return true;
    subject = subject_of(node);
    if (port->error == 0)
        doctor_say(d, bad, subject, "ecmigratectl status JOB says why, and what to do.",
                   "%s: can be connected to, but the daemon does not reach it%s%s", subject,
                   node->why ? ": " : "", node->why ? node->why : "");
    else if (node->view == VIEW_UP)
        doctor_say(d, RESULT_WARN, subject, NULL,
                   "%s: the daemon reaches it, but not from here: %s", subject, error);
    else
        doctor_say(d, bad, subject, TODO_PORT, "%s: %s", subject, error);
    return false;
}

static void report_ports(struct nodes *nodes)
{
    size_t n_good = 0, n_untried = 0;
    uint64_t slowest = 0;

    for (size_t i = 0; i < nodes->n; i++) {
        const struct node *node = &nodes->list[i];
        const struct probe_port *port = &nodes->ports[i];

        if (nodes->names[node->name].error)
            continue; /* that has been said */
        if (port->error == ECANCELED) {
            n_untried++;
        } else if (report_node(nodes->d, node, port)) {
            n_good++;
            slowest = max_of(slowest, port->us);
        }
    }
    if (n_untried > 0)
        doctor_say(nodes->d, RESULT_SKIP, NULL, NULL, "%zu nodes were not tried: time was over",
                   n_untried);
    if (n_good > 0)
        doctor_say(nodes->d, RESULT_OK, NULL, NULL, "%zu of %zu nodes answer, within %.1f ms",
                   n_good, nodes->n, (double)slowest / 1000);
}

/* Names and ports are one row of two checks: the second needs what the first has found. */
void doctor_nodes(struct doctor *d)
{
    struct nodes nodes = {.d = d, .by_endpoint = json_object(), .by_host = json_object()};

    gather(&nodes);
    nodes.ports = xcalloc(nodes.n, sizeof(*nodes.ports));
    if (nodes.n == 0) {
        doctor_say(d, RESULT_SKIP, NULL, NULL, "no nodes: there are no jobs");
    } else {
        d->check = "names";
        probe_names(nodes.names, nodes.n_names, NAMES_MS);
        report_names(&nodes);
        d->check = "nodes";
        for (size_t i = 0; i < nodes.n; i++)
            nodes.ports[i] = (struct probe_port){
                .addresses = nodes.names[nodes.list[i].name].result,
                .port = nodes.list[i].endpoint.port,
            };
        probe_ports(nodes.ports, nodes.n, CONNECT_MS, CONNECT_ALL_MS);
        report_ports(&nodes);
    }
    probe_names_free(nodes.names, nodes.n_names);
    for (size_t i = 0; i < nodes.n; i++)
        free(nodes.list[i].why);
    free(nodes.list);
    free(nodes.names);
    free(nodes.ports);
    json_decref(nodes.by_endpoint);
    json_decref(nodes.by_host);
}
