// SPDX-License-Identifier: Apache-2.0
// Who is at the page: the form that asks for a token, and what the daemon makes of it.

import {h, icon, setText} from "./dom.js";
import {hasToken, Refusal, request, setToken} from "./net.js";

// {name, actions: "read" | "operate"}; null: a token is needed.
export async function whoAmI()
{
    try {
        return await request("GET", "/v1/whoami");
    } catch (error) {
        if (error instanceof Refusal && error.status === 401)
            return null;
        throw error;
    }
}

export class LoginPage {
    // done(session): logged in
    constructor(done, expired)
    {
        this.title = "Log in";
        this.done = done;
        this.token = h("input", {type: "password", id: "token", required: true, autocomplete: "off",
                                 spellcheck: "false", "aria-describedby": "token-help login-problem"});
        this.problem = h("p", {class: "problem", id: "login-problem", role: "alert"});
        this.go = h("button", {type: "submit", class: "button primary"}, "Log in");
        if (expired)
            this.show("The token is no longer accepted.");
        this.node = h("div", {class: "page narrow"}, h("h1", {tabindex: "-1"}, "Log in"),
                      h("form", {class: "card", onsubmit: event => this.submit(event)},
                        h("div", {class: "field"}, h("label", {for: "token"}, "Token"), this.token,
                          h("p", {class: "quiet", id: "token-help"},
                            "What is in one of the files that the daemon's configuration names under api.tokens (token_file), " +
                            "not its name. It is kept in this tab only.")),
                        this.problem, h("div", {class: "buttons"}, this.go)));
    }

    show(text)
    {
        this.problem.replaceChildren(icon("failed"), text);
    }

    async submit(event)
    {
        event.preventDefault();
        setText(this.problem, "");
        setToken(this.token.value.trim());
        try {
            const session = await whoAmI();

            if (session) {
                this.done(session);
                return;
            }
            this.show("The daemon does not know this token.");
        } catch (refusal) {
            this.show(refusal.message);
        }
        setToken(null);
        this.token.select();
    }

    update()
    {
    }

    close()
    {
    }
}

// Who is logged in, for the head of the page.
export function sessionNodes(session, logOut)
{
    return [
        h("span", {class: "who"}, session.actions === "operate" ? session.name : `${session.name}, may only look`),
        hasToken() ? h("button", {type: "button", class: "button small", onclick: logOut}, "Log out") : null,
    ];
}
