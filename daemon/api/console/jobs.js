// SPDX-License-Identifier: Apache-2.0
// All jobs as the daemon tells of them, and what they looked like in the last minutes.

import {Stream} from "./net.js";

export const HISTORY_MS = 10 * 60 * 1000;
const SAMPLE_MS = 1000;
const RATE_OVER_MS = 5000; // servers are looked at about once a second; less would flicker
const SAMPLED_JOBS_MAX = 200;

export class Jobs {
    // onChange(before, job): job null: it is gone. onState: as a Stream's.
    constructor({onChange, onState, onReady, onRefused})
    {
        this.byId = new Map();
        this.samples = new Map();
        this.watched = null; // this one is sampled however many there are
        this.live = this.ready = false;
        this.onChange = onChange;
        this.onReady = onReady;
        this.callbacks = {
            onOpen: () => { this.told = new Set(); },
            onMessages: messages => messages.forEach(message => this.take(message)),
            onState: (state, retryAt) => {
                this.live = state === "live";
                onState(state, retryAt);
            },
            onRefused,
        };
        this.resume();
        this.sampler = setInterval(() => this.sampleAll(), SAMPLE_MS);
    }

    resume()
    {
        this.stream = new Stream(() => "/v1/jobs", this.callbacks);
    }

    // What is known stays; nothing new comes until resume().
    pause()
    {
        this.stream.close();
        this.live = false;
    }

    close()
    {
        this.pause();
        clearInterval(this.sampler);
    }

    get heardAt()
    {
        return this.stream.heardAt;
    }

    get(id)
    {
        return this.byId.get(id) ?? null;
    }

    sorted()
    {
        return [...this.byId.values()].sort((a, b) => a.id < b.id ? -1 : 1);
    }

    take({event, data})
    {
        if (event === "job")
            this.put(data);
        else if (event === "job_removed")
            this.remove(data.id);
        else if (event === "ready")
            this.allTold();
    }

    put(job)
    {
        const before = this.get(job.id);

        this.told?.add(job.id);
        this.byId.set(job.id, job);
        this.onChange(before, job);
    }

    remove(id)
    {
        const before = this.get(id);

        this.byId.delete(id);
        this.samples.delete(id);
        if (before)
            this.onChange(before, null);
    }

    // What was not told since the connection is up, is no more.
    allTold()
    {
        for (const id of this.byId.keys())
            if (!this.told.has(id))
                this.remove(id);
        this.ready = true;
        this.onReady();
    }

    sampleAll()
    {
        const all = this.byId.size <= SAMPLED_JOBS_MAX;

        if (!this.live)
            return; // a gap in the chart says so
        for (const job of this.byId.values())
            if (all || job.id === this.watched)
                this.sample(job);
    }

    sample(job)
    {
        const list = this.samples.get(job.id) ?? [];
        const now = Date.now();

        while (list.length > 0 && list[0].at < now - HISTORY_MS)
            list.shift();
        list.push({at: now, lag: job.lag?.bytes ?? null, offset: appliedOffset(job),
                   rate: throughput(job, list, now)});
        this.samples.set(job.id, list);
    }
}

function appliedOffset(job)
{
    return job.link?.up && job.phase !== "completed" ? job.target?.offset ?? null : null;
}

// Bytes per second that reach the target: of the full copy, or of the stream of writes.
function throughput(job, samples, now)
{
    const copying = job.progress?.bytes_per_second ?? null;
    const offset = appliedOffset(job);
    const then = samples.find(sample => sample.at >= now - RATE_OVER_MS && sample.offset !== null);

    if (job.phase === "syncing" && copying !== null)
        return copying;
    if (offset === null || !then || offset < then.offset || now <= then.at)
        return null;
    return (offset - then.offset) * 1000 / (now - then.at);
}
