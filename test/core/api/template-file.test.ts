import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTemplateFile, writeTemplateFile, type TemplateFile } from '@gatehouse/core/api/template-file.ts';
import { templateSpec } from '@gatehouse/core/api/templates.ts';

const lines = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\t', '\n', '"', "'", '#', ':', '-', '$', '{', '|', '>', '\\', '%', '0') });
const name = fc.stringMatching(/^[a-z][a-z0-9]{1,10}$/);
const variable = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,10}$/);
const parameter = fc.record({
  ...{ type: fc.constant('choice' as const), name, label: name, help: fc.constantFrom('', 'yes', 'null', '1.0', '- a') },
  ...{
    required: fc.boolean(),
    immutable: fc.boolean(),
    default: fc.constant(null),
    options: fc.array(name, { minLength: 1, maxLength: 3 }),
  },
});
const file: fc.Arbitrary<TemplateFile> = fc
  .record({
    ...{ name, description: fc.constantFrom('', 'yes', '~', 'A service: "x"'), icon: fc.constantFrom('code' as const, 'box' as const) },
    ...{ notes: lines, secrets: fc.uniqueArray(variable, { maxLength: 3 }) },
    spec: fc.record({
      ...{ startupScript: lines, stopScript: lines, environment: fc.dictionary(variable, lines, { maxKeys: 3 }) },
      ...{ runnerLabels: fc.dictionary(name, fc.constantFrom('', 'true', '12', 'eu')), driver: fc.constantFrom('process', 'bubblewrap') },
      parameters: fc.uniqueArray(parameter, { maxLength: 3, selector: (each) => each.name }),
    }),
  })
  .map(({ spec, ...rest }) => ({ ...rest, spec: templateSpec.parse(spec) }));

const faults = (source: string) => {
  const read = readTemplateFile(source);
  return 'errors' in read ? read.errors : [];
};

describe('a template as a file', () => {
  test('comes back as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(file, (template) => void expect(readTemplateFile(writeTemplateFile(template))).toEqual({ file: template })),
      { numRuns: 300 },
    );
  });

  test('is refused with the field and the line', () => {
    const source = [
      'gatehouse: template/1',
      'name: node',
      'spec:',
      '  repository: ssh://x',
      '  colour: red',
      '  environment:',
      '    1BAD: x',
    ].join('\n');
    expect(faults(source)).toEqual(
      expect.arrayContaining([
        { path: 'spec.repository', message: 'must be an https:// address without a user name, or empty (line 4)' },
        { path: 'spec.colour', message: 'is no field of a template (line 5)' },
        { path: 'spec.environment.1BAD', message: 'must be a name of letters, digits and _ (line 7)' },
      ]),
    );
  });

  test.each([
    ['is no YAML', 'name: [', 'file'],
    ['is of another kind', 'name: node', 'gatehouse'],
    [
      'refers to a parameter that is not there',
      'gatehouse: template/1\nname: node\nspec:\n  environment:\n    A: ${{ parameter.x }}',
      'spec.environment.A',
    ],
    ['unfolds without end', `gatehouse: &a [${'*b, '.repeat(3)}]`, 'file'],
  ])('is refused when it %s', (_what, source, path) => {
    expect(faults(source)[0]?.path).toBe(path);
  });
});
