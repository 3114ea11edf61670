// SPDX-License-Identifier: Apache-2.0
// Numbers and times as a person reads them. null gives "–".

const NONE = "–";
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const SECOND = 1000, MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

// What the daemon's clock is ahead of this one, in ms.
let skew = 0;

export function setServerTime(text)
{
    const difference = Date.parse(text) - Date.now();

    // The header has whole seconds; what is below is no skew.
    skew = Math.abs(difference) > 2 * SECOND ? difference : 0;
}

export function serverNow()
{
    return Date.now() + skew;
}

export function isKnown(value)
{
    return value !== null && value !== undefined;
}

export function bytes(n)
{
    let unit = 0;

    if (!isKnown(n))
        return NONE;
    while (n >= 1024 && unit < UNITS.length - 1) {
        n /= 1024;
        unit++;
    }
    return `${n.toFixed(unit > 0 && n < 100 ? 1 : 0)} ${UNITS[unit]}`;
}

export function rate(n)
{
    return isKnown(n) ? `${bytes(n)}/s` : NONE;
}

export function count(n)
{
    return isKnown(n) ? n.toLocaleString("en-US") : NONE;
}

export function percent(n)
{
    // 99.96 is not all of it yet.
    return isKnown(n) ? `${n < 100 ? Math.min(n, 99.9).toFixed(1) : 100} %` : NONE;
}

export function milliseconds(n)
{
    return isKnown(n) ? `${n < 100 ? n.toFixed(2) : Math.round(n)} ms` : "unknown";
}

export function duration(seconds)
{
    const s = Math.max(0, Math.round(seconds));

    if (!isKnown(seconds))
        return NONE;
    if (s < MINUTE)
        return `${s} s`;
    if (s < HOUR)
        return `${Math.floor(s / MINUTE)} min ${s % MINUTE} s`;
    if (s < DAY)
        return `${Math.floor(s / HOUR)} h ${Math.floor(s % HOUR / MINUTE)} min`;
    return `${Math.floor(s / DAY)} d ${Math.floor(s % DAY / HOUR)} h`;
}

export function secondsSince(time)
{
    return (serverNow() - Date.parse(time)) / SECOND;
}

// The clock of whoever looks; with the day where it is not today's.
export function time(text)
{
    const date = new Date(text), today = new Date();
    const clock = date.toLocaleTimeString("en-GB");

    if (!isKnown(text))
        return NONE;
    if (date.toDateString() === today.toDateString())
        return clock;
    return `${date.toLocaleDateString("en-GB", {day: "numeric", month: "short"})}, ${clock}`;
}

// "rolling_back" -> "rolling back"
export function words(name)
{
    return name.replaceAll("_", " ");
}

export function capital(text)
{
    return text.charAt(0).toUpperCase() + text.slice(1);
}

// A sentence of the daemon's tables, with a capital and a full stop; a command, a code or an option stays as it is.
export function sentence(text)
{
    const begun = /^(ecmigratectl|[a-z]+[-_.][a-z]|')/.test(text) ? text : capital(text);

    return /[.!?:]$/.test(begun) ? begun : `${begun}.`;
}
