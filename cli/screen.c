/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/screen.h"

#include <string.h>

#include "lib/base/base.h"

void screen_init(struct screen *screen, struct term *term)
{
    *screen = (struct screen){.term = term};
}

/* Bytes of the first lines of a frame, and how many lines these are. */
static size_t first_lines(const char *frame, unsigned max, unsigned *ret_lines)
{
    const char *p = frame, *end;

    *ret_lines = 0;
    while (*ret_lines < max && (end = strchr(p, '\n'))) {
        p = end + 1;
        ++*ret_lines;
    }
    return (size_t)(p - frame);
}

void screen_draw(struct screen *screen, const char *frame)
{
    unsigned lines, max = screen->term->height > 1 ? screen->term->height - 1 : 1;
    size_t n = first_lines(frame, max, &lines);

    if (!screen->hidden)
        fputs("\x1b[?25l", stdout);
    if (screen->wipe)
        fputs("\x1b[H\x1b[2J", stdout);
    else if (screen->lines > 0)
        printf("\x1b[%uA\r", screen->lines);
    fwrite(frame, 1, n, stdout);
    fputs("\x1b[J", stdout);
    fflush(stdout);
    screen->hidden = true;
    screen->wipe = false;
    screen->lines = lines;
}

void screen_resize(struct screen *screen)
{
    term_resize(screen->term);
    screen->wipe = screen->lines > 0;
}

void screen_leave(struct screen *screen)
{
    if (screen->hidden)
        fputs("\x1b[?25h", stdout);
    fflush(stdout);
    screen->hidden = false;
    screen->lines = 0;
}
