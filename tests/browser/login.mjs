// SPDX-License-Identifier: Apache-2.0
// The daemon asks for tokens.
// The lab has: a group `orders`; READ_TOKEN of `watcher`, OPERATE_TOKEN of `ops`; and can end both.

import {assert, button, CONSOLE, confirm, openDialog, REFUSED_REQUEST, scenario, shoot, step, waitForPhase} from "./browser.mjs";

const {READ_TOKEN, OPERATE_TOKEN} = process.env;
const expected = [REFUSED_REQUEST];

async function logIn(page, token)
{
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", {name: "Log in"}).click();
}

scenario("without a token nothing is shown, with a wrong one neither", async page => {
    await page.goto(`${CONSOLE}/#/jobs/orders`);
    await page.getByRole("heading", {name: "Log in"}).waitFor();
    await shoot(page, "login");
    await logIn(page, "wrong");
    await page.getByText("The daemon does not know this token.").waitFor();
    assert.equal(await page.getByText("orders").count(), 0);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
}, {expected});

scenario("who may only read sees everything and can do nothing", async page => {
    await page.goto(`${CONSOLE}/#/jobs/orders`);
    await logIn(page, READ_TOKEN);
    await waitForPhase(page, "idle");
    await page.getByText("watcher, may only look").waitFor();
    for (const name of ["Migrate data from endpoint", "Test", "Complete", "Stop data migration", "Retry"]) {
        assert.equal(await button(page, name).getAttribute("aria-disabled"), "true", name);
        await button(page, name).click({force: true}); // it looks disabled, and is not
        assert.match(await page.locator("#why-not").innerText(), /may only look/);
    }
    assert.equal(await page.getByRole("dialog").count(), 0);

    await page.getByRole("button", {name: "Log out"}).click();
    await page.getByRole("heading", {name: "Log in"}).waitFor();
    await page.reload();
    await page.getByRole("heading", {name: "Log in"}).waitFor();
}, {expected});

scenario("who may operate can, also after a reload; a token that ends is asked for again", async page => {
    await page.goto(`${CONSOLE}/#/jobs/orders`);
    await logIn(page, OPERATE_TOKEN);
    await waitForPhase(page, "idle");
    await page.reload();
    await waitForPhase(page, "idle");
    await confirm(await openDialog(page, "Test"), "Run the checks");
    await page.getByText("Passed", {exact: true}).waitFor();
    // Nothing that could be read over a shoulder or found in the history.
    assert.ok(!page.url().includes(OPERATE_TOKEN) && !(await page.content()).includes(OPERATE_TOKEN));

    await page.evaluate(() => sessionStorage.setItem("ecmigrate-token", "ended"));
    await page.reload();
    await page.getByRole("heading", {name: "Log in"}).waitFor();
}, {expected});

scenario("a token that ends while a dialog is open", async page => {
    await page.goto(`${CONSOLE}/#/jobs/orders`);
    await logIn(page, OPERATE_TOKEN);
    await waitForPhase(page, "idle");
    await openDialog(page, "Test");
    await step("end_tokens");
    await page.getByText("The token is no longer accepted.").waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), "token");
}, {expected});
