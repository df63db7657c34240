import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { driversOf, saidDrivers } from './runner-control.ts';

describe('the drivers of a runner', () => {
  /** as a service of the release before containers parses them */
  const before = z.object({ drivers: z.array(z.enum(['bubblewrap', 'process'])) });

  it('are said so that a service of a release before takes the proof, and this one knows them all', () => {
    const said = saidDrivers(['bubblewrap', 'container', 'process']);
    expect(before.parse(said)).toEqual({ drivers: ['bubblewrap', 'process'] });
    expect(driversOf(said)).toEqual(['bubblewrap', 'container', 'process']);
  });

  it('are what a runner of a release before says, and none that this service does not know', () => {
    expect(driversOf({ drivers: ['process'] })).toEqual(['process']);
    expect(driversOf({ drivers: ['process'], moreDrivers: ['container', 'microvm'] })).toEqual(['container', 'process']);
  });
});
