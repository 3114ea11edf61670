// SPDX-License-Identifier: Apache-2.0
// Talking to the daemon: requests, and streams that come back by themselves.

import {setServerTime} from "./format.js";

const TOKEN = "ecmigrate-token";
const ANSWER_MS = 20000;  // a verb is answered once it is durable, or after 10 s
const SILENCE_MS = 25000; // the daemon says something every 10 s
const BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 15000;

// What the daemon, or the way to it, refused.
export class Refusal extends Error {
    constructor(status, code, message, hint)
    {
        super(message);
        this.status = status;
        this.code = code;
        this.hint = hint;
    }
}

export function setToken(token)
{
    if (token)
        sessionStorage.setItem(TOKEN, token);
    else
        sessionStorage.removeItem(TOKEN);
}

export function hasToken()
{
    return sessionStorage.getItem(TOKEN) !== null;
}

function headers(more)
{
    const token = sessionStorage.getItem(TOKEN);

    return token ? {...more, Authorization: `Bearer ${token}`} : more;
}

async function refusalOf(response)
{
    try {
        const {error} = await response.json();

        return new Refusal(response.status, error.code, error.message, error.hint);
    } catch {
        return new Refusal(response.status, `http-${response.status}`,
                           "The daemon's answer could not be read.", null);
    }
}

async function open(path, options)
{
    let response;

    try {
        response = await fetch(path, {cache: "no-store", credentials: "omit", redirect: "error", ...options});
    } catch (error) {
        if (error.name === "AbortError")
            throw error;
        if (error.name === "TimeoutError")
            throw new Refusal(0, "no-answer", `The daemon has not answered within ${ANSWER_MS / 1000} s.`,
                              "Look at the state before you try again. A browser has few connections: " +
                              "close other pages of this console.");
        throw new Refusal(0, "no-connection", "The daemon does not answer.",
                          "Check that ecmigrated runs (systemctl status ecmigrated) and that this host can reach it. " +
                          "Replication goes on without it.");
    }
    if (response.headers.has("Date"))
        setServerTime(response.headers.get("Date"));
    if (!response.ok)
        throw await refusalOf(response);
    return response;
}

export async function request(method, path, body)
{
    const more = body === undefined ? {} : {"Content-Type": "application/json"};
    const response = await open(path, {
        method, headers: headers(more), body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_MS),
    });

    return response.json();
}

// One message of a stream: {event, id, data}, or null for a comment.
function parseMessage(text)
{
    const message = {event: "message", id: null, data: ""};

    for (const line of text.split("\n")) {
        const colon = line.indexOf(": ");

        if (colon > 0)
            message[line.slice(0, colon)] = line.slice(colon + 2);
    }
    return message.data ? {...message, data: JSON.parse(message.data)} : null;
}

async function readMessages(response, heard)
{
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";

    for (;;) {
        const {done, value} = await reader.read();

        if (done)
            return;
        const parts = (rest + value).split("\n\n");

        rest = parts.pop();
        heard(parts.map(parseMessage).filter(message => message !== null));
    }
}

/*
 * A stream of events. path() is asked for at each connection.
 *   onOpen()           connected; whatever comes now is told anew
 *   onMessages(list)   what came in at once
 *   onState(state)     "connecting" | "live" | "lost"; with retryAt (ms) when it is lost
 *   onRefused(refusal) the daemon does not want it: it is over
 */
export class Stream {
    constructor(path, callbacks)
    {
        this.path = path;
        this.callbacks = callbacks;
        this.failures = 0;
        this.heardAt = 0;
        this.connect();
    }

    close()
    {
        this.closed = true;
        clearTimeout(this.timer);
        clearTimeout(this.watchdog);
        this.abort?.abort();
    }

    retryNow()
    {
        if (this.timer && !this.closed) {
            clearTimeout(this.timer);
            this.connect();
        }
    }

    heard()
    {
        this.heardAt = Date.now();
        clearTimeout(this.watchdog);
        this.watchdog = setTimeout(() => this.abort.abort(), SILENCE_MS);
    }

    async connect()
    {
        this.timer = null;
        this.abort = new AbortController();
        this.callbacks.onState?.("connecting");
        this.watchdog = setTimeout(() => this.abort.abort(), SILENCE_MS);
        try {
            await this.follow(await open(this.path(), {
                headers: headers({Accept: "text/event-stream"}), signal: this.abort.signal,
            }));
        } catch (error) {
            if (!this.closed && error instanceof Refusal && error.status >= 400 && error.status < 500) {
                this.close();
                this.callbacks.onRefused?.(error);
            }
        }
        clearTimeout(this.watchdog);
        if (!this.closed)
            this.retryLater();
    }

    async follow(response)
    {
        this.heard();
        this.callbacks.onOpen?.();
        this.callbacks.onState?.("live");
        await readMessages(response, messages => {
            this.failures = 0;
            this.heard();
            if (!this.closed && messages.length > 0)
                this.callbacks.onMessages(messages);
        });
    }

    retryLater()
    {
        const most = Math.min(BACKOFF_FIRST_MS * 2 ** this.failures, BACKOFF_MAX_MS);
        const wait = most / 2 + Math.random() * most / 2;

        this.failures++;
        this.timer = setTimeout(() => this.connect(), wait);
        this.callbacks.onState?.("lost", Date.now() + wait);
    }
}
