/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Writes XML 1.0, UTF-8, without white space between elements. Names are ours; texts may hold
 * anything. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/http/buffer.h"

#define XML_DEPTH_MAX 12
#define XML_NAME_MAX 64

struct xml {
    struct buffer out;
    /* private */
    char open[XML_DEPTH_MAX][XML_NAME_MAX];
    unsigned depth;
};

/* xmlns: of the outermost element; NULL: none. */
void xml_open(struct xml *xml, const char *name, const char *xmlns);
void xml_close(struct xml *xml); /* the innermost one that is open */

/* An element with a text. What XML cannot hold (most control characters, malformed UTF-8) becomes
 * U+FFFD. */
void xml_text(struct xml *xml, const char *name, const char *text);
void xml_bool(struct xml *xml, const char *name, bool value);
void xml_int(struct xml *xml, const char *name, int64_t value);

/* All that was written, terminated; everything must be closed. Borrowed until xml_deinit. */
const char *xml_finish(struct xml *xml);
void xml_deinit(struct xml *xml);
