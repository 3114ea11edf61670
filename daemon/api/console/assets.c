/* SPDX-License-Identifier: Apache-2.0 */
/* The assembler reads the files, from the directory in which the compiler runs; the Makefile names
 * them as what this object depends on. */
#include "daemon/api/console/assets.h"

#include <string.h>

#include "lib/base/base.h"

#define TEXT(symbol, file)                                                                         \
    __asm__(".pushsection .rodata\n" #symbol ":\n.incbin \"daemon/api/console/" file               \
            "\"\n" #symbol "_end:\n.popsection\n");                                                \
    extern const char symbol[], symbol##_end[]

#define JS "text/javascript; charset=utf-8"

/* symbol, file, content type */
#define ASSETS(X)                                                                                  \
    X(asset_console_html, "console.html", "text/html; charset=utf-8")                              \
    X(asset_console_css, "console.css", "text/css; charset=utf-8")                                 \
    X(asset_icon_svg, "icon.svg", "image/svg+xml")                                                 \
    X(asset_actions_js, "actions.js", JS)                                                          \
    X(asset_chart_js, "chart.js", JS)                                                              \
    X(asset_checks_js, "checks.js", JS)                                                            \
    X(asset_dom_js, "dom.js", JS)                                                                  \
    X(asset_format_js, "format.js", JS)                                                            \
    X(asset_group_js, "group.js", JS)                                                              \
    X(asset_history_js, "history.js", JS)                                                          \
    X(asset_jobs_js, "jobs.js", JS)                                                                \
    X(asset_list_js, "list.js", JS)                                                                \
    X(asset_login_js, "login.js", JS)                                                              \
    X(asset_main_js, "main.js", JS)                                                                \
    X(asset_net_js, "net.js", JS)

#define DECLARE(symbol, file, type) TEXT(symbol, file);
ASSETS(DECLARE)

static const struct row {
    const char *name, *content_type, *begin, *end;
} rows[] = {
#define ROW(symbol, file, type) {file, type, symbol, symbol##_end},
    ASSETS(ROW)};

bool asset_find(const char *name, struct asset *ret)
{
    for (size_t i = 0; i < array_len(rows); i++) {
        if (strcmp(rows[i].name, name) != 0)
            continue;
        *ret = (struct asset){rows[i].content_type, rows[i].begin,
                              (size_t)(rows[i].end - rows[i].begin)};
        return true;
    }
    return false;
}
