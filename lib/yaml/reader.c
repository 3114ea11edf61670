/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml builds trees too, but its own builder takes time quadratic in the nesting, keeps
 * duplicate keys silently, and expands aliases; so the tree is built here, from events, and the
 * limits are enforced while it grows.
 *
 * libyaml counts in characters, everything here in bytes: a cursor goes along and translates.
 */
#include "lib/yaml/reader.h"

#include <stdio.h>
#include <yaml.h>

#include "lib/base/base.h"

struct reader {
    const char *text;
    size_t len;
    struct diags *diags;
    struct yaml_documents *ret;
    yaml_parser_t parser;
    unsigned n_nodes;

    /* the same place in both ways of counting */
    size_t cursor_char, cursor_byte;

    /* the document being built: its containers from the outside in, and the key that waits for its
     * value */
    struct yaml_node *root;
    size_t document_start;
    struct frame {
        struct yaml_node *node, *last;
        struct yaml_node *key;
    } stack[YAML_DEPTH_MAX];
    unsigned depth;
};

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t byte_offset(struct reader *r, size_t index)
{
    while (r->cursor_char < index && r->cursor_byte < r->len) {
        do {
            r->cursor_byte++;
        } while (r->cursor_byte < r->len && is_continuation(r->text[r->cursor_byte]));
        r->cursor_char++;
    }
    while (r->cursor_char > index && r->cursor_byte > 0) {
        do {
            r->cursor_byte--;
        } while (r->cursor_byte > 0 && is_continuation(r->text[r->cursor_byte]));
        r->cursor_char--;
    }
    return r->cursor_byte;
}

static struct span span_of(struct reader *r, const yaml_mark_t *start, const yaml_mark_t *end)
{
    size_t from = byte_offset(r, start->index);
    size_t to = byte_offset(r, end->index);

    return (struct span){
        .line = (unsigned)start->line + 1,
        .col = (unsigned)start->column + 1,
        .offset = from,
        .length = to > from ? to - from : 0,
    };
}

/* The place of a byte that libyaml could not even decode: it knows the offset only. */
static struct span span_of_byte(const struct reader *r, size_t offset)
{
    struct span at = {.line = 1, .col = 1, .offset = min_of(offset, r->len), .length = 1};

    for (size_t i = 0; i < at.offset; i++) {
        if (r->text[i] == '\n') {
            at.line++;
            at.col = 1;
        } else if (!is_continuation(r->text[i])) {
            at.col++;
        }
    }
    return at;
}

/* --- the tree --- */

static void drop_document(struct reader *r)
{
    while (r->depth > 0)
        yaml_node_free(r->stack[--r->depth].key);
    yaml_node_free(take(r->root));
}

static void finish_key(struct reader *r, struct frame *f, struct yaml_node *key)
{
    char hint[64];

    for (const struct yaml_node *c = f->node->child; c && !key->duplicate; c = c->next) {
        if (strcmp(c->key->text, key->text) != 0)
            continue;
        snprintf(hint, sizeof(hint), "the first is in line %u", c->key->at.line);
        diags_error(r->diags, "duplicate-key", &key->at, hint, "'%s' is given twice",
                    yaml_node_word(key));
        key->duplicate = true;
    }
    f->key = key;
}

/* Puts a complete scalar or a container that begins to where it belongs. */
static void attach(struct reader *r, struct yaml_node *node)
{
    struct frame *f;

    if (r->depth == 0) {
        r->root = node;
        return;
    }
    f = &r->stack[r->depth - 1];
    if (f->node->kind == NODE_MAP && !f->key) {
        finish_key(r, f, node);
        return;
    }
    if (f->key) {
        node->duplicate = f->key->duplicate;
        node->broken |= f->key->broken;
        node->key = take(f->key);
    }
    if (f->last)
        f->last->next = node;
    else
        f->node->child = node;
    f->last = node;
}

/* A list of maps, as in tokens: [{name: a, token_file: /b}]; their own keys tell what is secret. */
static bool is_table(const struct yaml_node *node)
{
    const struct yaml_node *item = node->kind == NODE_LIST ? node->child : NULL;

    while (item && item->kind == NODE_MAP && item->next)
        item = item->next;
    return item && item->kind == NODE_MAP;
}

/* Whatever the schema will make of it, a message must not show this. */
static void hide_secrets(struct reader *r, const struct yaml_node *node)
{
    bool named = node->key && diags_looks_secret(node->key->text) && !is_table(node);

    if (named || yaml_node_holds_secret(node))
        diags_hide(r->diags, node->at.offset, node->at.length);
}

static struct yaml_node *node_new(struct reader *r, enum node_kind kind, const yaml_event_t *event,
                                  const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct yaml_node *node = xcalloc(1, sizeof(*node));

    r->n_nodes++;
    node->kind = kind;
    node->at = span_of(r, &event->start_mark, &event->end_mark);
    if (anchor) {
        diags_error(r->diags, "anchor", &node->at, NULL, "anchors are not allowed");
        node->broken = true;
    }
    if (tag) {
        diags_error(r->diags, "tag", &node->at, NULL, "tags are not allowed");
        node->broken = true;
    }
    return node;
}

static void add_scalar(struct reader *r, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    struct yaml_node *node =
        node_new(r, NODE_SCALAR, event, event->data.scalar.anchor, event->data.scalar.tag);

    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = xstrndup(value, event->data.scalar.length);
    if (strlen(node->text) != event->data.scalar.length) {
        diags_error(r->diags, "nul", &node->at, NULL, "a NUL character is not allowed");
        node->broken = true;
    }
    attach(r, node);
    hide_secrets(r, node);
}

static void add_alias(struct reader *r, const yaml_event_t *event)
{
    struct yaml_node *node = node_new(r, NODE_SCALAR, event, NULL, NULL);

    diags_error(r->diags, "alias", &node->at, NULL, "aliases are not allowed");
    node->text = xstrdup("");
    node->broken = true;
    attach(r, node);
}

static bool open_container(struct reader *r, enum node_kind kind, const yaml_event_t *event)
{
    bool map = kind == NODE_MAP;
    struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;
    struct yaml_node *node;

    if (r->depth == YAML_DEPTH_MAX) {
        struct span at = span_of(r, &event->start_mark, &event->end_mark);

        diags_error(r->diags, "too-deep", &at, NULL, "nested more than %d deep", YAML_DEPTH_MAX);
        return false;
    }
    if (f && f->node->kind == NODE_MAP && !f->key) {
        struct span at = span_of(r, &event->start_mark, &event->end_mark);

        /* A key that is itself a tree serves nobody, and the rest would be guesswork. */
        diags_error(r->diags, "bad-key", &at, NULL, "a key must be a word, not %s",
                    map ? "a map" : "a list");
        return false;
    }
    node = node_new(r, kind, event,
                    map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                    map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    attach(r, node);
    r->stack[r->depth++] = (struct frame){.node = node};
    return true;
}

static void close_container(struct reader *r, const yaml_event_t *event)
{
    struct yaml_node *node = r->stack[--r->depth].node;
    size_t end = byte_offset(r, event->end_mark.index);

    node->at.length = end > node->at.offset ? end - node->at.offset : 0;
    hide_secrets(r, node);
}

static bool close_document(struct reader *r)
{
    struct yaml_documents *ret = r->ret;

    if (r->root && yaml_node_is_null(r->root)) {
        drop_document(r);
        return true;
    }
    if (ret->n == YAML_DOCUMENTS_MAX) {
        diags_error(r->diags, "too-many-documents", &r->root->at, NULL, "more than %d documents",
                    YAML_DOCUMENTS_MAX);
        drop_document(r);
        return false;
    }
    /* What stands before the first document is counted to it, what stands behind one, to that. */
    ret->items[ret->n++] = (struct yaml_document){
        .root = take(r->root),
        .start = r->document_start,
        .end = r->len,
    };
    return true;
}

/* --- events --- */

/* False: no more can or need be read. */
static bool handle(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        r->document_start = byte_offset(r, event->start_mark.index);
        return true;
    case YAML_DOCUMENT_END_EVENT:
        return close_document(r);
    case YAML_ALIAS_EVENT:
        add_alias(r, event);
        return true;
    case YAML_SCALAR_EVENT:
        add_scalar(r, event);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        return open_container(r, NODE_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return open_container(r, NODE_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_container(r, event);
        return true;
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
        return true;
    }
    return true;
}

static void report_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not YAML";
    char hint[160];
    struct span at;

    if (p->error == YAML_READER_ERROR) {
        at = span_of_byte(r, p->problem_offset);
        diags_error(r->diags, "bad-encoding", &at, "the file must be UTF-8 text", "%s", problem);
        return;
    }
    at = span_of(r, &p->problem_mark, &p->problem_mark);
    if (at.offset < r->len && r->text[at.offset] == '\t')
        snprintf(hint, sizeof(hint), "a tab cannot indent; use spaces");
    else if (p->context)
        snprintf(hint, sizeof(hint), "%s that begins in line %zu", p->context,
                 p->context_mark.line + 1);
    else
        hint[0] = '\0';
    diags_error(r->diags, "syntax", &at, *hint ? hint : NULL, "%s", problem);
}

static void read_events(struct reader *r)
{
    bool more = true;

    while (more) {
        yaml_event_t event;

        if (!yaml_parser_parse(&r->parser, &event)) {
            report_syntax(r);
            diags_hide_unparsed(r->diags, r->text, r->len, r->document_start);
            return;
        }
        if (r->n_nodes > YAML_NODES_MAX) {
            struct span at = span_of(r, &event.start_mark, &event.end_mark);

            diags_error(r->diags, "too-many-nodes", &at, NULL, "more than %d keys and values",
                        YAML_NODES_MAX);
            more = false;
        } else {
            more = handle(r, &event);
        }
        if (!more && event.type != YAML_STREAM_END_EVENT)
            diags_hide_unparsed(r->diags, r->text, r->len, r->document_start);
        yaml_event_delete(&event);
    }
}

/* A use of a tag is refused where it stands; thousands of declarations would cost seconds before
 * that. */
static bool declares_tags(struct reader *r)
{
    static const char directive[] = "%TAG";
    const char *end = r->text + r->len;

    for (const char *line = r->text; line && (size_t)(end - line) > strlen(directive);) {
        if (memcmp(line, directive, strlen(directive)) == 0) {
            struct span at = span_of_byte(r, (size_t)(line - r->text));

            at.length = strlen(directive);
            diags_error(r->diags, "tag", &at, NULL, "tags are not allowed");
            diags_hide_unparsed(r->diags, r->text, r->len, 0);
            return true;
        }
        line = memchr(line, '\n', (size_t)(end - line));
        line += line != NULL;
    }
    return false;
}

void yaml_read(const char *text, size_t len, struct yaml_documents *ret, struct diags *diags)
{
    struct reader r = {.text = text, .len = len, .diags = diags, .ret = ret};

    ret->n = 0;
    if (len > YAML_BYTES_MAX) {
        diags_error(diags, "too-large", &SPAN_FILE, NULL, "larger than %zu KiB",
                    YAML_BYTES_MAX / 1024);
        return;
    }
    if (declares_tags(&r))
        return;
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    read_events(&r);
    drop_document(&r);
    yaml_parser_delete(&r.parser);
    for (unsigned i = 0; i < ret->n; i++) {
        if (i == 0)
            ret->items[i].start = 0;
        if (i + 1 < ret->n)
            ret->items[i].end = ret->items[i + 1].start;
    }
}

void yaml_documents_clear(struct yaml_documents *documents)
{
    for (unsigned i = 0; i < documents->n; i++)
        yaml_node_free(documents->items[i].root);
    documents->n = 0;
}
