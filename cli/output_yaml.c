/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as YAML, through libyaml's emitter. What is a string in JSON reads back as one. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "cli/output.h"
#include "lib/base/base.h"

/* Running out of memory is the only way in which libyaml can refuse what we give it. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
    if (!yaml_emitter_emit(emitter, event))
        abort();
}

/* True when s, unquoted, is a string to every YAML reader: no number, no date, no yes or null. */
static bool plain_is_string(const char *s, size_t n)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};

    if (n != strlen(s) || !isalpha((unsigned char)*s))
        return false;
    for (size_t i = 0; i < array_len(words); i++) {
        if (strcasecmp(s, words[i]) == 0)
            return false;
    }
    return true;
}

static void emit_scalar(yaml_emitter_t *emitter, const char *s, size_t n, bool plain, bool quoted)
{
    /* Control characters survive double quotes only. */
    yaml_scalar_style_t style = YAML_ANY_SCALAR_STYLE;
    yaml_event_t event;

    for (size_t i = 0; i < n; i++) {
        if (iscntrl((unsigned char)s[i]))
            style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    }
    if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)s, (int)n, plain,
                                      quoted, style))
        abort();
    emit(emitter, &event);
}

static void emit_value(yaml_emitter_t *emitter, const json_t *value);

static void emit_object(yaml_emitter_t *emitter, const json_t *object)
{
    yaml_event_t event;
    const char *key;
    json_t *value;

    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_MAPPING_STYLE);
    emit(emitter, &event);
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        emit_scalar(emitter, key, strlen(key), plain_is_string(key, strlen(key)), true);
        emit_value(emitter, value);
    }
    yaml_mapping_end_event_initialize(&event);
    emit(emitter, &event);
}

static void emit_array(yaml_emitter_t *emitter, const json_t *array)
{
    yaml_event_t event;
    size_t i;
    json_t *value;

    yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_SEQUENCE_STYLE);
    emit(emitter, &event);
    json_array_foreach (array, i, value)
        emit_value(emitter, value);
    yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event);
}

/* Recursion is bounded: a document deeper than jansson's own limit was never parsed. */
static void emit_value(yaml_emitter_t *emitter, const json_t *value)
{
    char *text;

    if (json_is_object(value))
        return emit_object(emitter, value);
    if (json_is_array(value))
        return emit_array(emitter, value);
    if (json_is_string(value)) {
        const char *s = json_string_value(value);
        size_t n = json_string_length(value);

        return emit_scalar(emitter, s, n, plain_is_string(s, n), true);
    }
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (!text)
        abort();
    emit_scalar(emitter, text, strlen(text), true, false);
    free(text);
}

void print_yaml(const struct term *term, const json_t *value)
{
    yaml_emitter_t emitter;
    yaml_event_t event;

    if (!yaml_emitter_initialize(&emitter))
        abort();
    yaml_emitter_set_output_file(&emitter, stdout);
    yaml_emitter_set_unicode(&emitter, !term->tty);
    yaml_emitter_set_width(&emitter, -1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 0);
    emit(&emitter, &event);
    emit_value(&emitter, value);
    yaml_document_end_event_initialize(&event, 1);
    emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
}
