import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkFolder, checkHandles, checkKernel, checkLimits, checkNode, checkTools, readHandles } from '../src/doctor/machine.ts';
import { checkEgress, checkProxy, checkWebSocket } from '../src/doctor/network.ts';
import { checkPlatform } from '../src/doctor/platform.ts';
import { makeLab } from './support/lab.ts';
import { mintFolder } from './support/mint.ts';
import { runProgram } from './support/program.ts';
import { isolationMissing } from './support/sandbox.ts';

const NOON = Date.parse('2026-11-27T12:00:00Z');

/** A platform that answers so. @returns its address */
async function platform(status: number, headers: Record<string, string> = {}, answer: object = {}): Promise<string> {
  const server = createServer((_request, response) => {
    response.sendDate = false;
    response.writeHead(status, { date: new Date(NOON).toUTCString(), 'content-type': 'application/problem+json', ...headers });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the doctor', () => {
  it('says what is wrong with the machine, and what to do', () => {
    expect(checkNode('22.9.0')).toMatchObject({ state: 'failure', remedy: expect.stringContaining('22.17') as unknown });
    expect(checkNode('24.1.0')).toMatchObject({ state: 'ok', remedy: null });
    expect(checkKernel('darwin', '24.0.0')).toMatchObject({ state: 'failure' });
    expect(checkKernel('linux', '4.18.0-553.el8')).toMatchObject({ state: 'warning' });
    expect(checkKernel('linux', '6.1.0-18-amd64')).toMatchObject({ state: 'ok' });
    expect(checkTools((name) => name !== 'git')).toMatchObject({
      state: 'warning',
      found: 'Missing: git (cloning repositories)',
      remedy: 'Install git.',
    });
    expect(checkTools((name) => name !== 'setpriv')).toMatchObject({ state: 'failure', remedy: 'Install util-linux.' });
    expect(checkLimits({ version: null, controls: [], warnings: ['No cgroups for memory'] })).toMatchObject({
      state: 'warning',
      remedy: expect.stringContaining('Delegate=yes') as unknown,
    });
    expect(checkLimits({ version: 'v2', controls: ['memory', 'pids', 'cpu'], warnings: [] }).found).toBe(
      'cgroup v2 bounds memory, pids, cpu; disk is measured',
    );
  });

  it('says what many workspaces would run out of', () => {
    expect(checkHandles({ files: 65_536, instances: 1024, watches: 524_288 })).toMatchObject({ state: 'ok' });
    expect(checkHandles({ files: null, instances: null, watches: null })).toMatchObject({ state: 'ok' });
    expect(checkHandles({ files: 1024, instances: 128, watches: 524_288 })).toMatchObject({
      state: 'warning',
      found: 'Few for many workspaces: 1024 open files, 128 inotify instances',
      remedy: expect.stringContaining('fs.inotify.max_user_instances=1024') as unknown,
    });
    const { files, instances, watches } = readHandles();
    expect([files, instances, watches].every((count) => count !== null && count > 0)).toBe(true);
  });

  it('says whether egress can be limited here', () => {
    expect(checkEgress(true, () => null)).toMatchObject({ state: 'ok' });
    expect(checkEgress(true, () => 'no namespaces')).toMatchObject({ state: 'failure', found: 'no namespaces' });
    expect(checkEgress(false, () => null)).toMatchObject({ state: 'failure' });
  });

  it('tells WebSockets that pass from those that are lost on the way, and keeps no place of a runner that runs', async () => {
    const lab = await makeLab();
    const running = lab.run();
    await lab.platform.connections.wait(() => true);
    const { code, text } = await runProgram(['doctor', '--json', '--state-dir', lab.state]);
    const { checks } = JSON.parse(text) as { checks: { id: string; state: string; found: string }[] };
    expect([0, 1, 2]).toContain(code);
    expect(checks.find(({ id }) => id === 'websocket')).toMatchObject({ state: 'ok', found: 'pass to the platform' });
    expect(running.child.exitCode).toBeNull();
    const asked = {
      type: 'about:blank',
      title: 'Not signed in',
      status: 401,
      detail: 'Who are you?',
      requestId: 'req',
      code: 'not-signed-in',
    };
    expect(await checkWebSocket(await platform(401, {}, asked), null)).toMatchObject({ state: 'ok' });
    const plain = {
      type: 'about:blank',
      title: 'No WebSocket',
      status: 426,
      detail: 'Dial a WebSocket',
      requestId: 'req',
      code: 'not-signed-in',
    };
    expect(await checkWebSocket(await platform(426, {}, plain), 'token')).toMatchObject({ state: 'failure' });
    expect(await checkWebSocket(await platform(200, {}, { portal: 'please pay' }), 'token')).toMatchObject({
      state: 'failure',
      found: 'are answered 200, and not opened',
    });
    expect(await checkWebSocket('http://127.0.0.1:1', null)).toMatchObject({ state: 'failure' });
  });

  it('says that a proxy of the machine is not gone through', () => {
    expect(checkProxy({})).toEqual([]);
    expect(checkProxy({ HTTPS_PROXY: 'http://me:secret@proxy:3128' })).toMatchObject([{ state: 'warning' }]);
    expect(JSON.stringify(checkProxy({ HTTPS_PROXY: 'http://me:secret@proxy:3128' }))).not.toContain('secret');
  });

  it('finds a state folder that others may look into', () => {
    const root = join(mintFolder(), 'state');
    expect(checkFolder(root).found).toContain('not there yet');
    mkdirSync(root);
    chmodSync(root, 0o755);
    expect(checkFolder(root)).toMatchObject({ state: 'failure', remedy: `chmod 700 ${root}` });
  });

  it('tells a platform that is not reached from one that refuses, and a wrong clock', async () => {
    const url = await platform(426);
    expect(await checkPlatform(url, 'token', () => NOON + 300)).toMatchObject([
      { id: 'platform', state: 'ok' },
      { id: 'clock', state: 'ok', found: 'agrees with the platform’s' },
    ]);
    expect(await checkPlatform(url, 'token', () => NOON + 20_000)).toMatchObject([
      { state: 'ok' },
      { state: 'warning', found: 'is 20 s ahead of the platform’s' },
    ]);
    expect(await checkPlatform(url, 'token', () => NOON - 90_000)).toMatchObject([
      { state: 'ok' },
      { state: 'failure', found: 'is 90 s behind the platform’s' },
    ]);
    const fault = {
      type: 'about:blank',
      title: 'Gone',
      status: 410,
      detail: 'This runner was removed',
      requestId: 'req',
      code: 'not-signed-in',
    };
    expect((await checkPlatform(await platform(410, {}, fault), 'token', () => NOON))[0]).toMatchObject({ state: 'failure' });
    expect((await checkPlatform(await platform(502, {}, { oops: 1 }), 'token', () => NOON))[0]).toMatchObject({
      state: 'failure',
      found: expect.stringContaining('not as Gatehouse does') as unknown,
    });
    expect(await checkPlatform('http://127.0.0.1:1', 'token')).toMatchObject([
      { state: 'failure', remedy: expect.stringContaining('firewall') as unknown },
    ]);
  });

  it('is a command, for people and for programs, with exit codes', async () => {
    const root = join(mintFolder(), 'state');
    const { code, text } = await runProgram(['doctor', '--json', '--state-dir', root, '--url', await platform(426)]);
    const findings = JSON.parse(text) as { state: string; checks: { id: string; state: string }[] };
    expect(code).toBe(1);
    expect(findings.state).toBe('failure');
    const states = Object.fromEntries(findings.checks.map(({ id, state }) => [id, state]));
    expect(states).toMatchObject({ node: 'ok', enrolment: 'failure', platform: 'ok' });
    if (isolationMissing() === null) expect(states).toMatchObject({ bubblewrap: 'ok', namespaces: 'ok', egress: 'ok', drivers: 'ok' });
    const people = await runProgram(['doctor', '--state-dir', root]);
    expect(people.code).toBe(1);
    expect(people.text).toContain('→ gatehouse-runner enroll, with a code from the Runners page.');
    expect(people.text).toContain('The runner does not work here until this is mended.');
  });
});
