import { describe, expect, test } from 'vitest';
import {
  describeState,
  LATE_AFTER_MINUTES,
  STATE_KINDS,
  stateOf,
  WAYS,
  WORKSPACE_STATES,
  type StateFacts,
} from '../../../core/api/workspace-states.ts';
import { FAILURES, WORKSPACE_PHASES } from '../../../core/protocol/workspace-phases.ts';

const NOW = Date.parse('2026-11-27T12:00:00.000Z');
const runner = { name: 'anvil', online: true, drain: null, revoked: false, removed: false, lastSeenAt: '2026-11-27T11:00:00.000Z' };
const facts = (change: Partial<StateFacts> = {}): StateFacts => ({
  ...{ desired: 'running', phase: 'running', failure: null, step: null, trash: null, changedAt: '2026-11-27T11:59:00.000Z', runner },
  line: null,
  ...change,
});
const offline = { ...runner, online: false };
const owner = { mine: true, mayStopAll: false };
const IN_LINE = { position: 2, running: 3, capacity: 3 };
const trash = { at: '2026-11-20T12:00:00.000Z', until: '2026-11-27T12:00:00.000Z' };

describe('the state of a workspace', () => {
  test('is one for every combination of what is known, and each of them can be reached', () => {
    const reached = new Set<string>();
    for (const desired of ['running', 'stopped', 'deleted'] as const)
      for (const phase of WORKSPACE_PHASES)
        for (const failure of [null, 'runner-removed', ...FAILURES] as const)
          for (const each of [runner, offline, { ...offline, removed: true }, { ...offline, revoked: true }])
            for (const [lies, line] of [
              [null, null],
              [trash, null],
              [null, IN_LINE],
            ] as const)
              for (const changedAt of [facts().changedAt, '2026-11-27T09:00:00.000Z'])
                reached.add(stateOf(facts({ desired, phase, failure, runner: each, trash: lies, line, changedAt }), NOW));
    expect([...reached].sort()).toEqual([...STATE_KINDS].sort());
  });

  test.each<[string, Partial<StateFacts>, string]>([
    ['runs', {}, 'running'],
    ['may run where its runner is away', { runner: offline }, 'lost-running'],
    ['stands in line before a full runner', { phase: 'queued', line: IN_LINE }, 'in-line'],
    ['has a runner that was shut out', { phase: 'failed', desired: 'stopped', runner: { ...offline, revoked: true } }, 'runner-revoked'],
    ['waits for a runner that is away', { phase: 'queued', runner: offline }, 'waiting'],
    ['is late after a time without news', { phase: 'starting', changedAt: '2026-11-27T11:00:00.000Z' }, 'late'],
    [
      'is never late while its runner is away',
      { phase: 'starting', changedAt: '2026-11-27T11:00:00.000Z', runner: offline },
      'lost-starting',
    ],
    [
      'has no runner any more',
      { desired: 'stopped', phase: 'failed', failure: 'runner-removed', runner: { ...offline, removed: true } },
      'runner-removed',
    ],
    ['lies in the trash, whatever it came to', { desired: 'stopped', phase: 'failed', failure: 'killed', trash }, 'trashed'],
    ['is being deleted', { desired: 'deleted', phase: 'stopping', trash }, 'deleting'],
    ['is deleted when its runner returns', { desired: 'deleted', phase: 'stopping', trash, runner: offline }, 'lost-deleting'],
    ['failed without a code', { phase: 'failed' }, 'failed'],
  ])('%s', (_, change, kind) => {
    expect(stateOf(facts(change), NOW)).toBe(kind);
  });

  test('turns late by the bound, not before', () => {
    const since = (minutes: number) => facts({ phase: 'starting', changedAt: new Date(NOW - minutes * 60_000).toISOString() });
    expect(stateOf(since(LATE_AFTER_MINUTES), NOW)).toBe('starting');
    expect(stateOf(since(LATE_AFTER_MINUTES + 1), NOW)).toBe('late');
  });
});

describe('what a state says', () => {
  test('is a sentence with its end, for each, with facts or without', () => {
    for (const kind of STATE_KINDS) {
      const { sentence } = WORKSPACE_STATES[kind];
      const at = (time: string) => time;
      expect(sentence(facts({ trash }), at), kind).toMatch(/^[A-Z].*[.]$/);
      const bare = facts({ changedAt: null, trash, runner: { ...offline, lastSeenAt: null } });
      expect(sentence(bare, at), kind).not.toMatch(/null|undefined/);
    }
  });

  test('every failure that a runner can name has a state of its own, with ways out', () => {
    for (const failure of FAILURES) expect(WORKSPACE_STATES[failure].ways.length, failure).toBeGreaterThan(1);
  });

  test('each state that is not an end has a way out, and no way twice', () => {
    for (const kind of STATE_KINDS.filter((kind) => !['deleting', 'deleted'].includes(kind))) {
      const { ways } = WORKSPACE_STATES[kind];
      expect(ways.length, kind).toBeGreaterThan(0);
      expect(new Set(ways).size, kind).toBe(ways.length);
      expect(ways.every((way) => WAYS.includes(way))).toBe(true);
    }
  });

  test('offers only what the caller may do', () => {
    const waysOf = (caller: { mine: boolean; mayStopAll: boolean }) => describeState(facts(), caller, NOW).ways;
    expect(waysOf(owner)).toEqual(['open', 'stop', 'restart', 'log', 'delete']);
    expect(waysOf({ mine: false, mayStopAll: true })).toEqual(['open', 'stop', 'log', 'delete']);
    expect(waysOf({ mine: false, mayStopAll: false })).toEqual(['open', 'log']);
  });

  test('says since when a runner is away', () => {
    expect(describeState(facts({ runner: offline }), owner, NOW).sentence).toBe(
      'Runner anvil is offline since 2026-11-27 11:00 UTC; the workspace may still be running there.',
    );
  });
});
