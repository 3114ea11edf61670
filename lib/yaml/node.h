/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A YAML document as a tree: scalars, lists and maps, each with the place it stands at. */
#include <stdbool.h>
#include <stddef.h>

#include "lib/yaml/diag.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP, NODE_KIND_MAX };

struct yaml_node {
    enum node_kind kind;
    struct span at;
    struct yaml_node *next;  /* the next child of the same parent */
    struct yaml_node *child; /* owned; lists and maps: the first */
    struct yaml_node *key;   /* owned; children of a map: the key, always a scalar */
    char *text;              /* owned; scalars: UTF-8 without NUL */
    bool plain;     /* scalars: written without quotes, so it may be a number, true, null */
    bool duplicate; /* children of a map: the key was there before; already reported */
    bool broken;    /* an error about it has already been reported: ask no more of it */
};

/* A list of more than one node is freed with its first. NULL is fine. Wipes texts. */
void yaml_node_free(struct yaml_node *node);

/* The value of a map's key; NULL when node is NULL, no map, or has no such key. */
const struct yaml_node *yaml_node_get(const struct yaml_node *node, const char *key);

/* Nothing was written, or null, or ~. */
bool yaml_node_is_null(const struct yaml_node *node);

/* A scalar's text, to be quoted in a message: "…" unless it is one word of a sane length, for the
 * rest may hold anything, a secret included. */
const char *yaml_node_word(const struct yaml_node *node);

/* Is it a text that talks of a password? That is what a forgotten quote makes of the lines behind
 * it. */
bool yaml_node_holds_secret(const struct yaml_node *node);

/* "a map", "a list", "text", "nothing": for messages. */
const char *yaml_node_describe(const struct yaml_node *node);
