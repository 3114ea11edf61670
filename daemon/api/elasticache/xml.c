/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/elasticache/xml.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/base.h"
#include "lib/base/utf8.h"

static void put(struct xml *xml, const char *text)
{
    buffer_append(&xml->out, text, strlen(text));
}

void xml_open(struct xml *xml, const char *name, const char *xmlns)
{
    bool fits;

    assert(xml->depth < XML_DEPTH_MAX);
    fits = str_copy(xml->open[xml->depth++], XML_NAME_MAX, name);
    assert(fits);
    put(xml, "<");
    put(xml, name);
    if (xmlns) {
        put(xml, " xmlns=\"");
        put(xml, xmlns);
        put(xml, "\"");
    }
    put(xml, ">");
}

void xml_close(struct xml *xml)
{
    assert(xml->depth > 0);
    put(xml, "</");
    put(xml, xml->open[--xml->depth]);
    put(xml, ">");
}

/* What stands for the character in a text; NULL: it itself. */
static const char *escape(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r': /* a parser would make a line feed of it */
        return "&#13;";
    case '\n':
    case '\t':
        return NULL;
    default:
        return code < 0x20 || code == 0xfffe || code == 0xffff ? "\xef\xbf\xbd" : NULL;
    }
}

static void put_escaped(struct xml *xml, const char *text)
{
    const char *done = text;
    uint32_t code = 0;

    while (*text) {
        unsigned size = utf8_char(text, &code);
        const char *instead = size == 0 ? "\xef\xbf\xbd" : escape(code);

        if (instead) {
            buffer_append(&xml->out, done, (size_t)(text - done));
            put(xml, instead);
        }
        text += size ? size : 1;
        if (instead)
            done = text;
    }
    buffer_append(&xml->out, done, (size_t)(text - done));
}

void xml_text(struct xml *xml, const char *name, const char *text)
{
    xml_open(xml, name, NULL);
    put_escaped(xml, text);
    xml_close(xml);
}

void xml_bool(struct xml *xml, const char *name, bool value)
{
    xml_text(xml, name, value ? "true" : "false");
}

void xml_int(struct xml *xml, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    xml_text(xml, name, text);
}

const char *xml_finish(struct xml *xml)
{
    assert(xml->depth == 0);
    buffer_append(&xml->out, "", 1);
    return xml->out.data + xml->out.start;
}

void xml_deinit(struct xml *xml)
{
    buffer_deinit(&xml->out);
    xml->depth = 0;
}
