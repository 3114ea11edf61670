// SPDX-License-Identifier: Apache-2.0
// From an endpoint to the switch-over, with the eyes on every step.
// The lab has: a group `sessions` that names no source, SOURCE to give it, a slow full copy.

import {assert, button, confirm, CONSOLE, openDialog, openGroup, scenario, shoot, step, until, waitForPhase} from "./browser.mjs";

const SOURCE = process.env.SOURCE;

async function testIt(page)
{
    const dialog = await openDialog(page, "Test");

    assert.match(await dialog.innerText(), /Nothing is changed on any node/);
    await dialog.getByLabel("Source endpoint").fill(SOURCE);
    await confirm(dialog, "Run the checks");
    await page.getByText("Passed", {exact: true}).waitFor();
    assert.ok(await page.locator(".checks li").count() >= 5);
    await page.getByText(/^\d+ passed$/).click();
    assert.match(await page.locator(".checks-passed").innerText(), /Source and target are two servers/);
    await waitForPhase(page, "idle");
}

async function startIt(page)
{
    const dialog = await openDialog(page, "Migrate data from endpoint");

    assert.match(await dialog.innerText(), /becomes a replica of this endpoint/);
    await dialog.getByLabel("Source endpoint").fill(SOURCE);
    await shoot(page, "start-dialog", {fullPage: false});
    await confirm(dialog, "Start migration");
}

async function watchItMove(page)
{
    const bar = ".progress-line progress";

    await waitForPhase(page, "syncing");
    const first = await until(page, selector => document.querySelector(selector)?.position > 0
        && document.querySelector(selector).value, bar);

    assert.ok(await until(page, ([selector, value]) => document.querySelector(selector).value > value, [bar, first]));
    await until(page, () => /\d[\d.]* [KM]iB\/s/.test(document.querySelector(".chart:nth-child(2) .chart-now").textContent));
    assert.equal(await button(page, "Complete").getAttribute("aria-disabled"), "true");
    await button(page, "Complete").hover();
    assert.match(await page.locator("#why-not").innerText(), /once the target is in sync.*phase syncing/);
    await shoot(page, "syncing");
}

async function watchTheList(page)
{
    await page.goto(`${CONSOLE}/#/`);
    await page.getByRole("heading", {level: 1, name: "Replication groups"}).waitFor();
    await page.getByRole("row", {name: /sessions.*Migrating/s}).waitFor();
    await shoot(page, "list");
    await page.getByRole("link", {name: "sessions"}).click();
}

async function completeIt(page)
{
    await waitForPhase(page, "replicating");
    await page.getByText("link up", {exact: true}).waitFor();
    await until(page, () => /\d+ B|KiB/.test(document.querySelector(".chart-now").textContent));
    assert.match(await page.locator(".next").innerText(), /ecmigratectl complete sessions.* On this page: Complete\.$/);
    await shoot(page, "replicating");

    const dialog = await openDialog(page, "Complete");

    await dialog.getByText("Promote the target").waitFor();
    await dialog.getByText("Nothing holds the switch-over back.").waitFor();
    assert.ok(await dialog.getByLabel("Switch over by force").isVisible());
    await shoot(page, "complete-dialog", {fullPage: false});
    await confirm(dialog, "Complete");
}

async function seeTheResult(page)
{
    await waitForPhase(page, "completed");
    assert.match(await page.locator(".gap").innerText(), /^[\d.]+ ms write gap$/);
    await page.getByText("Target, now the primary").waitFor();
    for (const phase of ["queued", "checking", "attaching", "syncing", "replicating", "switching", "completed"])
        await page.locator(".steps strong", {hasText: new RegExp(`^${phase}$`)}).waitFor();
    await page.locator(".event-name", {hasText: "cutover_completed"}).waitFor();
    await shoot(page, "completed");
}

scenario("a migration from an endpoint to its end", async page => {
    await openGroup(page, "sessions");
    await testIt(page);
    await startIt(page);
    await watchItMove(page);
    await watchTheList(page);
    await completeIt(page);
    await seeTheResult(page);
    assert.deepEqual(await step("expect_moved"), true);
});
