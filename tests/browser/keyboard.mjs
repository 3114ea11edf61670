// SPDX-License-Identifier: Apache-2.0
// Everything without a mouse; and what a screen reader is told.
// The lab has: a group `orders` with a source, that starts by hand; some groups after it.

import {assert, CONSOLE, scenario, until, waitForPhase} from "./browser.mjs";

// Presses Tab until what has the focus is called so.
async function tabTo(page, name)
{
    for (let i = 0; i < 40; i++) {
        await page.keyboard.press("Tab");
        const text = await page.evaluate(() => document.activeElement.innerText ?? "");

        if (text.trim() === name)
            return;
    }
    assert.fail(`'${name}' is not reached by Tab`);
}

function focused(page)
{
    return page.evaluate(() => [document.activeElement.tagName, document.activeElement.id || document.activeElement.innerText]);
}

scenario("from the list to a started migration by keyboard alone", async page => {
    await page.goto(`${CONSOLE}/#/`);
    await page.getByRole("link", {name: "orders", exact: true}).waitFor();
    await tabTo(page, "orders");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    await page.keyboard.press("Enter");
    await waitForPhase(page, "idle");
    assert.deepEqual(await focused(page), ["H1", "orders"]);

    // An action that is not possible is reached all the same, and says why.
    await tabTo(page, "Complete");
    assert.match(await page.locator("#why-not").innerText(), /phase idle/);
    await page.keyboard.press("Enter");
    assert.equal(await page.getByRole("dialog").count(), 0);

    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", {name: /Migrate data from endpoint/}).waitFor();
    assert.deepEqual(await focused(page), ["INPUT", "endpoint"]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({state: "detached"});
    assert.deepEqual(await focused(page), ["BUTTON", "Migrate data from endpoint"]);

    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Enter"); // in the field: the form is sent
    await waitForPhase(page, "replicating");
    await until(page, () => /orders: migrating, replicating/.test(document.getElementById("announcer").textContent));
});

scenario("landmarks, names and the skip link", async page => {
    await page.goto(`${CONSOLE}/#/`);
    await page.getByRole("link", {name: "orders", exact: true}).waitFor();
    for (const role of ["banner", "main"])
        assert.equal(await page.getByRole(role).count(), 1, role);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.deepEqual((await focused(page))[1], "main");
    await page.setViewportSize({width: 390, height: 844}); // the rows are cards, and still rows
    assert.ok(await page.getByRole("row").count() > 2);
    assert.ok(await page.getByRole("cell", {name: "Pending"}).count() > 0);
});

scenario("a long list is filtered", async page => {
    await page.goto(`${CONSOLE}/#/`);
    await page.getByRole("link", {name: "spare-9", exact: true}).waitFor();
    await page.getByLabel("Filter").fill("spare-1");
    await page.getByRole("link", {name: "orders", exact: true}).waitFor({state: "detached"});
    await page.getByRole("link", {name: "spare-1", exact: true}).waitFor();
    await page.getByRole("button", {name: /Failed/}).click();
    await page.getByText("No group matches.").waitFor();
});
