/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_check.h"

#include "cli/check_result.h"
#include "cli/output_table.h"
#include "lib/base/base.h"

/* Takes text over; NULL: there is nothing to say. */
static void put(const struct term *term, const char *label, char *text)
{
    if (text && *text)
        print_labelled(term, label, STYLE_NONE, text);
    free(text);
}

/* Each on a line of its own that is never broken: what is copied from it has to be whole. */
static void print_remedy(const struct term *term, const json_t *result)
{
    json_t *line;
    size_t i;

    json_array_foreach (member(result, "remedy"), i, line) {
        cleanup(freep) char *text = remedy_line(term, line);

        if (text)
            printf("    %s\n", text);
    }
}

/* A check that passed has no message: what it is about says it. */
static void print_head(const struct term *term, const json_t *result)
{
    enum finding finding = finding_of(result);
    cleanup(freep) char *id = member_cell(term, result, "id");
    cleanup(freep) char *message = member_text(term, result, "message");
    cleanup(freep) char *title = member_text(term, result, "title");
    cleanup(freep) char *text = xasprintf("%s: %s", id, message ? message : title ? title : "-");

    print_labelled(term, finding_name(finding), finding_style(finding), text);
}

static void print_result(const struct term *term, const json_t *result)
{
    print_head(term, result);
    put(term, "  Source:", member_text(term, result, "source"));
    put(term, "  Target:", member_text(term, result, "target"));
    put(term, "  Primary:", member_text(term, result, "primary"));
    if (finding_of(result) == FINDING_PASSED)
        return;
    put(term, "  Why:", member_text(term, result, "why"));
    print_remedy(term, result);
}

/* The worst first. A step may speak of "the lines above"; job NULL: steps are not wanted. */
static void print_results(const struct term *term, const json_t *results, const char *job)
{
    json_t *sorted = findings_sorted(results, FINDING_ERROR, FINDING_PASSED), *result;
    size_t i;

    if (has_remedy(sorted)) {
        putchar('\n');
        print_labelled(term, "To paste:", STYLE_NONE, remedy_user);
    }
    json_array_foreach (sorted, i, result) {
        putchar('\n');
        print_result(term, result);
        put(term, "  Next:", job ? check_next_step(result, job) : NULL);
        put(term, "  Or:", job ? check_way_around(result) : NULL);
    }
    json_decref(sorted);
}

/* In short: what they are called. */
static char *names_of(const struct term *term, const json_t *results)
{
    char *list = NULL;
    json_t *result;
    size_t i;

    json_array_foreach (results, i, result) {
        cleanup(freep) char *id = member_cell(term, result, "id");
        char *longer = xasprintf("%s%s%s", list ? list : "", list ? ", " : "", id);

        free(list);
        list = longer;
    }
    return list;
}

static void print_passed(const struct term *term, const json_t *results, bool wide)
{
    json_t *passed = findings_sorted(results, FINDING_PASSED, FINDING_MAX), *result;
    cleanup(freep) char *names = wide ? NULL : names_of(term, passed);
    size_t i;

    if (json_array_size(passed) > 0)
        putchar('\n');
    if (names)
        print_labelled(term, finding_name(FINDING_PASSED), finding_style(FINDING_PASSED), names);
    json_array_foreach (passed, i, result)
        if (wide)
            print_result(term, result);
    json_decref(passed);
}

void checks_print(const struct term *term, const json_t *job, bool wide)
{
    const json_t *checks = member(job, "checks");
    cleanup(freep) char *name = member_cell(term, job, "id");
    cleanup(freep) char *source = member_cell(term, checks, "source");
    cleanup(freep) char *target = member_cell(term, job, "target.endpoint");
    cleanup(freep) char *verdict = checks_verdict(checks, FINDING_MAX);

    put(term, "Job:", xasprintf("%s, from %s to %s", name, source, target));
    print_labelled(term, "Checks:", json_is_true(member(checks, "passed")) ? STYLE_GOOD : STYLE_BAD,
                   verdict);
    print_results(term, member(checks, "results"), name);
    print_passed(term, member(checks, "results"), wide);
}

/* --- in the status of a job --- */

char *checks_line(const struct term *term, const json_t *job, bool wide)
{
    const json_t *checks = member(job, "checks");
    cleanup(freep) char *name = member_cell(term, job, "id");
    cleanup(freep) char *counts = findings_text(member(checks, "results"), FINDING_PASSED);
    cleanup(freep) char *verdict = NULL;

    if (!checks)
        return NULL;
    if (json_is_true(member(checks, "running")))
        return xstrdup("running");
    verdict = checks_verdict(checks, FINDING_PASSED);
    return counts && !wide ? xasprintf("%s (ecmigratectl status %s -o wide)", verdict, name)
                           : take(verdict);
}

void checks_print_findings(const struct term *term, const json_t *job)
{
    print_results(term, member(job, "checks.results"), NULL);
}

void check_print_remedy(const struct term *term, const json_t *job)
{
    const json_t *result = check_behind_reason(job);

    if (json_array_size(member(result, "remedy")) == 0)
        return;
    print_labelled(term, "To paste:", STYLE_NONE, remedy_user);
    print_remedy(term, result);
}
