// SPDX-License-Identifier: Apache-2.0
// What the checks found: the worst first, each with the values seen and the lines that put it right.

import {h, icon, refresh, unseen} from "./dom.js";
import {capital, sentence, time} from "./format.js";

// In the order in which they are shown. A kind is a shape, a word and a colour.
const KINDS = {
    error: {icon: "no", one: "error", many: "errors"},
    waived: {icon: "warn", one: "waived error", many: "waived errors"},
    warning: {icon: "warn", one: "warning", many: "warnings"},
    notice: {icon: "info", one: "notice", many: "notices"},
    passed: {icon: "yes", one: "passed", many: "passed"},
};

function howToPaste()
{
    return h("p", {class: "quiet"},
             "These lines are for a shell, as a user who may do that at the node. Where it wants a log-in, put ",
             h("code", {}, "--user NAME --askpass"), " right behind ", h("code", {}, "redis-cli"), ", or set ",
             h("code", {}, "REDISCLI_AUTH"), ".");
}

function kindOf(result)
{
    if (!result.passed)
        return "error";
    if (result.waived)
        return "waived";
    return ["warning", "notice"].includes(result.severity) ? result.severity : "passed";
}

function valueNodes(result)
{
    const values = [["Source", result.source], ["Target", result.target], ["Primary", result.primary]].filter(([, value]) => value);

    return values.length === 0 ? null : h("dl", {class: "values"}, values.map(([side, value]) =>
        h("div", {}, h("dt", {}, side), h("dd", {}, value))));
}

// A click on a line marks all of it, and no line break that a shell would obey; the keyboard scrolls it.
function remedyNode(result)
{
    return h("pre", {class: "remedy", tabindex: "0", role: "region", "aria-label": `Lines to paste for ${result.id}`},
             result.remedy.map(line => h("code", {}, line)));
}

function findingNode(result)
{
    const kind = kindOf(result);

    return h("li", {class: `check-${kind}`},
             h("span", {class: "check-kind"}, icon(KINDS[kind].icon), kind),
             h("div", {class: "check-text"},
               h("p", {class: "check-message"}, sentence(result.message ?? result.title ?? result.id)),
               valueNodes(result),
               result.why ? h("p", {class: "quiet"}, sentence(result.why)) : null),
             h("code", {}, result.id),
             result.remedy?.length > 0 ? remedyNode(result) : null);
}

function passedNode(result)
{
    return h("li", {class: "check-passed"},
             h("span", {class: "check-kind"}, icon("yes"), unseen("passed: ")),
             h("div", {class: "check-text"}, h("p", {}, capital(result.title ?? result.id)), valueNodes(result)),
             h("code", {}, result.id));
}

function headNode(checks, groups)
{
    const counts = Object.entries(groups).filter(([, results]) => results.length > 0)
        .map(([kind, results]) => `${results.length} ${results.length === 1 ? KINDS[kind].one : KINDS[kind].many}`);

    return h("p", {class: "checks-head"},
             h("span", {class: checks.passed ? "mark mark-yes" : "mark mark-no"}, icon(checks.passed ? "yes" : "no"),
               checks.passed ? "Passed" : "Not passed"),
             h("span", {}, counts.join(", ")),
             h("span", {class: "quiet"}, `against ${checks.source}, ${time(checks.at)}`));
}

function checksNodes(checks)
{
    const results = checks.results ?? [];
    const groups = Object.fromEntries(Object.keys(KINDS).map(kind => [kind, results.filter(r => kindOf(r) === kind)]));
    const {passed, ...others} = groups, findings = Object.values(others).flat();

    return [
        headNode(checks, groups),
        findings.some(result => result.remedy?.length > 0) ? howToPaste() : null,
        findings.length > 0 ? h("ul", {class: "checks"}, findings.map(findingNode)) : null,
        passed.length > 0 ? h("details", {class: "checks-passed"}, h("summary", {}, `${passed.length} passed`),
                              h("ul", {class: "checks"}, passed.map(passedNode))) : null,
    ];
}

export function showChecks(place, checks)
{
    refresh(place, checks ?? null, () => {
        if (!checks)
            return h("p", {class: "quiet"}, "The checks have not been run since the daemon started.");
        if (checks.running)
            return h("p", {role: "status"}, icon("wait"), ` Running against ${checks.source} …`);
        return checksNodes(checks);
    });
}
