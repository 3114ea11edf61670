// SPDX-License-Identifier: Apache-2.0
// Building the page. Text becomes text nodes and attributes, never markup.

const SVG = "http://www.w3.org/2000/svg";

// Each is drawn in a square of 16.
const ICONS = {
    pending: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z", "M8 4.5V8l2.5 1.5"],
    migrating: ["M1.5 5h12", "M10.5 2l3 3-3 3", "M14.5 11h-12", "M5.5 8l-3 3 3 3"],
    available: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z", "M5 8.2l2.2 2.2 4-4.4"],
    failed: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z", "M5.5 5.5l5 5", "M10.5 5.5l-5 5"],
    yes: ["M3 8.5l3.5 3.5 6.5-7.5"],
    no: ["M4 4l8 8", "M12 4l-8 8"],
    unknown: ["M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6", "M8 12.5v.1"],
    warn: ["M8 2l6.5 11.5h-13z", "M8 6.5v3", "M8 11.5v.1"],
    info: ["M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z", "M8 7.5v3.5", "M8 5v.1"],
    arrow: ["M2 8h11.5", "M9.5 4l4 4-4 4"],
    back: ["M14 8H2.5", "M6.5 4l-4 4 4 4"],
    wait: ["M8 1.5a6.5 6.5 0 1 1-6.5 6.5"],
};

function setProperty(node, name, value)
{
    if (typeof value === "function")
        node.addEventListener(name.slice(2), value);
    else if (value === true)
        node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
        node.setAttribute(name, value);
}

function fill(node, properties, children)
{
    for (const [name, value] of Object.entries(properties))
        setProperty(node, name, value);
    node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
    return node;
}

// h("a", {href: "#/", onclick: fn}, "text", node, null)
export function h(tag, properties = {}, ...children)
{
    return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children)
{
    return fill(document.createElementNS(SVG, tag), properties, children);
}

export function icon(name)
{
    const paths = ICONS[name].map(d => svg("path", {d}));

    return svg("svg", {class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true"}, paths);
}

// For people who hear the page.
export function unseen(text)
{
    return h("span", {class: "unseen"}, text);
}

export function setText(node, text)
{
    if (node.textContent !== text)
        node.textContent = text;
}

// Puts other children into node when key has changed since the last time.
export function refresh(node, key, make)
{
    const text = JSON.stringify(key);

    if (node.refreshKey === text)
        return;
    node.refreshKey = text;
    node.replaceChildren(...[make()].flat(Infinity).filter(child => child !== null));
}

let announced = null;

// Says it to a screen reader, when that is done with what it says now.
export function announce(text)
{
    const announcer = document.getElementById("announcer");

    clearTimeout(announced);
    announcer.textContent = "";
    announced = setTimeout(() => { announcer.textContent = text; }, 100);
}
