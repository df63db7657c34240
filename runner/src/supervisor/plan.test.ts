import { describe, expect, it } from 'vitest';
import { nextStep, type Actual, type Step } from './plan.ts';

const nothing: Actual = { running: null, settled: null };
const settled = (phase: 'running' | 'stopped' | 'failed' | 'deleted', generation: number, running: number | null = null): Actual => ({
  running,
  settled: { phase, generation },
});
type Wanted = Parameters<typeof nextStep>[0];
const want = (desired: 'running' | 'stopped' | 'deleted', generation: number): Wanted => ({ desired, generation });

const cases: [string, Wanted, Actual, Step][] = [
  ['starts what is new', want('running', 1), nothing, 'start'],
  ['leaves alone what runs', want('running', 1), settled('running', 1, 1), 'none'],
  ['starts again what ran before the runner was killed', want('running', 1), settled('running', 1), 'start'],
  ['does not retry by itself what failed', want('running', 1), settled('failed', 1), 'none'],
  ['retries when asked again', want('running', 2), settled('failed', 1), 'start'],
  ['restarts what was stopped and started meanwhile', want('running', 3), settled('running', 1, 1), 'halt'],
  ['stops what runs', want('stopped', 2), settled('running', 1, 1), 'stop'],
  ['reports as stopped what is not there', want('stopped', 2), nothing, 'stop'],
  ['does not try again by itself what failed before it was at rest', want('stopped', 2), settled('failed', 2), 'none'],
  ['says so once', want('stopped', 2), settled('stopped', 2), 'none'],
  ['says so for each generation', want('stopped', 4), settled('stopped', 2), 'stop'],
  ['deletes what runs', want('deleted', 2), settled('running', 1, 1), 'delete'],
  ['deletes what is not there', want('deleted', 2), nothing, 'delete'],
  ['deletes once', want('deleted', 2), settled('deleted', 2), 'none'],
  ['halts what is not listed, and deletes nothing', null, settled('running', 1, 1), 'halt'],
  ['leaves the files of what is not listed', null, settled('stopped', 1), 'none'],
];

describe('reconciliation', () => {
  it.each(cases)('%s', (_name, wanted, actual, step) => {
    expect(nextStep(wanted, actual)).toBe(step);
  });
});
