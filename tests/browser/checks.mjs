// SPDX-License-Identifier: Apache-2.0
// What the checks found: severity in words, values, why, and lines that can be copied as they are.
// The lab has: a group `orders` whose source does not let the daemon's user do all it has to, with an error that is
// waived; LINE, what puts it right. paste runs it.

import {assert, openDialog, openGroup, scenario, shoot, step, waitForPhase} from "./browser.mjs";

const {LINE, SOURCE} = process.env;

function finding(page, id)
{
    return page.locator(".checks > li").filter({has: page.locator("code", {hasText: new RegExp(`^${id}$`)})});
}

async function runChecks(page)
{
    const dialog = await openDialog(page, "Test");

    await dialog.getByLabel("Source endpoint").fill(SOURCE);
    await dialog.getByRole("button", {name: "Run the checks"}).click();
    await dialog.waitFor({state: "detached"});
}

scenario("each finding says what it is, what was seen, why it matters and what to paste", async page => {
    await openGroup(page, "orders");
    await runChecks(page);
    await page.getByText("Not passed", {exact: true}).waitFor();
    assert.match(await page.locator(".checks-head").innerText(), /1 error, 1 waived error, .*notice.*, \d+ passed/);

    const rights = finding(page, "source-rights");
    const text = await rights.innerText();

    assert.match(text, /^error/);
    assert.match(text, /may not: \+replicaof/);
    assert.match(text, /Source\s+'ecmigrate' without \+replicaof/);
    assert.match(text, /The source lets the daemon in, but not do all/);
    assert.match(await finding(page, "min-replicas").innerText(), /^waived/);
    assert.match(await finding(page, "persistence-off").innerText(), /^warning/);
    assert.match(await finding(page, "not-replicated").innerText(), /^notice/);
    assert.equal(await page.getByText("as a user who may do that at the node").count(), 1);
    // The worst first.
    assert.deepEqual((await page.locator(".checks").first().locator(".check-kind").allInnerTexts()).slice(0, 3),
                     ["error", "waived", "warning"]);
    await page.getByText(/^\d+ passed$/).click();
    assert.match(await finding(page, "rdb-version").innerText(), /^passed:[^]*Source\s+redis/);
    await shoot(page, "checks");
});

scenario("a click marks the whole line, and the keyboard gets to it", async page => {
    await openGroup(page, "orders");

    const region = page.getByRole("region", {name: "Lines to paste for source-rights"});

    await region.getByText("redis-cli").click();
    assert.equal(await page.evaluate(() => getSelection().toString()), LINE);
    await region.focus();
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Lines to paste for source-rights");
});

scenario("what is copied works", async page => {
    await openGroup(page, "orders");

    const region = page.getByRole("region", {name: "Lines to paste for source-rights"});

    await region.waitFor();

    const lines = await region.locator("code").allInnerTexts();

    assert.deepEqual(lines, [LINE]);
    await step("paste", lines[0]);
    await runChecks(page);
    await page.getByText("Passed", {exact: true}).waitFor();
    assert.equal(await page.locator(".check-error").count(), 0);
});

scenario("a job that a check has failed shows the lines, too", async page => {
    await step("forbid");
    await openGroup(page, "orders");
    await step("start");
    await waitForPhase(page, "failed");
    await page.getByRole("region", {name: "Lines to paste for source-rights"}).waitFor();
});
