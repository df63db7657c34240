import type { Workspace } from '@gatehouse/core/api/workspaces.ts';
import { ApiProblem } from '#lib/api/problem.ts';
import { expect, it } from 'vitest';
import { admitted } from '../testing/connected.ts';
import { attachTo, readiness } from './attach.ts';
import { proofKeyOf } from './browser-key.ts';

const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
const key = await proofKeyOf(pair);

const RUNNER = { id: 'run_1', name: 'fra-1', drain: null, revoked: false, removed: false, lastSeenAt: null };
const workspace = (more: Partial<Workspace>): Workspace => ({
  id: 'wsp_1',
  name: 'api',
  owner: { id: 'usr_1', name: 'Priya' },
  template: { id: 'tpl_1', name: 'Node', version: 1, versionId: 'tpv_1', state: 'published' },
  update: null,
  parameters: {},
  runner: { ...RUNNER, online: true },
  line: null,
  desired: 'running',
  phase: 'running',
  generation: 1,
  step: null,
  percent: null,
  error: null,
  failure: null,
  changedAt: null,
  trash: null,
  state: { kind: 'running', word: 'Running', sentence: '', ways: [] },
  createdAt: '2026-01-01T00:00:00.000Z',
  lastUsedAt: null,
  rootfs: null,
  image: null,
  mine: true,
  apps: [],
  ...more,
});

it.each([
  ['running', {}, null],
  [
    'starting',
    { phase: 'starting', step: 'Cloning', percent: 40 },
    { kind: 'waiting', reason: 'starting', detail: 'Cloning', percent: 40 },
  ],
  ['its runner away', { runner: { ...RUNNER, online: false } }, { kind: 'waiting', reason: 'runner-away' }],
  [
    'in line before its runner',
    { phase: 'queued', line: { position: 3, running: 10, capacity: 10 } },
    { kind: 'waiting', reason: 'starting', detail: '3rd in line for runner fra-1, which is full (10 of 10).' },
  ],
  [
    'on a runner that was revoked',
    { phase: 'failed', desired: 'stopped', runner: { ...RUNNER, online: false, revoked: true } },
    { kind: 'ended', why: 'no-runner' },
  ],
  ['stopping', { desired: 'stopped', phase: 'stopping' }, { kind: 'waiting', reason: 'stopping' }],
  ['stopped', { desired: 'stopped', phase: 'stopped' }, { kind: 'ended', why: 'stopped' }],
  ['just started again', { desired: 'running', phase: 'stopped' }, { kind: 'waiting', reason: 'starting' }],
  [
    'failed',
    { phase: 'failed', error: 'No such repository' },
    { kind: 'ended', why: 'failed', detail: 'It could not be started, or ended by itself. Files are kept. No such repository' },
  ],
  [
    'in the trash',
    { desired: 'stopped', phase: 'stopped', trash: { at: '2026-01-01T00:00:00.000Z', until: '2026-01-08T00:00:00.000Z' } },
    { kind: 'ended', why: 'trashed' },
  ],
  [
    'without a runner',
    { desired: 'stopped', phase: 'failed', failure: 'runner-removed', runner: { ...RUNNER, online: false, removed: true } },
    { kind: 'ended', why: 'no-runner' },
  ],
  ['deleted', { desired: 'deleted', phase: 'deleted' }, { kind: 'ended', why: 'gone' }],
] as const)('a workspace that is %s', (_name, more, outcome) => {
  const found = readiness(workspace(more));
  if (outcome === null) expect(found).toBeNull();
  else expect(found).toMatchObject(outcome);
});

it('asks once, then looks until asking makes sense: every attachment is an entry in the audit log', async () => {
  const calls: string[] = [];
  let phase: Workspace['phase'] = 'starting';
  const attach = attachTo(
    {
      attach: (shown) => {
        calls.push('attach');
        expect(shown).toBe(key);
        if (phase !== 'running') return Promise.reject(new ApiProblem('not-ready', 'Not yet'));
        const outcome = admitted(1);
        return outcome.kind === 'admitted' ? Promise.resolve(outcome.attachment) : Promise.reject(new Error());
      },
      get: () => {
        calls.push('get');
        return Promise.resolve(workspace({ phase }));
      },
    },
    () => undefined,
  );
  expect(await attach(key)).toMatchObject({ kind: 'waiting', reason: 'starting' });
  expect(await attach(key)).toMatchObject({ kind: 'waiting', reason: 'starting' });
  phase = 'running';
  expect(await attach(key)).toMatchObject({ kind: 'admitted' });
  expect(calls).toEqual(['attach', 'get', 'get', 'get', 'attach']);
});

it.each([
  ['permission-denied', { kind: 'ended', why: 'refused' }],
  ['browser-only', { kind: 'ended', why: 'unproved' }],
  ['presence-required', { kind: 'ended', why: 'presence' }],
  ['network-refused', { kind: 'ended', why: 'refused' }],
  ['not-signed-in', { kind: 'ended', why: 'signed-out' }],
  ['not-found', { kind: 'ended', why: 'gone' }],
  ['unavailable', { kind: 'unreachable', answered: true }],
  ['rate-limited', { kind: 'unreachable', retryAfter: 30 }],
] as const)('%s', async (code, outcome) => {
  const refuse = () => Promise.reject(new ApiProblem(code, 'Words', { retryAfter: 30, requestId: 'req_1' }));
  expect(await attachTo({ attach: refuse, get: refuse }, () => undefined)(key)).toMatchObject({ ...outcome, detail: 'Words' });
});

it('knows an answer from none', async () => {
  const fail = () => Promise.reject(new ApiProblem('unavailable', 'No answer came'));
  expect(await attachTo({ attach: fail, get: fail }, () => undefined)(key)).toMatchObject({ kind: 'unreachable', answered: false });
});
