import { describe, expect, test } from 'vitest';
import { appRefusal, limitsData } from '../../../core/access/app-access.ts';
import { runnerOpensOf } from '../../../core/access/enforcement.ts';
import { DEFAULT_POLICY, type Policy } from '../../../core/access/policy-in-force.ts';

const [own, shared] = [{ share: 'owner' }, { share: 'tenant' }] as const;
const may = (policy: Partial<Policy>, mine: boolean, app: typeof own | typeof shared | null) =>
  appRefusal({ ...DEFAULT_POLICY, ...policy }, { mine, app }) === null;

describe('who opens a web app', () => {
  test('nobody while ports are off, which they are from the start', () => {
    expect([may({}, true, shared), may({ ports: 'off' }, false, shared)]).toEqual([false, false]);
  });
  test('owner only: the owner whatever it is, and nobody else', () => {
    expect([null, own, shared].map((app) => may({ ports: 'owner' }, true, app))).toEqual([true, true, true]);
    expect([null, own, shared].map((app) => may({ ports: 'owner' }, false, app))).toEqual([false, false, false]);
  });
  test('organisation: the others what the template shares', () => {
    expect([null, own, shared].map((app) => may({ ports: 'tenant' }, false, app))).toEqual([false, false, true]);
  });
  test('where what leaves is limited, only what the template names', () => {
    expect([null, own].map((app) => may({ ports: 'owner', download: 10 }, true, app))).toEqual([false, true]);
    expect([{}, { download: 10 }, { clipboardOut: 0 }, { clipboardIn: 0 }].map((set) => limitsData({ ...DEFAULT_POLICY, ...set }))).toEqual(
      [false, true, true, false],
    );
  });
});

test('a runner is told what it opens, and only the named ports where data is limited', () => {
  const apps = [{ port: 8000 }, { port: 9000 }];
  expect(runnerOpensOf(DEFAULT_POLICY, apps)).toBeNull();
  expect(runnerOpensOf({ ...DEFAULT_POLICY, ports: 'owner' }, apps)).toEqual({ ports: { only: null } });
  expect(runnerOpensOf({ ...DEFAULT_POLICY, ports: 'tenant', download: 0 }, apps)).toEqual({ ports: { only: [8000, 9000] } });
});
