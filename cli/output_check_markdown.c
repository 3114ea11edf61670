/* SPDX-License-Identifier: Apache-2.0 */
/* The checks as Markdown (CommonMark, with the tables of GitHub): whatever comes from outside is
 * text in it, and never markup. */
#include <string.h>

#include "cli/check_result.h"
#include "cli/output_check.h"
#include "lib/base/base.h"

#define FENCE_MIN 3

/* Takes text over and prints it; NULL: nothing. */
static void put_text(char *text)
{
    for (const char *p = text; p && *p; p++) {
        if (strchr("\\`*_[]<>|~&$#", *p))
            putchar('\\');
        putchar(*p);
    }
    free(text);
}

static void put_member(const struct term *term, const json_t *object, const char *path)
{
    put_text(member_cell(term, object, path));
}

static void put_fact(const char *label, char *text)
{
    if (!text)
        return;
    printf("- **%s:** ", label);
    put_text(text);
    putchar('\n');
}

static void put_paragraph(const char *label, char *text)
{
    if (!text)
        return;
    printf("\n%s%s", label, *label ? " " : "");
    put_text(text);
    putchar('\n');
}

/* "2026-11-22T20:18:00.000Z": as it is, for readers in other places. */
static void put_head(const struct term *term, const json_t *job)
{
    const json_t *checks = member(job, "checks");

    printf("# Checks of ");
    put_member(term, job, "id");
    printf("\n\n");
    put_fact("Verdict", checks_verdict(checks, FINDING_MAX));
    put_fact("Source", member_text(term, checks, "source"));
    put_fact("Target", member_text(term, job, "target.endpoint"));
    put_fact("Time", member_text(term, checks, "at"));
}

static void put_row(const struct term *term, const json_t *result)
{
    static const char *const columns[] = {"id", "message", "source", "target"};

    printf("| %s |", finding_name(finding_of(result)));
    for (size_t i = 0; i < array_len(columns); i++) {
        putchar(' ');
        put_member(term, result, columns[i]);
        printf(" |");
    }
    putchar('\n');
}

/* Backticks in a row, at most. */
static size_t ticks_in(const char *text)
{
    size_t most = 0;

    for (; *text; text += *text != '\0') {
        size_t n = strspn(text, "`");

        most = max_of(most, n);
        text += n;
    }
    return most;
}

static void put_fence(size_t n, const char *language)
{
    while (n-- > 0)
        putchar('`');
    puts(language);
}

/* The fence is longer than any that the lines could hold. */
static void put_remedy(const struct term *term, const json_t *result)
{
    const json_t *lines = member(result, "remedy");
    size_t fence = FENCE_MIN, i;
    json_t *line;

    if (json_array_size(lines) == 0)
        return;
    json_array_foreach (lines, i, line) {
        cleanup(freep) char *text = remedy_line(term, line);

        fence = max_of(fence, text ? ticks_in(text) + 1 : 0);
    }
    putchar('\n');
    put_fence(fence, "sh");
    json_array_foreach (lines, i, line) {
        cleanup(freep) char *text = remedy_line(term, line);

        if (text)
            puts(text);
    }
    put_fence(fence, "");
}

static void put_section(const struct term *term, const json_t *result, const char *job)
{
    printf("\n## %s: ", finding_name(finding_of(result)));
    put_member(term, result, "id");
    putchar('\n');
    put_paragraph("", member_text(term, result, "message"));
    put_paragraph("**Why:**", member_text(term, result, "why"));
    put_remedy(term, result);
    put_paragraph("**Next:**", check_next_step(result, job));
    put_paragraph("**Or:**", check_way_around(result));
}

static void put_passed(const struct term *term, const json_t *result)
{
    printf("- ");
    put_member(term, result, "id");
    printf(": ");
    put_member(term, result, "title");
    putchar('\n');
}

static void put_findings(const struct term *term, const json_t *job, const json_t *findings)
{
    cleanup(freep) char *name = member_cell(term, job, "id");
    json_t *result;
    size_t i;

    if (json_array_size(findings) == 0)
        return;
    puts("\n| | Check | What was found | Source | Target |\n|---|---|---|---|---|");
    json_array_foreach (findings, i, result)
        put_row(term, result);
    if (has_remedy(findings))
        printf("\n%s\n", remedy_user);
    json_array_foreach (findings, i, result)
        put_section(term, result, name);
}

void checks_print_markdown(const struct term *term, const json_t *job)
{
    const json_t *results = member(job, "checks.results");
    json_t *findings = findings_sorted(results, FINDING_ERROR, FINDING_PASSED);
    json_t *passed = findings_sorted(results, FINDING_PASSED, FINDING_MAX), *result;
    size_t i;

    put_head(term, job);
    put_findings(term, job, findings);
    if (json_array_size(passed) > 0)
        puts("\n## Passed\n");
    json_array_foreach (passed, i, result)
        put_passed(term, result);
    json_decref(findings);
    json_decref(passed);
}
