// SPDX-License-Identifier: Apache-2.0
// The daemon goes away and comes back; the page never pretends.
// The lab has: a group `orders`, and can stop and start the daemon.

import {assert, button, openGroup, REFUSED_REQUEST, scenario, shoot, step, until, waitForPhase} from "./browser.mjs";

scenario("a lost connection is said, and mended by itself", async page => {
    await openGroup(page, "orders");
    await waitForPhase(page, "idle");
    await page.getByText("Live", {exact: true}).waitFor();

    await step("stop_daemon");
    await page.getByText("The connection to the daemon is lost.", {exact: false}).first().waitFor();
    await page.getByText("Not connected").waitFor();
    await until(page, () => /What is shown is [1-9]\d* s old/.test(document.getElementById("banner").textContent));
    assert.equal(await button(page, "Migrate data from endpoint").getAttribute("aria-disabled"), "true");
    await shoot(page, "lost");

    await step("start_daemon");
    await page.getByText("Live", {exact: true}).waitFor();
    await page.locator("#banner").getByText("lost").waitFor({state: "detached"});
    await until(page, () => [...document.querySelectorAll(".actions .button")][0].getAttribute("aria-disabled") === "false");

    await step("remove_job");
    await page.getByText("There is no group named 'orders'.").waitFor();
}, {expected: [REFUSED_REQUEST]});

scenario("a tab nobody looks at gives its connections back, and comes back", async page => {
    // A browser without a window has no hidden tabs: the page is told that it is one.
    const hide = hidden => page.evaluate(value => {
        Object.defineProperty(document, "hidden", {value, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);

    await openGroup(page, "spare");
    await waitForPhase(page, "idle");
    await until(page, () => document.title.startsWith("spare: idle"));
    await hide(true);
    await until(page, () => document.title.startsWith("spare ·"));
    assert.deepEqual(await step("streams"), 0);
    await hide(false);
    await page.getByText("Live", {exact: true}).waitFor();
    await until(page, () => document.title.startsWith("spare: idle"));
});

scenario("a daemon that hangs is noticed", async page => {
    await openGroup(page, "spare");
    await waitForPhase(page, "idle");
    await step("freeze_daemon");
    try {
        await until(page, () => /heard 1\d s ago/.test(document.getElementById("connection").textContent));
        await page.getByText("The connection to the daemon is lost.", {exact: false}).first().waitFor({timeout: 60000});
    } finally {
        await step("thaw_daemon");
    }
    await page.getByText("Live", {exact: true}).waitFor();
}, {expected: [REFUSED_REQUEST]});
