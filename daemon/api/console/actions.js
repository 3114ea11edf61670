// SPDX-License-Identifier: Apache-2.0
// What can be done with a job: which verb, when, and the dialog that says what it will do.

import {h, icon, refresh, setText} from "./dom.js";
import {sentence, words} from "./format.js";
import {request} from "./net.js";

const ASK_AGAIN_MS = 1000;

/*
 * event:  of the state machine's table; the verb is possible where an edge leaves the phase on it
 * when:   why it is not possible elsewhere
 * wanted: whether this job wants what the verb undoes; none: it does not matter
 * says:   paragraphs of the dialog
 */
export const ACTIONS = [
    {
        verb: "start", event: "start", label: "Migrate data from endpoint", confirm: "Start migration",
        endpoint: true, when: "A migration is started while none is under way.",
        says: job => [
            "The checks run first. If one fails, nothing is changed on any node.",
            `Then the target ${name(job.target)} becomes a replica of this endpoint and receives a full copy. ` +
            "What the target holds now is replaced; a target that holds keys is refused, unless its job file allows it.",
            "The source keeps serving its clients. Nothing is switched over before you say Complete, " +
            "unless the job file says that it completes by itself.",
        ],
    },
    {
        verb: "check", event: "start", label: "Test", confirm: "Run the checks", endpoint: true,
        when: "The checks can be run wherever a migration can be started.",
        says: job => [
            `Connects to this endpoint and to the target ${name(job.target)}, looks at both, and runs every check.`,
            "Nothing is changed on any node, and no run begins.",
        ],
    },
    {
        verb: "complete", event: "complete", label: "Complete", confirm: "Complete", plan: true,
        when: "The switch-over is possible once the target is in sync.",
        says: job => job.phase === "halted" ? [
            "The switch-over stopped half-way, and goes on only by force. Look at both nodes first: if one of them only " +
            "has to come back, bring it back and retry instead.",
            `By force, the target ${name(job.target)} becomes the primary with what it has. Writes that only the source ` +
            `${name(job.source)} has are lost.`,
        ] : [
            `Makes the target ${name(job.target)} the primary. This is what will happen, in this order:`,
        ],
    },
    {
        verb: "cancel", event: "cancel", label: "Withdraw completion", confirm: "Withdraw",
        when: "There is no order to complete that could be withdrawn.",
        wanted: job => Boolean(job.cutover?.requested),
        says: job => [
            `The order to make the target ${name(job.target)} the primary is withdrawn. The target goes on following ` +
            "the source, and can be completed at any later time.",
        ],
    },
    {
        verb: "abort", event: "abort", label: "Stop data migration", confirm: "Stop data migration", grave: true,
        when: "There is nothing that could be stopped.",
        says: job => job.phase === "halted" ? [
            "The migration is given up. Both nodes keep the roles they have now; settings that were changed on them are " +
            "restored.",
            "Then see to it that just one of them takes writes, and that all clients use that one.",
        ] : job.state === "pending" ? [
            "The run ends before it has begun to copy. Nothing has been changed on any node.",
        ] : [
            `The target ${name(job.target)} stops following the source and is a primary again, ` +
            "settings that were changed on the nodes are restored.",
            `The source ${name(job.source)} goes on serving its clients; nothing changes for them.`,
            "What has been copied so far stays on the target and is no longer kept up to date. Before it can be " +
            "migrated to again, empty it, or allow the flush in its job file.",
        ],
    },
    {
        verb: "retry", event: "retry", label: "Retry", confirm: "Retry",
        when: "Only a failed or halted migration can be retried.",
        says: job => job.phase === "halted" ? [
            "If the switch-over had begun, both nodes are looked at again, and it goes on from what they show.",
            "Otherwise a new run begins, with all its checks; if one fails, nothing is changed on any node.",
        ] : [
            `A new run begins: the checks, then a full copy from ${name(job.source)} to ${name(job.target)}.`,
            "If a check fails, nothing is changed on any node. What an earlier run has copied is still on the target: " +
            "a target that holds keys is refused, unless its job file allows to flush it.",
        ],
    },
];

function name(node)
{
    return node ? `'${node.endpoint}'` : "(not named)";
}

// null: it is possible. context: {fsm, session, live}
export function whyNot(action, job, {fsm, session, live})
{
    if (!live || !fsm)
        return "The connection to the daemon is lost.";
    if (session.actions !== "operate")
        return `You may only look: ${session.name} has no right to operate.`;
    if (action.verb === "check" && job.checks?.running)
        return "The checks are running.";
    if (action.wanted && !action.wanted(job))
        return action.when;
    if (fsm.transitions.some(edge => edge.from === job.phase && edge.event === action.event))
        return null;
    return `${action.when} This job is in phase ${words(job.phase)}.`;
}

// The buttons that do what the client's commands in a text do.
export function buttonsFor(text, id)
{
    const found = [...text.matchAll(new RegExp(`ecmigratectl ([a-z]+) ${id}(?![a-z0-9-])( --force)?`, "g"))];
    const names = found.map(([, verb, force]) => {
        const action = ACTIONS.find(row => row.verb === verb);

        return action ? `${action.label}${force ? " by force" : ""}` : null;
    });

    return [...new Set(names)].filter(name => name !== null);
}

// A halted job is completed by force only; the steps of a usual switch-over say nothing about it.
function hasPlan(action, job)
{
    return Boolean(action.plan) && job.phase !== "halted";
}

// --- dialogs ---

function showRefusal(node, refusal)
{
    node.replaceChildren(
        h("p", {class: "refusal-head"}, icon("failed"),
          h("span", {}, h("strong", {}, sentence(refusal.message)), " ", h("code", {}, refusal.code ?? ""))),
        refusal.hint ? h("p", {}, sentence(refusal.hint)) : "");
}

function endpointField(job)
{
    const input = h("input", {
        id: "endpoint", name: "endpoint", required: true, autofocus: true, spellcheck: "false",
        autocomplete: "off", autocapitalize: "off", inputmode: "url", maxlength: "300",
        placeholder: "host:port", value: job.source?.endpoint ?? "",
        "aria-describedby": "endpoint-help",
    });
    const help = job.source ? "host:port. This is the one the job names; another one is used for this run only."
                            : "host:port, of a primary or a replica. The job file names none.";

    return {
        input,
        node: h("div", {class: "field"}, h("label", {for: "endpoint"}, "Source endpoint"), input,
                h("p", {class: "quiet", id: "endpoint-help"}, help)),
    };
}

function forceField(onchange)
{
    const box = h("input", {type: "checkbox", id: "force", onchange, "aria-describedby": "force-help"});

    return {
        box,
        node: h("fieldset", {class: "danger"}, h("legend", {}, icon("warn"), "Danger"),
                h("label", {class: "check", for: "force"}, box, "Switch over by force"),
                h("p", {id: "force-help"},
                  "Goes on whatever holds it back, also when the source does not answer or the target " +
                  "lacks its last writes. Acknowledged writes may be lost. Only when the source is gone " +
                  "for good, or when you have made sure that the copy is right.")),
    };
}

function blockerNode(blocker)
{
    return h("li", {}, h("strong", {}, sentence(blocker.message)), " ", h("code", {}, blocker.code),
             h("br"), sentence(blocker.next_step));
}

function planNodes(plan)
{
    return [
        h("ol", {class: "plan"}, plan.steps.map(step => h("li", {}, step))),
        plan.ready ? h("p", {class: "ready"}, icon("yes"), "Nothing holds the switch-over back.")
                   : h("div", {class: "blockers"},
                       h("p", {}, icon("warn"), h("strong", {}, "Held back for now, by:")),
                       h("ul", {}, plan.blockers.map(blockerNode)),
                       h("p", {}, "It is carried out by itself as soon as nothing holds it back.")),
    ];
}

function optionsOf(action, job, parts)
{
    const options = {};

    // The job's own endpoint need not be named again.
    if (action.endpoint && parts.endpoint.input.value.trim() !== job.source?.endpoint)
        options.source = parts.endpoint.input.value.trim();
    if (action.plan && parts.force.box.checked)
        options.force = true;
    return options;
}

class Dialog {
    constructor(action, job, done)
    {
        this.action = action;
        this.job = job;
        this.done = done;
        this.problem = h("div", {class: "refusal", role: "alert"});
        this.plan = h("div", {}, hasPlan(action, job) ? h("p", {class: "quiet", role: "status"}, "Asking the daemon …") : "");
        this.go = h("button", {type: "submit", class: action.grave ? "button grave" : "button primary"}, action.confirm);
        this.cancel = h("button", {type: "button", class: "button", autofocus: !action.endpoint,
                                   onclick: () => this.node.close()}, "Cancel");
        this.parts = {
            endpoint: action.endpoint ? endpointField(job) : null,
            force: action.plan ? forceField(() => this.adapt()) : null,
        };
        this.node = this.build();
    }

    build()
    {
        const {action, job, parts} = this;
        const form = h("form", {method: "dialog", onsubmit: event => this.submit(event)},
                       h("h2", {id: "dialog-title"}, action.label, h("span", {class: "dialog-job"}, job.id)),
                       parts.endpoint?.node,
                       action.says(job).map(text => h("p", {}, text)),
                       this.plan, parts.force?.node, this.problem,
                       h("div", {class: "buttons"}, this.cancel, this.go));
        const node = h("dialog", {"aria-labelledby": "dialog-title", onclose: () => node.remove()}, form);

        return node;
    }

    open()
    {
        document.body.append(this.node);
        this.node.showModal();
        this.adapt();
        if (hasPlan(this.action, this.job))
            this.ask();
    }

    // By force, the button says so; a halted job goes on in no other way.
    adapt()
    {
        const force = this.parts.force?.box.checked ?? false;

        if (!this.action.plan)
            return;
        this.go.className = force ? "button grave" : "button primary";
        setText(this.go, force ? "Complete by force" : "Complete");
        this.go.disabled = this.job.phase === "halted" && !force;
    }

    async ask()
    {
        try {
            const plan = await request("POST", this.verbPath(), {dry_run: true});

            refresh(this.plan, plan, () => planNodes(plan));
        } catch (refusal) {
            this.plan.replaceChildren();
            showRefusal(this.problem, refusal);
            return;
        }
        // What holds it back comes and goes while somebody reads.
        if (this.node.isConnected)
            setTimeout(() => this.node.isConnected && this.ask(), ASK_AGAIN_MS);
    }

    verbPath()
    {
        return `/v1/jobs/${encodeURIComponent(this.job.id)}/${this.action.verb}`;
    }

    async submit(event)
    {
        event.preventDefault();
        this.problem.replaceChildren();
        this.go.disabled = true;
        this.go.setAttribute("aria-busy", "true");
        try {
            this.done(await request("POST", this.verbPath(), optionsOf(this.action, this.job, this.parts)),
                      this.action);
            this.node.close();
        } catch (refusal) {
            showRefusal(this.problem, refusal);
        }
        this.go.removeAttribute("aria-busy");
        this.go.disabled = false;
        this.adapt();
    }
}

// --- the bar of buttons ---

// What the phase calls for stands out.
function isMain(action, job)
{
    const verbs = {pending: "start", migrating: "complete", failed: "retry"};

    return verbs[job.state] === action.verb;
}

// context(): what whyNot() wants. done(job, action): the daemon has accepted it.
export function makeActionBar(context, done)
{
    const why = h("p", {class: "why quiet", id: "why-not", role: "status"});
    const buttons = new Map();
    let job = null;

    function explain(action)
    {
        setText(why, whyNot(action, job, context()) ?? "");
    }

    function press(action)
    {
        if (whyNot(action, job, context()) === null)
            new Dialog(action, job, done).open();
        else
            explain(action);
    }

    for (const action of ACTIONS)
        buttons.set(action, h("button", {
            type: "button", class: "button", "aria-describedby": "why-not", onclick: () => press(action),
            onfocus: () => explain(action), onmouseenter: () => explain(action),
            onmouseleave: () => setText(why, ""), onblur: () => setText(why, ""),
        }, action.label));

    // A button that cannot be used can still be reached: it says why.
    function update(newest)
    {
        job = newest;
        for (const [action, button] of buttons) {
            const reason = whyNot(action, job, context());

            button.setAttribute("aria-disabled", reason !== null);
            button.title = reason ?? "";
            button.classList.toggle("primary", reason === null && isMain(action, job));
            button.classList.toggle("grave-outline", reason === null && Boolean(action.grave));
        }
    }

    return {node: h("div", {class: "actions", role: "group", "aria-label": "Actions"}, ...buttons.values(), why), update};
}
