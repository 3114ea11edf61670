// SPDX-License-Identifier: Apache-2.0
// The page of one group.

import {buttonsFor, makeActionBar} from "./actions.js";
import {makeChart} from "./chart.js";
import {showChecks} from "./checks.js";
import {h, icon, refresh, setText} from "./dom.js";
import {bytes, capital, count, duration, isKnown, milliseconds, percent, rate, secondsSince, sentence, time, words} from "./format.js";
import {History, showEvents, showPhases, since} from "./history.js";
import {stateBadge} from "./list.js";

const ATTEMPTING = ["checking", "attaching", "backoff", "syncing", "failed"];

function section(id, title, ...children)
{
    return h("section", {class: "card", "aria-labelledby": id}, h("h2", {id}, title), children);
}

function facts(rows)
{
    return h("dl", {class: "facts"}, rows.filter(row => row !== null).map(([term, value]) =>
        h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

function yesNo(value, yes, no, unknown)
{
    const name = !isKnown(value) ? "unknown" : value ? "yes" : "no";

    return h("span", {class: `mark mark-${name}`}, icon(name), {yes, no, unknown}[name]);
}

// --- state, reason, next step ---

function attemptText(attempt)
{
    const next = attempt.next_at ? secondsSince(attempt.next_at) : 0;

    return `${attempt.number} of ${attempt.max}` +
        (next < 0 ? `; the next in ${duration(-next)}` : "");
}

// The text, with the client's commands in it set as such.
function withCommands(text, id)
{
    const command = new RegExp(`(ecmigratectl [a-z]+ ${id}(?![a-z0-9-])(?: --[a-z]+)*)`);

    return text.split(command).map((part, i) => i % 2 === 1 ? h("code", {}, part) : part);
}

// Here, the lines that a step speaks of stand further down.
function placed(step)
{
    return step.replace(/\b(lines?) above\b/, "$1 under Checks");
}

function nextNodes(job)
{
    const buttons = buttonsFor(job.next_step, job.id);

    return h("p", {class: "next"}, h("strong", {}, "Next: "), withCommands(sentence(placed(job.next_step)), job.id),
             buttons.length > 0 ? [" On this page: ", buttons.map((name, i) => [i > 0 ? ", " : "", h("strong", {}, name)]), "."]
                                : null);
}

function alarmNode(alarm)
{
    return h("p", {class: "reason failed"}, icon("failed"),
             h("span", {}, h("strong", {}, "Alarm: "), sentence(alarm.message), " ",
               alarm.holds_cutover ? "The switch-over is held back. " : "", h("code", {}, alarm.code)));
}

function statusNodes(job, meaning)
{
    const failed = job.state === "failed";
    const verdict = job.phase === "halted" ? "Needs your decision: " : failed ? "Failed: " : "Waits: ";

    return [
        h("div", {class: "status-head"}, stateBadge(job.state), h("span", {class: "phase"}, words(job.phase))),
        h("p", {class: "meaning"}, sentence(meaning)),
        job.reason ? h("p", {class: failed ? "reason failed" : "reason"},
                       icon(failed ? "failed" : "wait"), h("span", {},
                         h("strong", {}, verdict), withCommands(sentence(job.reason.message), job.id), " ",
                         h("code", {}, job.reason.code))) : null,
        (job.alarms ?? []).map(alarmNode),
        nextNodes(job),
    ];
}

// --- the nodes and what is between them ---

// The servers' own words for a state, but for the one that is ours.
function replicaText({endpoint, state, lag_bytes: lag, message})
{
    const where = state === "missing" ? "not connected" : words(state);

    return `${endpoint}, ${where}${isKnown(lag) ? `, ${bytes(lag)} behind` : ""}${message ? `: ${message}` : ""}`;
}

function replicaList(replicas)
{
    return h("ul", {class: "replicas"}, replicas.map(replica => h("li", {}, replicaText(replica))));
}

function nodeFacts(node)
{
    return [
        h("p", {class: "endpoint"}, node.endpoint),
        facts([
            ["Role", node.role ?? "unknown"],
            ["Server", node.server ? `${capital(node.server)} ${node.version ?? ""}` : "unknown"],
            ["Offset", h("span", {class: "number"}, count(node.offset))],
            ["Reachable", yesNo(node.reachable, "yes", "no", "not looked at")],
            ...(node.replicas?.length ? [["Replicas", replicaList(node.replicas)]] : []),
        ]),
    ];
}

// primary: what takes the writes above a source that is a replica.
function showNode(place, title, node, primary = null)
{
    refresh(place, [node, primary], () => [
        h("h3", {}, title),
        node ? nodeFacts(node) : h("p", {class: "quiet"}, "Not named yet."),
        primary ? [h("h3", {}, "The primary above it"), nodeFacts(primary)] : null,
    ]);
}

function linkText(job)
{
    const link = job.link;

    if (!link)
        return {mark: null, text: "no link"};
    // Before the copy has come through, the server calls its link down; that is as it should be.
    if (!link.up && ["attaching", "backoff", "syncing"].includes(job.phase))
        return {mark: null, text: "link not up yet"};
    return {mark: link.up, text: link.up === null ? "link unknown" : link.up ? "link up" : "link down"};
}

function showLink(place, job)
{
    const {mark, text} = linkText(job), back = job.phase === "completed";

    refresh(place, [job.link, back], () => [
        h("span", {class: back ? "link-arrow back" : "link-arrow"}, icon(back ? "back" : "arrow")),
        job.link ? yesNo(mark, text, text, text) : h("span", {class: "quiet"}, text),
        job.link?.since ? h("span", {class: "quiet"}, `since ${time(job.link.since)}`) : null,
        isKnown(job.link?.last_io_seconds) ? h("span", {class: "quiet"}, `last word ${job.link.last_io_seconds} s ago`) : null,
    ]);
}

// --- progress ---

function lagText({bytes: behind, seconds})
{
    const heard = !isKnown(seconds) ? "" : seconds < 1 ? " It heard from the source within the last second."
                                           : ` It last heard from the source ${duration(seconds)} ago.`;

    return `The target is ${behind === 0 ? "not" : bytes(behind)} behind.${heard}`;
}

function progressFacts(job)
{
    const p = job.progress;

    return facts([
        ["Copied", h("span", {class: "number"}, isKnown(p.bytes_total) ? `${bytes(p.bytes_done)} of ${bytes(p.bytes_total)}` : bytes(p.bytes_done))],
        ["Rate", h("span", {class: "number"}, rate(p.bytes_per_second))],
        ["Time left", isKnown(p.eta_seconds) ? `about ${duration(p.eta_seconds)}` : "–"],
    ]);
}

// --- result ---

function requestText(request)
{
    const until = request.until ? `, until ${time(request.until)}` : "";

    return `The switch-over was asked for${request.force ? " by force" : ""} at ${time(request.at)}, ` +
           `by ${request.by ?? "the job file"}${until}. It begins as soon as nothing holds it back.`;
}

function resultNodes(cutover)
{
    return [
        cutover.requested ? h("p", {role: "status"}, requestText(cutover.requested)) : "",
        ...(cutover.at ? doneNodes(cutover) : []),
    ];
}

function doneNodes(cutover)
{
    return [
        h("div", {},
          h("p", {class: "gap"}, h("strong", {}, milliseconds(cutover.write_gap_ms)), " write gap"),
          h("p", {class: "quiet"}, "For this long no node took writes.")),
        facts([["Switched over", time(cutover.at)], ["At offset", h("span", {class: "number"}, count(cutover.offset))],
               ...(cutover.clients_told_ms ? [["Sentinels named the target after", milliseconds(cutover.clients_told_ms)]] : [])]),
    ];
}

export class GroupPage {
    // context(): {fsm, session, live}; done(job, action): a verb was accepted
    constructor(id, jobs, context, done)
    {
        this.id = this.title = id;
        this.jobs = jobs;
        this.context = context;
        jobs.watched = id;
        this.history = new History(id, () => this.showHistory());
        this.makeParts(done);
        this.node = this.build();
    }

    makeParts(done)
    {
        this.description = h("p", {class: "lead"});
        this.status = h("div", {class: "status"});
        this.since = h("p", {class: "quiet since"});
        this.actions = makeActionBar(this.context, done);
        this.source = h("div", {class: "node"});
        this.link = h("div", {class: "link"});
        this.target = h("div", {class: "node"});
        this.bar = h("progress", {max: "100", value: "0", "aria-label": "Full copy"});
        this.percent = h("strong", {class: "percent"});
        this.progressFacts = h("div", {});
        this.progress = section("progress", "Full copy",
                                h("div", {class: "progress-line"}, this.bar, this.percent), this.progressFacts);
        this.lagText = h("p", {class: "lag"});
        this.lagChart = makeChart({title: "Lag", value: "lag", format: bytes,
                                   about: "Bytes by which the target trails the source."});
        this.rateChart = makeChart({title: "Throughput", value: "rate", format: rate,
                                    about: "What reaches the target: the copy, then the writes."});
        this.result = h("div", {class: "result"});
        this.resultCard = section("result", "Switch-over", this.result);
        this.checks = h("div", {});
        this.phases = h("div", {});
        this.events = h("div", {});
        this.runNumber = h("span", {class: "quiet"});
    }

    build()
    {
        this.content = h("div", {class: "grid"},
            h("section", {class: "card wide", "aria-label": "State"}, this.status, this.since, this.attempt = h("p", {class: "quiet"}),
              this.actions.node),
            this.resultCard, this.progress,
            section("nodes", "Nodes", h("div", {class: "nodes"}, this.source, this.link, this.target)),
            section("charts", "Lag and throughput", this.lagText, h("div", {class: "charts"}, this.lagChart.node, this.rateChart.node)),
            section("timeline", ["Time line ", this.runNumber], this.phases),
            section("checks", "Checks", this.checks),
            section("events", "Events", this.events));
        this.missing = h("p", {role: "status"});
        return h("div", {class: "page"},
                 h("a", {class: "back", href: "#/"}, icon("back"), "Replication groups"),
                 h("h1", {tabindex: "-1"}, this.id), this.description, this.missing, this.content);
    }

    update()
    {
        const job = this.jobs.get(this.id);

        this.content.hidden = job === null;
        this.missing.hidden = job !== null;
        if (job)
            this.show(job);
        else
            setText(this.missing, this.jobs.ready ? `There is no group named '${this.id}'. Its job file was removed, ` +
                    "or refused: 'ecmigratectl events' says which." : "Asking the daemon …");
    }

    show(job)
    {
        const row = this.context().fsm?.phases.find(phase => phase.name === job.phase);

        setText(this.description, job.description ?? "");
        refresh(this.status, [job.state, job.phase, job.reason, job.alarms, job.next_step, row?.meaning],
                () => statusNodes(job, row?.meaning ?? words(job.phase)));
        setText(this.since, job.since ? `In this phase ${since(job.since)}.${job.file ? "" : " Its job file is gone."}` : "");
        setText(this.attempt, job.attempt && ATTEMPTING.includes(job.phase) ? `Attempt ${attemptText(job.attempt)}.` : "");
        this.actions.update(job);
        showNode(this.source, job.phase === "completed" ? "Old source" : "Source", job.source, job.primary);
        showNode(this.target, job.phase === "completed" ? "Target, now the primary" : "Target", job.target);
        showLink(this.link, job);
        showChecks(this.checks, job.checks);
        this.showProgress(job);
        this.showCharts(job);
        this.resultCard.hidden = !job.cutover;
        refresh(this.result, job.cutover, () => job.cutover ? resultNodes(job.cutover) : []);
        this.showHistory();
    }

    showProgress(job)
    {
        const p = job.progress, known = isKnown(p?.percent);

        this.progress.hidden = !p || !["attaching", "syncing", "replicating"].includes(job.phase);
        if (!p)
            return;
        if (known)
            this.bar.value = p.percent;
        else
            this.bar.removeAttribute("value");
        setText(this.percent, known ? percent(p.percent) : "");
        refresh(this.progressFacts, p, () => progressFacts(job));
    }

    showCharts(job)
    {
        const samples = this.jobs.samples.get(this.id) ?? [];

        setText(this.lagText, job.lag ? lagText(job.lag) : "");
        this.lagChart.update(samples, Date.now(), job.lag?.bytes ?? null);
        this.rateChart.update(samples, Date.now());
    }

    showHistory()
    {
        const job = this.jobs.get(this.id);

        if (!job)
            return;
        setText(this.runNumber, job.run ? `of run ${job.run}` : "");
        showPhases(this.phases, this.history.events, job);
        showEvents(this.events, this.history.events);
    }

    pause()
    {
        this.history.pause();
    }

    resume()
    {
        this.history.resume();
    }

    close()
    {
        this.jobs.watched = null;
        this.pause();
    }
}
