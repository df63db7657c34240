import { describe, expect, it } from 'vitest';
import { templateParameter } from '@gatehouse/core/api/template-parameters.ts';
import { parameterDraftOf, parameterOf } from '../src/lib/templates/parameter-draft.ts';
import { updateWords } from '../src/lib/workspaces/state.ts';
import { faultsOf, typedOf, valuesOf } from '../src/lib/workspaces/parameter-values.ts';

const parameters = [
  { type: 'choice', name: 'region', label: 'Region', options: ['eu', 'us'], required: true },
  { type: 'number', name: 'workers', label: 'Workers', min: 1, max: 8, default: 2 },
  { type: 'bool', name: 'debug', label: 'Debug', default: false },
  { type: 'text', name: 'team', label: 'Team', pattern: '[a-z]+' },
].map((each) => templateParameter.parse(each));

describe('the parameters of a template', () => {
  it('come out of their editor as they went in', () => {
    expect(parameters.map((each) => templateParameter.parse(parameterOf(parameterDraftOf(each))))).toEqual(parameters);
  });

  it('begin with their defaults, and are sent with their types; what is empty is left out', () => {
    expect(typedOf(parameters)).toEqual({ region: '', workers: '2', debug: 'false', team: '' });
    expect(valuesOf(parameters, { region: 'eu', workers: '4', debug: 'true', team: '' })).toEqual({
      region: 'eu',
      workers: 4,
      debug: true,
    });
  });

  it('are refused in the form with the words of the server', () => {
    expect(faultsOf(parameters, { region: '', workers: 'many', debug: 'true', team: 'A1' })).toEqual({
      'parameters.region': 'must be given',
      'parameters.workers': 'must be a number',
      'parameters.team': 'must match [a-z]+',
    });
  });
});

it('says of a newer version whether there is time', () => {
  const update = (requiredFrom: string | null) =>
    updateWords({ versionId: 'tpv_1', number: 2, requiredFrom }, Date.parse('2026-11-23T00:00:00Z'));
  expect(update(null)).toBe('Update available');
  expect(update('2026-11-22T00:00:00Z')).toBe('Updates at the next start');
  expect(update('2027-01-04T12:00:00Z')).toMatch(/^Update by .*4/);
});
