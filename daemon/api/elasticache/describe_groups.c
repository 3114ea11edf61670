/* SPDX-License-Identifier: Apache-2.0 */
/* DescribeReplicationGroups. A page has at most 100 groups, so that it is made in one go. */
#include "daemon/api/elasticache/answer.h"
#include "daemon/api/elasticache/group.h"
#include "daemon/api/elasticache/marker.h"
#include "daemon/api/elasticache/operation.h"
#include "daemon/job/registry.h"

#define MARKER_KIND 'g'
#define PAGE_MAX 100

struct page {
    char after[MARKER_TEXT_MAX]; /* a job's id; "": from the beginning */
    struct migration *groups[PAGE_MAX];
    unsigned n, size;
    bool more;
};

/* Jobs come in the order of their ids. */
static void add_group(struct migration *m, void *arg)
{
    struct page *page = arg;

    if (strcmp(migration_id(m), page->after) <= 0)
        return;
    page->more = page->n == page->size;
    if (!page->more)
        page->groups[page->n++] = m;
}

static void write_page(struct xml *xml, const struct page *page)
{
    char marker[MARKER_MAX];

    if (page->more)
        xml_text(xml, "Marker",
                 marker_write(MARKER_KIND, migration_id(page->groups[page->n - 1]), marker));
    xml_open(xml, "ReplicationGroups", NULL);
    for (unsigned i = 0; i < page->n; i++) {
        struct migration_view view;

        migration_view(page->groups[i], &view);
        group_write(xml, &view, group_status(view.run));
    }
    xml_close(xml);
}

/* False: it was answered with a fault. */
static bool find_page(const struct call *call, struct page *page)
{
    const struct arguments *arguments = &call->arguments;
    struct err err;

    if (arguments->marker && marker_read(MARKER_KIND, arguments->marker, page->after, &err)) {
        elasticache_respond_fault(call->request, FAULT_PARAMETER_VALUE, "Marker: %s", err.msg);
        return false;
    }
    if (!arguments->group) {
        registry_each(call->api->deps.registry, add_group, page);
        return true;
    }
    page->groups[page->n++] = operation_find(call, arguments->group);
    return page->groups[0] != NULL;
}

void describe_replication_groups(const struct call *call)
{
    struct page page = {.size = (unsigned)call->arguments.max_records};
    struct xml xml = {.depth = 0};

    assert(page.size <= PAGE_MAX);
    if (!find_page(call, &page))
        return;
    answer_begin(&xml, call->action);
    write_page(&xml, &page);
    answer_end(&xml, call->request);
}
