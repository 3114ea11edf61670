/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/yaml/node.h"

#include "lib/base/base.h"

#define WORD_MAX 40

/* As deep as the reader lets a tree become. */
void yaml_node_free(struct yaml_node *node)
{
    while (node) {
        struct yaml_node *next = node->next;

        yaml_node_free(node->child);
        yaml_node_free(node->key);
        secret_free(node->text);
        free(node);
        node = next;
    }
}

const struct yaml_node *yaml_node_get(const struct yaml_node *node, const char *key)
{
    if (!node || node->kind != NODE_MAP)
        return NULL;
    for (const struct yaml_node *c = node->child; c; c = c->next) {
        if (c->key && strcmp(c->key->text, key) == 0)
            return c;
    }
    return NULL;
}

bool yaml_node_is_null(const struct yaml_node *node)
{
    return node->kind == NODE_SCALAR && node->plain &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *yaml_node_word(const struct yaml_node *node)
{
    size_t n =
        strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

    return node->text[n] || n > WORD_MAX ? "…" : node->text;
}

bool yaml_node_holds_secret(const struct yaml_node *node)
{
    if (node->kind != NODE_SCALAR)
        return false;
    return strchr(node->text, '@') ||
           (strpbrk(node->text, " :=\n") && diags_looks_secret(node->text));
}

const char *yaml_node_describe(const struct yaml_node *node)
{
    switch (node->kind) {
    case NODE_SCALAR:
        return yaml_node_is_null(node) ? "nothing" : "text";
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a map";
    case NODE_KIND_MAX:
        break;
    }
    return "nothing";
}
