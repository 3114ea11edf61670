// SPDX-License-Identifier: Apache-2.0
// A full copy that is stopped half-way, and begun anew.
// The lab has: a group `orders` with a source and a slow full copy, that starts by hand.

import {assert, confirm, openDialog, openGroup, scenario, shoot, step, waitForPhase} from "./browser.mjs";

scenario("stop data migration, then retry", async page => {
    await openGroup(page, "orders");
    await confirm(await openDialog(page, "Migrate data from endpoint"), "Start migration");
    await waitForPhase(page, "syncing");

    const dialog = await openDialog(page, "Stop data migration");

    await shoot(page, "stop-dialog", {fullPage: false});
    assert.match(await dialog.innerText(), /goes on serving its clients/);
    await dialog.getByRole("button", {name: "Cancel"}).click();
    await dialog.waitFor({state: "detached"});
    await waitForPhase(page, "syncing");

    await confirm(await openDialog(page, "Stop data migration"), "Stop data migration");
    await waitForPhase(page, "failed");
    assert.match(await page.locator(".reason.failed").innerText(), /aborted/);
    assert.equal(await step("target_role"), "master");

    // What came over is still there, so the target has to be emptied first.
    await step("flush_target");
    await confirm(await openDialog(page, "Retry"), "Retry");
    await page.getByText("of run 2").waitFor();
    await waitForPhase(page, "syncing");
    await confirm(await openDialog(page, "Stop data migration"), "Stop data migration");
    await waitForPhase(page, "failed");
});
