// SPDX-License-Identifier: Apache-2.0
// What happened to a job: its events as they come, and the way of its latest run through the phases.

import {h, icon, refresh, unseen} from "./dom.js";
import {duration, secondsSince, sentence, time, words} from "./format.js";
import {Stream} from "./net.js";

const TAIL = 500;  // events that are asked for
const SHOWN = 100; // … and shown
const LEVELS = {
    error: {icon: "failed", word: "error"},
    warn: {icon: "warn", word: "warning"},
    info: {icon: "info", word: "info"},
};

export class History {
    // onChange(): there is more to show.
    constructor(id, onChange)
    {
        this.events = [];
        this.id = id;
        this.onChange = onChange;
        this.resume();
    }

    resume()
    {
        this.stream = new Stream(() => this.path(), {
            onMessages: messages => {
                for (const {data} of messages)
                    this.take(data);
                this.onChange();
            },
        });
    }

    path()
    {
        const last = this.events.at(-1);
        const from = last ? `after=${last.seq}` : `limit=${TAIL}`;

        return `/v1/events?job=${encodeURIComponent(this.id)}&${from}`;
    }

    take(event)
    {
        if (event.seq <= (this.events.at(-1)?.seq ?? 0))
            return;
        this.events.push(event);
        if (this.events.length > TAIL)
            this.events.shift();
    }

    pause()
    {
        this.stream.close();
    }
}

// The phases of the run, in order: {phase, at, why}.
export function phasesOf(events, run)
{
    const phases = [];

    for (const event of events) {
        const to = event.data?.to;

        if (event.run !== run || !to || to === phases.at(-1)?.phase)
            continue;
        // Some begin with "from -> to: ", which is what the list shows anyway.
        phases.push({phase: to, at: event.time, why: event.message.replace(/^\w+ -> \w+: /, "")});
    }
    return phases;
}

function phaseNode(step, next, state)
{
    const lasted = next ? (Date.parse(next.at) - Date.parse(step.at)) / 1000 : null;

    return h("li", {class: next ? "past" : `current current-${state}`, "aria-current": next ? null : "step"},
             h("span", {class: "step-head"},
               h("strong", {}, words(step.phase)),
               h("time", {datetime: step.at}, time(step.at)),
               h("span", {class: "quiet"}, next ? `for ${shortly(lasted)}` : "")),
             h("span", {class: "step-why"}, sentence(step.why)));
}

function shortly(seconds)
{
    return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : duration(seconds);
}

export function showPhases(node, events, job)
{
    const phases = phasesOf(events, job.run);

    refresh(node, [phases, job.state], () => phases.length > 0
        ? h("ol", {class: "steps"}, phases.map((step, i) => phaseNode(step, phases[i + 1], job.state)))
        : h("p", {class: "quiet"}, "No run has begun yet."));
}

function eventNode(event)
{
    const level = LEVELS[event.level] ?? LEVELS.info;

    return h("li", {class: `event event-${level.word}`},
             h("time", {datetime: event.time}, time(event.time)),
             h("span", {class: "event-name"}, icon(level.icon), unseen(`${level.word}: `), event.name),
             h("span", {class: "event-text"}, sentence(event.message)));
}

// The newest first.
export function showEvents(node, events)
{
    const shown = events.slice(-SHOWN).reverse();

    refresh(node, [shown.length, shown[0]?.seq], () => shown.length > 0
        ? h("ol", {class: "events"}, shown.map(eventNode))
        : h("p", {class: "quiet"}, "Nothing has happened yet."));
}

// "for 3 min 12 s, since 23:15:01"
export function since(at)
{
    return at ? `for ${duration(secondsSince(at))}, since ${time(at)}` : "";
}
