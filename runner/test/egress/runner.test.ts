import { createServer } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sealTo } from '@gatehouse/core/protocol/sealed-box.ts';
import { NO_NETWORK } from '@gatehouse/core/protocol/runner-policy.ts';
import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';
import { isolationMissing } from '../support/sandbox.ts';
import { makeGitServer } from '../support/git-server.ts';
import { mintFolder, mintOrder } from '../support/mint.ts';
import { listen } from '../support/outside-world.ts';
import { Platform } from '../support/platform.ts';
import { runProgram, startProgram } from '../support/program.ts';

const isolation = isolationMissing() === null;
const LIMITED = { egress: 'allow-list' };

async function enrolled() {
  const platform = await Platform.start(0);
  const state = join(mintFolder(), 'state');
  const args = ['--url', platform.url, '--code', platform.code, '--name', 'lab', '--state-dir', state];
  expect((await runProgram(['enroll', ...args])).code).toBe(0);
  const run = async (...more: string[]) => {
    const known = platform.connections.all.length;
    const program = startProgram(['run', '--state-dir', state, ...more]);
    await platform.connections.wait(() => platform.connections.all.length > known);
    return program;
  };
  return { platform, state, run };
}

const next = (order: WorkspaceOrder, change: Partial<WorkspaceOrder>): WorkspaceOrder => ({
  ...order,
  generation: order.generation + 1,
  ...change,
});

describe.runIf(isolation)('a runner', () => {
  it('starts a workspace whose network is its proxies, clones by them, and tells what was refused until it is stored', async () => {
    const { platform, run } = await enrolled();
    const server = makeGitServer(['acme/app'], 'a-secret-of-ada');
    const port = await listen(createServer((request, response) => server.serve(request, response)));
    const database = await listen(createTcp((socket) => socket.end('rows')));
    const repository = `http://127.0.0.1:${port}/acme/app`;
    const startupScript = `curl -sS http://evil.example/; cat < /dev/tcp/\${GATEHOUSE_TCP_DB/:/\\/}; echo; git -C app log --format=%s; cat < /dev/tcp/127.0.0.1/${database}`;
    const order = mintOrder({ spec: { driver: 'bubblewrap', repository, startupScript: `${startupScript}; true` } });
    platform.policies.set(order.workspaceId, LIMITED);
    const resources = [{ name: 'db', host: '127.0.0.1', port: database }];
    platform.networks.set(order.workspaceId, { ...NO_NETWORK, git: { fetch: [repository], push: [] }, resources });
    platform.storesReports = false;
    await run();
    const credentials = [{ host: `127.0.0.1:${port}`, username: 'dev', secret: 'a-secret-of-ada' }];
    const sealed = await sealTo(
      Buffer.from(platform.agreementKey, 'base64url'),
      { purpose: 'git-credentials', about: [platform.runnerId, order.workspaceId] },
      new TextEncoder().encode(JSON.stringify(credentials)),
    );
    platform.want({ ...order, gitCredentials: sealed });
    const phases = (message: unknown) => (message as { body?: { phase?: string } }).body?.phase ?? '';
    await platform.heard.wait((message) => message.kind === 'report' && ['running', 'failed'].includes(phases(message)));
    await platform.heard.wait((message) => message.kind === 'log' && message.text.includes('first of acme/app'));
    const log = platform.logs.get(`${order.workspaceId} 1`)?.toString() ?? '';
    expect(log).toContain('Blocked by your organisation’s egress policy: host evil.example');
    expect(log).toMatch(/\nrows\n[\s\S]*first of acme\/app[\s\S]*Connection refused/);
    expect(platform.happened.all).toEqual([]);
    platform.storesReports = true;
    platform.connections.all.at(-1)?.close();
    await platform.happened.wait(({ body }) => body.egress.what === 'refused');
    expect(platform.happened.all.map(({ body }) => body)).toMatchObject([
      { workspaceId: order.workspaceId, egress: { what: 'git-fetch', repository, asPerson: true, status: 200 } },
      { workspaceId: order.workspaceId, egress: { what: 'refused', host: 'evil.example', port: 80, count: 1 } },
    ]);
  }, 60_000);

  it('keeps credentials out of its state, and its sandboxes’ ways out over its own restart', async () => {
    const { platform, state, run } = await enrolled();
    const server = makeGitServer(['acme/app'], 'a-secret-of-ada');
    const port = await listen(createServer((request, response) => server.serve(request, response)));
    const repository = `http://127.0.0.1:${port}/acme/app`;
    const order = mintOrder({ spec: { driver: 'bubblewrap' } });
    platform.policies.set(order.workspaceId, LIMITED);
    platform.networks.set(order.workspaceId, { ...NO_NETWORK, git: { fetch: [repository], push: [] } });
    const first = await run();
    const sealed = await sealTo(
      Buffer.from(platform.agreementKey, 'base64url'),
      { purpose: 'git-credentials', about: [platform.runnerId, order.workspaceId] },
      new TextEncoder().encode(JSON.stringify([{ host: `127.0.0.1:${port}`, username: 'dev', secret: 'a-secret-of-ada' }])),
    );
    platform.want({ ...order, gitCredentials: sealed });
    await platform.reported(order, 'running');
    first.child.kill('SIGKILL');
    await first.ended;
    const links = platform.links.all.length;
    await run();
    await platform.links.wait(() => platform.links.all.length > links);
    // The new runner has the credential once the order has come again.
    await platform.heard.wait((message) => message.kind === 'load', platform.heard.all.length);
    const again = await platform.join(order.workspaceId);
    const terminal = again.open({ method: 'pty.open', cols: 120, rows: 30, key: 'after-the-restart' });
    terminal.write(`git clone -q ${repository} app; git -C app log --format='%s!'; curl -sS http://evil.example/\n`);
    await terminal.shows('first of acme/app!');
    await terminal.shows('Blocked by your organisation');
    for (const name of readdirSync(state, { recursive: true, encoding: 'utf8' })) {
      const path = join(state, name);
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) expect(readFileSync(path).includes('a-secret-of-ada'), name).toBe(false);
    }
  }, 60_000);

  it('ends a workspace that has the machine’s network once the policy limits it, and says that it starts again', async () => {
    const { platform, run } = await enrolled();
    const order = mintOrder({ spec: { driver: 'bubblewrap' } });
    await run();
    platform.want(order);
    await platform.reported(order, 'running');
    platform.policies.set(order.workspaceId, LIMITED);
    platform.networks.set(order.workspaceId, NO_NETWORK);
    platform.want({ ...order });
    const { error } = await platform.reported(order, 'failed');
    expect(error).toContain('egress');
    const again = next(order, {});
    platform.want(again);
    await platform.reported(again, 'running');
  }, 60_000);

  it('that can’t isolate does not say that it limits egress, and refuses a workspace whose policy does, naming the field', async () => {
    const { platform, run } = await enrolled();
    await run('--no-bubblewrap');
    const proof = await platform.heard.wait((message) => message.kind === 'proof');
    expect(proof).toMatchObject({ enforces: ['upload', 'download', 'clipboardOut', 'clipboardIn', 'recording'] });
    const order = mintOrder();
    platform.policies.set(order.workspaceId, LIMITED);
    platform.networks.set(order.workspaceId, NO_NETWORK);
    platform.want(order);
    expect((await platform.reported(order, 'failed')).error).toMatch(/can’t enforce what the policy sets: egress/);
  }, 60_000);
});
