// SPDX-License-Identifier: Apache-2.0
// Drives the daemon with @aws-sdk/client-elasticache. The one argument is the client's configuration as JSON; each
// line of standard input is a call {"command", "input"}, or {"paginate", "input", "pageSize"}, each line of
// standard output its result {"output"} or {"error"}.
'use strict';
const readline = require('node:readline');
const sdk = require('@aws-sdk/client-elasticache');

const client = new sdk.ElastiCacheClient(JSON.parse(process.argv[2]));

function describe(error) {
    const typed = sdk[error.name];
    return {
        name: error.name,
        typed: typeof typed === 'function' && error instanceof typed,
        service: error instanceof sdk.ElastiCacheServiceException,
        message: error.message,
        fault: error.$fault,
        status: error.$metadata?.httpStatusCode,
        requestId: error.$metadata?.requestId,
        attempts: error.$metadata?.attempts,
    };
}

async function call({command, input, paginate, pageSize}) {
    if (!paginate)
        return client.send(new sdk[command](input));
    const pages = [];
    for await (const page of sdk[paginate]({client, pageSize}, input))
        pages.push(page);
    return pages;
}

(async () => {
    for await (const line of readline.createInterface({input: process.stdin})) {
        const result = await call(JSON.parse(line)).then((output) => ({output}),
            (error) => ({error: describe(error)}));
        process.stdout.write(JSON.stringify(result) + '\n');
    }
})();
