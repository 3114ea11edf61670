// SPDX-License-Identifier: Apache-2.0
// The page of all groups.

import {h, icon, refresh, setText} from "./dom.js";
import {bytes, capital, count, duration, percent, rate, secondsSince, words} from "./format.js";

const STATES = ["pending", "migrating", "available", "failed"];
const FILTER_FROM = 8; // groups; fewer are seen at a glance
const ROWS_MAX = 200;
const COLUMNS = ["Group", "State", "Progress", "Lag", "Rate", "In this phase"];

export function stateBadge(state)
{
    return h("span", {class: `state state-${state}`}, icon(state), capital(state));
}

export function progressText(job)
{
    if (job.state === "available")
        return "switched over";
    if (job.phase === "replicating" && job.link?.up)
        return "in sync";
    return job.progress?.percent === null || !job.progress ? "–" : percent(job.progress.percent);
}

function cell(label, ...children)
{
    return h("td", {role: "cell", "data-label": label}, children);
}

class Row {
    constructor(job)
    {
        this.link = h("a", {href: `#/jobs/${encodeURIComponent(job.id)}`}, job.id);
        this.description = h("span", {class: "quiet description"});
        this.endpoints = h("span", {class: "quiet endpoints"});
        this.state = h("span", {class: "state-cell"});
        this.bar = h("progress", {max: "100", value: "0", "aria-label": `Full copy of ${job.id}`});
        this.progress = h("span", {});
        this.lag = h("span", {});
        this.rate = h("span", {});
        this.since = h("span", {});
        this.node = h("tr", {role: "row"},
                      cell("Group", h("div", {class: "group-cell"}, this.link, this.description, this.endpoints)),
                      cell("State", this.state),
                      cell("Progress", h("span", {class: "progress-cell"}, this.bar, this.progress)),
                      cell("Lag", this.lag), cell("Rate", this.rate), cell("In this phase", this.since));
    }

    update(job, sample)
    {
        const copying = job.phase === "syncing" && job.progress?.percent !== null && job.progress !== null;

        setText(this.description, job.description ?? "");
        setText(this.endpoints, `${job.source?.endpoint ?? "no source yet"} → ${job.target?.endpoint ?? "–"}`);
        refresh(this.state, [job.state, job.phase, job.reason?.code], () => [
            stateBadge(job.state), h("span", {class: "quiet"}, words(job.phase)),
            job.state === "failed" && job.reason ? h("code", {}, job.reason.code) : null,
        ]);
        this.bar.hidden = !copying;
        this.bar.value = copying ? job.progress.percent : 0;
        setText(this.progress, progressText(job));
        setText(this.lag, bytes(job.lag?.bytes));
        setText(this.rate, rate(sample?.rate));
        for (const value of [this.lag, this.rate, this.progress])
            value.closest("td").toggleAttribute("data-empty", value.textContent === "–");
        setText(this.since, job.since ? duration(secondsSince(job.since)) : "–");
    }
}

function matches(job, state, text)
{
    const haystack = [job.id, job.description, job.source?.endpoint, job.target?.endpoint, job.phase,
                      job.reason?.code].join(" ").toLowerCase();

    return (state === "all" || job.state === state) && haystack.includes(text);
}

export class ListPage {
    constructor(jobs)
    {
        this.jobs = jobs;
        this.rows = new Map();
        this.shown = "all";
        this.summary = h("div", {class: "chips", role: "group", "aria-label": "Show groups by state"});
        this.text = h("input", {type: "search", id: "filter", autocomplete: "off", spellcheck: "false",
                                oninput: () => this.update()});
        this.search = h("div", {class: "field search"}, h("label", {for: "filter"}, "Filter"), this.text);
        this.body = h("tbody", {role: "rowgroup"});
        this.table = h("table", {class: "groups", role: "table", "aria-label": "Replication groups"},
                       h("thead", {role: "rowgroup"}, h("tr", {role: "row"},
                         COLUMNS.map(name => h("th", {role: "columnheader", scope: "col"}, name)))),
                       this.body);
        this.note = h("p", {class: "quiet", role: "status"});
        this.node = h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Replication groups"),
                      h("div", {class: "tools"}, this.summary, this.search), this.table, this.note);
        this.title = "Replication groups";
    }

    update()
    {
        const all = this.jobs.sorted(), text = this.text.value.trim().toLowerCase();
        const found = all.filter(job => matches(job, this.shown, text));

        this.showChips(all);
        this.search.hidden = all.length < FILTER_FROM && text === "";
        this.showRows(found.slice(0, ROWS_MAX));
        this.table.hidden = found.length === 0;
        setText(this.note, this.noteFor(all.length, found.length));
    }

    noteFor(all, found)
    {
        if (!this.jobs.ready && all === 0)
            return "Asking the daemon …";
        if (all === 0)
            return "There are no groups yet. Put a job file into the daemon's directory, /etc/ecmigrate.d if nothing else " +
                "is configured. A file that was refused is named by: ecmigratectl events.";
        if (found === 0)
            return "No group matches.";
        return found > ROWS_MAX ? `${count(ROWS_MAX)} of ${count(found)} groups are shown; the filter narrows it down.` : "";
    }

    showChips(all)
    {
        const numbers = Object.fromEntries(STATES.map(state => [state, 0]));

        for (const job of all)
            numbers[job.state]++;
        refresh(this.summary, [numbers, this.shown], () => {
            const focused = document.activeElement?.dataset.state;
            const chips = [["all", all.length], ...Object.entries(numbers)].map(([state, n]) => this.chip(state, n));

            queueMicrotask(() => chips.find(chip => chip.dataset.state === focused)?.focus());
            return chips;
        });
    }

    chip(state, n)
    {
        return h("button", {type: "button", class: "chip", "data-state": state, "aria-pressed": String(this.shown === state),
                            onclick: () => { this.shown = state; this.update(); }},
                 state === "all" ? null : icon(state), capital(state), h("span", {class: "number"}, count(n)));
    }

    showRows(found)
    {
        const wanted = new Set(found.map(job => job.id));

        for (const [id, row] of this.rows)
            if (!wanted.has(id)) {
                row.node.remove();
                this.rows.delete(id);
            }
        found.forEach((job, i) => {
            const row = this.rows.get(job.id) ?? new Row(job);

            row.update(job, this.jobs.samples.get(job.id)?.at(-1));
            this.rows.set(job.id, row);
            if (this.body.children[i] !== row.node)
                this.body.insertBefore(row.node, this.body.children[i] ?? null);
        });
    }

    close()
    {
    }
}
