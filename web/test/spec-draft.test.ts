import { templateSpec } from '@gatehouse/core/api/templates.ts';
import { expect, it } from 'vitest';
import { limitsWords } from '#lib/templates/limits-words.ts';
import { draftOf, EMPTY_DRAFT, specOf } from '#lib/templates/spec-draft.ts';

const rootfs = { source: 'https://images.example.com/node.tar.zst', digest: `sha256:${'a'.repeat(64)}` };

it('a template’s content is the same after it was edited without a change', () => {
  for (const spec of [
    templateSpec.parse({}),
    templateSpec.parse({ rootfs, limits: { cpus: 0.5, memoryMb: 2048, processes: 128, diskMb: 5120 }, environment: { A: 'b' } }),
  ]) {
    expect(specOf(draftOf(spec))).toEqual(spec);
  }
});

it('a new template is offered limits, and empty fields bound nothing', () => {
  expect(limitsWords(specOf(EMPTY_DRAFT).limits)).toBe('2 CPUs, 4 GB of memory, 4,096 processes, 10 GB of disk');
  const emptied = { ...EMPTY_DRAFT, limits: { cpus: ' ', memoryMb: '', processes: '', diskMb: '' } };
  expect(specOf(emptied).limits).toEqual(templateSpec.parse({}).limits);
  expect(limitsWords(specOf(emptied).limits)).toBe('4,096 processes');
});

it('what is no number, or half a root file system, is sent as it is, for the answer to name the field', () => {
  const sent = specOf({
    ...EMPTY_DRAFT,
    limits: { ...EMPTY_DRAFT.limits, memoryMb: 'much' },
    rootfs: { source: rootfs.source, digest: '' },
  });
  const paths = templateSpec.safeParse(sent).error?.issues.map(({ path }) => path.join('.'));
  expect(paths).toEqual(['limits.memoryMb', 'rootfs.digest']);
});
