/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A part of the terminal that is drawn again and again in place, in one write each time. */
#include <stdio.h>

#include "cli/output.h"

#define SCREEN_EOL                                                                                 \
    "\x1b[K\n" /* what ends each line of a frame: it wipes the rest of an older one */

struct screen {
    struct term *term; /* borrowed */
    /* private */
    unsigned lines; /* of the frame that stands */
    bool hidden;    /* the cursor */
    bool wipe;      /* nothing is known of what stands */
};

void screen_init(struct screen *screen, struct term *term);
/* Puts a frame, of which only what fits is shown, in the place of the one before. */
void screen_draw(struct screen *screen, const char *frame);
/* The terminal has another size: the next frame begins on an empty one. */
void screen_resize(struct screen *screen);
/* Gives the cursor back; the frame stays. */
void screen_leave(struct screen *screen);
