// SPDX-License-Identifier: Apache-2.0
// A start that fails says why and what next; markup is text wherever it comes from.
// The lab has: a group `payments` without a source, whose description is markup; DEAD, where nobody listens.

import {assert, confirm, CONSOLE, openDialog, openGroup, REFUSED_REQUEST, scenario, shoot, step, waitForPhase} from "./browser.mjs";

const {DEAD, DESCRIPTION} = process.env;

async function start(page, endpoint)
{
    const dialog = await openDialog(page, "Migrate data from endpoint");

    await dialog.getByLabel("Source endpoint").fill(endpoint);
    return dialog;
}

scenario("a failing start shows its reason and the next step, and can be retried", async page => {
    await openGroup(page, "payments");
    await confirm(await start(page, DEAD), "Start migration");
    await waitForPhase(page, "failed");

    const reason = await page.locator(".reason.failed").innerText();

    assert.match(reason, /Failed:/);
    assert.match(reason, /source-unreachable/);
    assert.ok(reason.includes(DEAD.split(":")[1]), reason);
    assert.match(await page.locator(".next").innerText(), /Check that the source runs/);
    await page.locator(".steps .current strong", {hasText: "failed"}).waitFor();
    await page.locator(".event-error .event-name", {hasText: "migration_failed"}).waitFor();
    await shoot(page, "failed");

    await confirm(await openDialog(page, "Retry"), "Retry");
    await page.getByText("of run 2").waitFor();
    await waitForPhase(page, "failed");
    assert.equal(await step("target_role"), "master");
});

scenario("what the daemon refuses is shown with its code, and the dialog stays", async page => {
    await openGroup(page, "payments");

    const dialog = await start(page, "nonsense");

    await dialog.getByRole("button", {name: "Start migration"}).click();
    await dialog.getByText("invalid-option").waitFor();
    assert.equal(await dialog.getByLabel("Source endpoint").inputValue(), "nonsense");
    await page.keyboard.press("Escape");
    await dialog.waitFor({state: "detached"});
}, {expected: [REFUSED_REQUEST]});

scenario("a failed test names the check that failed", async page => {
    await openGroup(page, "payments");

    const dialog = await openDialog(page, "Test");

    await dialog.getByLabel("Source endpoint").fill(DEAD);
    await confirm(dialog, "Run the checks");
    await page.getByText("Not passed", {exact: true}).waitFor();
    assert.match(await page.locator(".check-error").first().innerText(), /error[^]*source-unreachable/);
});

async function expectNoMarkup(page)
{
    assert.deepEqual(await page.evaluate(() => [window.broken ?? null, document.querySelectorAll("main img, main script, main b").length]),
                     [null, 0]);
}

scenario("markup is shown as text", async page => {
    const name = "<img src=x onerror=\"window.broken=1\">";

    await page.goto(`${CONSOLE}/#/`);
    await page.getByText(DESCRIPTION, {exact: true}).waitFor();
    await expectNoMarkup(page);
    await openGroup(page, "payments");
    await page.getByText(DESCRIPTION, {exact: true}).waitFor();
    await expectNoMarkup(page);
    await page.goto(`${CONSOLE}/#/jobs/${encodeURIComponent(name)}`);
    await page.getByText(`There is no group named '${name}'.`).waitFor();
    await expectNoMarkup(page);
});
