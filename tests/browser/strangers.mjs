// SPDX-License-Identifier: Apache-2.0
// Other sites in the operator's browser can neither act nor look nor frame.
// The lab has: a group `orders` that is idle.

import {createServer, request as httpRequest} from "node:http";

import {assert, CONSOLE, openGroup, scenario, step, waitForPhase} from "./browser.mjs";

const {port} = new URL(CONSOLE);

// Another origin, that serves one page.
async function evilSite(page, html)
{
    const server = createServer((_, response) => {
        response.setHeader("Content-Type", "text/html");
        response.end(html);
    });

    await new Promise(resolve => { server.listen(0, "127.0.0.1", resolve); });
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return server;
}

async function close(server)
{
    server.closeAllConnections();
    await new Promise(resolve => { server.close(resolve); });
}

// What the page gets when it asks: a status, "opaque", or the name of the error.
function ask(page, url, options)
{
    return page.evaluate(async ([where, how]) => {
        try {
            const response = await fetch(where, how);

            return response.type === "opaque" ? "opaque" : response.status;
        } catch (error) {
            return error.name;
        }
    }, [url, options]);
}

const expected = [/./]; // the evil page's own troubles are the point

scenario("a page of another origin cannot start, stop or read anything", async page => {
    const server = await evilSite(page, "<!doctype html><title>evil</title>");
    const start = `${CONSOLE}/v1/jobs/orders/start`;

    try {
        assert.equal(await ask(page, start, {method: "POST", mode: "no-cors", body: "{}"}), "opaque");
        assert.equal(await ask(page, start, {method: "POST", mode: "cors", body: "{}"}), "TypeError");
        assert.equal(await ask(page, start, {method: "POST", mode: "cors", body: "{}",
                                             headers: {"Content-Type": "application/json"}}), "TypeError");
        assert.equal(await ask(page, `${CONSOLE}/v1/jobs`, {mode: "cors"}), "TypeError");
        assert.deepEqual(await step("phase", "orders"), "idle");
    } finally {
        await close(server);
    }
}, {expected});

scenario("a form of another origin cannot post", async page => {
    const server = await evilSite(page, `<!doctype html><form method="post" enctype="text/plain"
        action="${CONSOLE}/v1/jobs/orders/start"><input name='{"x":"' value='"}'></form>`);

    try {
        const [response] = await Promise.all([
            page.waitForResponse(answer => answer.url().endsWith("/start")),
            page.evaluate(() => document.forms[0].submit()),
        ]);

        assert.equal(response.status(), 403);
        assert.match(await response.text(), /cross-origin/);
        assert.deepEqual(await step("phase", "orders"), "idle");
    } finally {
        await close(server);
    }
}, {expected});

scenario("no page can frame the console", async page => {
    const server = await evilSite(page, `<!doctype html><iframe src="${CONSOLE}/"></iframe>`);

    try {
        await page.waitForLoadState("load");
        const frame = page.frames().find(candidate => candidate !== page.mainFrame());

        assert.equal(await frame.locator("#main").count(), 0);
        assert.match(frame.url(), /^chrome-error:/);
    } finally {
        await close(server);
    }
}, {expected});

scenario("a name that was made to point here is not served", async page => {
    const response = await page.goto(`http://evil.example:${port}/v1/jobs`);

    assert.equal(response.status(), 421);
    assert.match(await response.text(), /wrong-host/);
}, {expected, args: ["--host-resolver-rules=MAP evil.example 127.0.0.1"]});

function headersOf(path)
{
    return new Promise((resolve, reject) => {
        httpRequest(`${CONSOLE}${path}`, response => {
            response.resume();
            resolve({status: response.statusCode, ...response.headers});
        }).on("error", reject).end();
    });
}

scenario("the page and its files say what a browser may do with them", async page => {
    for (const path of ["/", "/console/main.js", "/console/console.css", "/console/icon.svg"]) {
        const headers = await headersOf(path);

        assert.equal(headers.status, 200, path);
        assert.match(headers["content-security-policy"], /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/);
        assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*|http/);
        assert.equal(headers["x-frame-options"], "DENY");
        assert.equal(headers["x-content-type-options"], "nosniff");
        assert.equal(headers["referrer-policy"], "no-referrer");
        assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    }
    assert.equal((await headersOf("/console/nothing.js")).status, 404);
    assert.equal((await headersOf("/console/..%2fconsole.html")).status, 404);
    await openGroup(page, "orders");
    await waitForPhase(page, "idle");
    // The policy holds in the page that is shown: a script from a string does not run.
    assert.equal(await page.evaluate(() => {
        const script = document.createElement("script");

        script.textContent = "window.broken = 1";
        document.head.append(script);
        return window.broken ?? null;
    }), null);
}, {expected: [/Content Security Policy|^policy: script-src/]});
