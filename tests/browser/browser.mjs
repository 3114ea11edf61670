// SPDX-License-Identifier: Apache-2.0
// Chromium, the console in it, and what every scenario asks of both.

import assert from "node:assert/strict";
import {mkdirSync} from "node:fs";
import {createRequire} from "node:module";
import test from "node:test";

const {chromium} = createRequire(`${process.env.BROWSER_MODULES}/`)("playwright-core");

export const CONSOLE = process.env.CONSOLE_URL;
export const FACTOR = Number(process.env.ECMIGRATE_TIME_FACTOR ?? 1);
const ARTEFACTS = process.env.ARTEFACTS;
const SIZES = [[1280, 900], [390, 844]];
const SCHEMES = ["light", "dark"];

// Chromium writes such a line for every request that is refused, whatever the page makes of it.
export const REFUSED_REQUEST = /^Failed to load resource/;

// Does something in the lab, on the other side of the browser; returns what it answers.
export async function step(name, argument = null)
{
    const response = await fetch(`${process.env.STEPS_URL}/${name}`, {method: "POST", body: JSON.stringify(argument)});

    assert.equal(response.status, 200, `step ${name}: ${await response.clone().text()}`);
    return response.json();
}

// Whatever the page complains of: script errors, console messages, violations of its policy.
function watch(page, complaints)
{
    page.on("pageerror", error => complaints.push(`script: ${error.stack}`));
    page.on("console", message => complaints.push(`${message.text()}`));
    page.on("dialog", dialog => complaints.push(`dialog: ${dialog.message()}`));
    return page.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", event => {
            console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
        });
    });
}

/*
 * scenario("what is shown", async page => …, {expected: [/…/], args: […]})
 * expected: complaints that belong to it. Any other one, and it has failed.
 */
export function scenario(name, run, {expected = [], args = [], ...context} = {})
{
    test(name, {timeout: 120000 * FACTOR}, async () => {
        const browser = await chromium.launch({executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...args]});
        const complaints = [];

        try {
            const page = await (await browser.newContext({viewport: {width: 1280, height: 900}, ...context})).newPage();

            page.setDefaultTimeout(20000 * FACTOR);
            await watch(page, complaints);
            try {
                await run(page, browser);
            } catch (error) {
                await page.screenshot({path: picture(`broken-${name.replaceAll(/\W+/g, "-")}`), fullPage: true}).catch(() => {});
                throw error;
            }
        } finally {
            await browser.close();
        }
        assert.deepEqual(complaints.filter(text => !expected.some(pattern => pattern.test(text))), []);
    });
}

function picture(name)
{
    mkdirSync(ARTEFACTS, {recursive: true});
    return `${ARTEFACTS}/${name}.png`;
}

// The page as it is now: on a desk and on a phone, by day and by night.
export async function shoot(page, name, {fullPage = true} = {})
{
    for (const [width, height] of SIZES)
        for (const colorScheme of SCHEMES) {
            await page.setViewportSize({width, height});
            await page.emulateMedia({colorScheme, reducedMotion: "reduce"});
            await expectNoSidewaysScroll(page, `${name} at ${width}`);
            await page.screenshot({path: picture(`${name}-${width}-${colorScheme}`), fullPage});
        }
    await page.setViewportSize({width: SIZES[0][0], height: SIZES[0][1]});
    await page.emulateMedia({colorScheme: "light"});
}

async function expectNoSidewaysScroll(page, what)
{
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);

    assert.ok(content <= window, `${what}: the page is ${content} pixels wide`);
}

// --- the console's own words ---

export async function openGroup(page, id)
{
    await page.goto(`${CONSOLE}/#/jobs/${id}`);
    await page.getByRole("heading", {level: 1, name: id}).waitFor();
}

export function waitForPhase(page, phase)
{
    return page.locator(".phase", {hasText: new RegExp(`^${phase}$`)}).waitFor();
}

export function button(page, name)
{
    return page.getByRole("group", {name: "Actions"}).getByRole("button", {name, exact: true});
}

// Presses an action that is possible, and returns its dialog.
export async function openDialog(page, name)
{
    const dialog = page.getByRole("dialog");

    await page.locator(`.actions .button[aria-disabled="false"]`, {hasText: name}).click();
    await dialog.waitFor();
    return dialog;
}

export async function confirm(dialog, name)
{
    await dialog.getByRole("button", {name, exact: true}).click();
    await dialog.waitFor({state: "detached"});
}

// Until fn() gives something true; the page is asked, not the clock.
export async function until(page, fn, argument)
{
    return (await page.waitForFunction(fn, argument)).jsonValue();
}

export {assert};
