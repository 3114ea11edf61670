// SPDX-License-Identifier: Apache-2.0
// The console: who is logged in, which page is shown, and whether what it shows is fresh.

import {announce, h, icon, refresh, setText} from "./dom.js";
import {capital, duration, words} from "./format.js";
import {GroupPage} from "./group.js";
import {Jobs} from "./jobs.js";
import {ListPage} from "./list.js";
import {LoginPage, sessionNodes, whoAmI} from "./login.js";
import {request, setToken} from "./net.js";

const TICK_MS = 1000;
const OLD_S = 12;                 // the daemon says something every 10 s
const HIDDEN_MS = 5000; // browsers allow six connections; a tab nobody looks at gives its own back

const app = {
    session: null, fsm: null, jobs: null, page: null,
    connection: "connecting", retryAt: 0, drawing: false, resting: false,
};

const main = document.getElementById("main");

// --- drawing: once a frame, however much comes in ---

function draw()
{
    app.drawing = false;
    app.page?.update();
    showConnection();
}

function drawSoon()
{
    if (app.drawing)
        return;
    app.drawing = true;
    requestAnimationFrame(draw);
}

function showTitle()
{
    const job = app.jobs?.get(app.page?.id);

    // A title that is not kept up to date must not name a phase.
    document.title = job && !app.resting ? `${job.id}: ${words(job.phase)} · ecmigrate` : `${app.page.title} · ecmigrate`;
}

// After a change of page, a screen reader reads its title, and Tab goes on from there.
function focusTitle()
{
    main.querySelector("h1")?.focus();
}

function showPage(page)
{
    app.page?.close();
    app.page = page;
    main.replaceChildren(page.node);
    page.update();
    showTitle();
    showConnection();
}

// --- is it fresh? ---

function age()
{
    return app.jobs?.heardAt ? Math.floor((Date.now() - app.jobs.heardAt) / 1000) : null;
}

const CONNECTIONS = {
    live: ["mark mark-yes", "yes", "Live"],
    connecting: ["mark mark-unknown", "wait", "Connecting"],
    lost: ["mark mark-no", "warn", "Not connected"],
};

function connectionNodes(connection)
{
    const [className, picture, text] = CONNECTIONS[connection];

    return h("span", {class: className}, icon(picture), text);
}

function bannerText()
{
    const known = age() === null ? "Nothing is known yet." : `What is shown is ${duration(age())} old.`;
    const wait = Math.max(0, Math.ceil((app.retryAt - Date.now()) / 1000));
    const next = app.connection === "lost" && wait > 0 ? `Next try in ${wait} s.` : "Trying now …";

    return {known, next};
}

function showBanner(lost)
{
    const banner = document.getElementById("banner");

    refresh(banner, lost, () => lost ? h("div", {class: "banner"}, icon("warn"),
        h("span", {}, h("strong", {}, "The connection to the daemon is lost. "), "Replication does not depend on it. ",
          h("span", {id: "banner-age", "aria-live": "off"})),
        h("button", {type: "button", class: "button small", onclick: () => app.jobs.stream.retryNow()}, "Try now")) : []);
    if (lost) {
        const {known, next} = bannerText();

        setText(document.getElementById("banner-age"), `${known} ${next}`);
    }
}

function showConnection()
{
    const place = document.getElementById("connection");
    // A try that is under way, after others that failed, is still a connection that is lost.
    const connection = app.retryAt > 0 ? "lost" : app.connection;
    const old = connection === "live" && age() >= OLD_S ? age() : null;

    if (!app.jobs) {
        refresh(place, null, () => []);
        showBanner(false);
        return;
    }
    refresh(place, [connection, old], () => [
        connectionNodes(connection), old === null ? null : h("span", {class: "quiet"}, `heard ${old} s ago`)]);
    showBanner(connection === "lost");
}

function onState(state, retryAt)
{
    app.connection = state;
    if (state === "lost")
        app.retryAt = retryAt;
    if (state === "live") {
        app.retryAt = 0;
        learnTables();
    }
    drawSoon();
}

// A daemon that comes back may be a newer one.
async function learnTables()
{
    try {
        app.fsm = await request("GET", "/v1/fsm");
        drawSoon();
    } catch {
        // Without the tables no action is offered; the next connection asks again.
    }
}

// --- what is said aloud ---

function onChange(before, job)
{
    const here = app.page?.id === (job ?? before).id;

    if (job && before && (here ? before.phase !== job.phase : before.state !== job.state))
        announce(`${job.id}: ${job.state}, ${words(job.phase)}${job.reason ? `. ${job.reason.message}` : ""}`);
    if (job && here && before?.checks?.running && job.checks && !job.checks.running)
        announce(`Checks of ${job.id} ${job.checks.passed ? "passed" : "not passed"}`);
    if (here)
        showTitle();
    drawSoon();
}

// --- log-in ---

function stop()
{
    app.jobs?.close();
    app.jobs = null;
}

function logOut()
{
    setToken(null);
    askForToken(false);
}

function askForToken(expired)
{
    stop();
    document.querySelectorAll("dialog").forEach(dialog => dialog.close());
    app.session = null;
    refresh(document.getElementById("session"), null, () => []);
    showPage(new LoginPage(loggedIn, expired));
    document.getElementById("token").focus();
}

function onRefused(refusal)
{
    if (refusal.status === 401)
        askForToken(true);
    else
        failToStart(refusal);
}

function failToStart(refusal)
{
    stop();
    app.page?.close();
    app.page = null;
    main.replaceChildren(h("div", {class: "page narrow"}, h("h1", {}, "The daemon refuses"),
        h("p", {}, refusal.message), refusal.hint ? h("p", {}, refusal.hint) : "",
        h("p", {}, h("code", {}, refusal.code ?? "")),
        h("button", {type: "button", class: "button", onclick: () => location.reload()}, "Try again")));
    showConnection();
}

function follow()
{
    app.jobs = new Jobs({onChange, onState, onReady: drawSoon, onRefused});
}

function begin(session)
{
    app.session = session;
    refresh(document.getElementById("session"), session, () => sessionNodes(session, logOut));
    follow();
    route();
}

function loggedIn(session)
{
    begin(session);
    focusTitle();
}

// --- pages ---

function onDone(job, action)
{
    app.jobs?.put(job);
    announce(`${capital(action.label)}: accepted by the daemon`);
}

function jobInHash()
{
    const match = location.hash.match(/^#\/jobs\/([^/]+)$/);

    try {
        return match ? decodeURIComponent(match[1]) : null;
    } catch {
        return match[1];
    }
}

function context()
{
    return {fsm: app.fsm, session: app.session, live: app.connection === "live"};
}

function route()
{
    const id = jobInHash();

    if (!app.session)
        return;
    showPage(id === null ? new ListPage(app.jobs) : new GroupPage(id, app.jobs, context, onDone));
}

window.addEventListener("hashchange", () => {
    route();
    window.scrollTo(0, 0);
    focusTitle();
});

// --- a tab nobody looks at ---

let hiding = null;

function rest()
{
    if (!app.jobs)
        return;
    app.resting = true;
    app.connection = "connecting";
    app.retryAt = 0;
    app.jobs.pause();
    app.page?.pause?.();
    showTitle();
}

document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) {
        hiding = setTimeout(rest, HIDDEN_MS);
    } else if (app.resting) {
        app.resting = false;
        app.jobs?.resume();
        app.page?.resume?.();
        showTitle();
    }
});

document.getElementById("skip").addEventListener("click", event => {
    event.preventDefault(); // the address is the router's
    main.focus();
});

setInterval(drawSoon, TICK_MS);

async function start()
{
    try {
        const session = await whoAmI();

        if (session)
            begin(session);
        else
            askForToken(false);
    } catch (error) {
        failToStart(error);
    }
}

start();
