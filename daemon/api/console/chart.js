// SPDX-License-Identifier: Apache-2.0
// A small line over the last minutes, up to ten, of one value of the samples.

import {h, setText, svg} from "./dom.js";

const WIDTH = 600, HEIGHT = 100;
const MINUTE_MS = 60000;
const SPANS = [1, 2, 5, 10]; // minutes that are shown: the fewest that hold what there is
const GAP_MS = 5000; // between two samples: nothing was known meanwhile

// The next of 1, 2, 5, 10, … times a power of 1024: a scale that does not move all the time.
function ceiling(value)
{
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];

    for (let power = 1024; power < 1024 ** 6; power *= 1024)
        for (const step of steps)
            if (value <= step * power)
                return step * power;
    return value;
}

function segments(samples, value)
{
    const found = [];
    let last = null;

    for (const sample of samples) {
        if (sample[value] === null) {
            last = null;
            continue;
        }
        if (last === null || sample.at - last > GAP_MS)
            found.push([]);
        found.at(-1).push(sample);
        last = sample.at;
    }
    return found;
}

function spanOf(samples, now)
{
    const oldest = samples.length > 0 ? (now - samples[0].at) / MINUTE_MS : 0;

    return SPANS.find(minutes => oldest <= minutes) ?? SPANS.at(-1);
}

// scale: {value, top, minutes, now}
function points(segment, {value, top, minutes, now})
{
    return segment.map(sample => {
        const x = Math.max(0, WIDTH * (1 - (now - sample.at) / (minutes * MINUTE_MS)));
        const y = HEIGHT * (1 - sample[value] / top);

        return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
}

function line(segment, scale)
{
    const list = points(segment, scale);

    // A lone sample is a dot.
    return `M${list.join("L")}${list.length === 1 ? "h1" : ""}`;
}

function area(segment, scale)
{
    const list = points(segment, scale);
    const [first] = list[0].split(" "), [last] = list.at(-1).split(" ");

    return `M${first} ${HEIGHT}L${list.join("L")}L${last} ${HEIGHT}Z`;
}

// value: the samples' member; format: of a number, as text.
export function makeChart({title, value, format, about})
{
    const now = h("strong", {class: "chart-now"}), top = h("span", {class: "chart-top"});
    const begin = h("span", {}), middle = h("span", {});
    const linePath = svg("path", {class: "chart-line"}), areaPath = svg("path", {class: "chart-area"});
    const picture = svg("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img"},
                        svg("path", {class: "chart-grid", d: `M0 .5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT - .5}H${WIDTH}`}),
                        areaPath, linePath);
    const node = h("figure", {class: "chart"},
                   h("figcaption", {}, h("span", {}, title), now),
                   h("div", {class: "chart-picture"}, top, picture),
                   h("div", {class: "chart-axis", "aria-hidden": "true"},
                     begin, middle, h("span", {}, "now")),
                   h("p", {class: "quiet"}, about));

    // current: what there is to say of now; undefined: the latest sample
    function update(samples, at, current = samples.at(-1)?.[value] ?? null)
    {
        const known = samples.map(sample => sample[value]).filter(n => n !== null);
        const most = Math.max(0, ...known);
        const scale = {value, top: ceiling(most), minutes: spanOf(samples, at), now: at};
        const parts = segments(samples, value);

        setText(now, format(current));
        setText(top, known.length > 0 ? format(scale.top) : "");
        setText(begin, `${scale.minutes} min ago`);
        setText(middle, scale.minutes > 1 ? `${scale.minutes / 2} min` : "30 s");
        linePath.setAttribute("d", parts.map(part => line(part, scale)).join(""));
        areaPath.setAttribute("d", parts.map(part => area(part, scale)).join(""));
        picture.setAttribute("aria-label", known.length > 0
            ? `${title} in the last ${scale.minutes} minutes: now ${format(current)}, at most ${format(most)}`
            : `${title}: nothing is known yet`);
    }

    return {node, update};
}
