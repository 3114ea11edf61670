/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text into trees, one for each document, from libyaml's events.
 *
 * The text may come from anybody, so everything is bounded and what nobody needs here is refused:
 * aliases, anchors, tags, keys given twice, keys that are no scalars. All errors are collected; a
 * syntax error or a limit ends the reading, and the documents before it remain.
 */
#include "lib/yaml/node.h"

#define YAML_BYTES_MAX ((size_t)256 * 1024)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 4096 /* in all documents of a text */
#define YAML_DOCUMENTS_MAX 64

struct yaml_document {
    struct yaml_node *root; /* owned */
    size_t start, end;      /* its text: up to where the next document begins */
};

struct yaml_documents {
    struct yaml_document items[YAML_DOCUMENTS_MAX];
    unsigned n; /* documents in which nothing is written do not count */
};

/* Fills *ret, to be cleared in any case. What is wrong goes to diags, which the caller finishes. */
void yaml_read(const char *text, size_t len, struct yaml_documents *ret, struct diags *diags);
void yaml_documents_clear(struct yaml_documents *documents);
