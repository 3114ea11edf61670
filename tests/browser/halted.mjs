// SPDX-License-Identifier: Apache-2.0
// A switch-over that stopped half-way: the page says that a decision is needed, and what each way out does.
// The lab has: a group `orders` that is halted.

import {assert, button, openDialog, openGroup, scenario, shoot, waitForPhase} from "./browser.mjs";

scenario("a halted job asks for a decision, and promises nothing that does not happen", async page => {
    await openGroup(page, "orders");
    await waitForPhase(page, "halted");
    assert.match(await page.locator(".reason").innerText(), /^Needs your decision: /);
    assert.match(await page.locator(".next").innerText(), /On this page: Retry, Complete by force\.$/);
    await shoot(page, "halted");

    let dialog = await openDialog(page, "Stop data migration");

    assert.match(await dialog.innerText(), /Both nodes keep the roles they have now/);
    assert.doesNotMatch(await dialog.innerText(), /stops following/);
    await page.keyboard.press("Escape");
    await dialog.waitFor({state: "detached"});

    dialog = await openDialog(page, "Complete");
    assert.match(await dialog.innerText(), /goes on only by force/);
    assert.doesNotMatch(await dialog.innerText(), /by itself/);
    assert.ok(await dialog.getByRole("button", {name: "Complete", exact: true}).isDisabled());
    await dialog.getByLabel("Switch over by force").check();
    assert.ok(await dialog.getByRole("button", {name: "Complete by force"}).isEnabled());
    await page.keyboard.press("Escape");
    await dialog.waitFor({state: "detached"});
    assert.equal(await button(page, "Test").getAttribute("aria-disabled"), "true");
});
