import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { toast } from '../src/lib/toast.svelte.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConfigLine } from '@gatehouse/core/api/config.ts';
import RulesFile from '../src/lib/policy/RulesFile.svelte';
import { answerWith, problemAnswer } from './api.ts';

const answerOf = (lines: ConfigLine[]) =>
  new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { headers: { 'content-type': 'application/x-ndjson' } });
const POLICY: ConfigLine = { kind: 'policy', values: { upload: 0 }, revision: 1 };

let saved: Blob[];
beforeEach(() => {
  saved = [];
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
  vi.stubGlobal(
    'URL',
    Object.assign(URL, { createObjectURL: (blob: Blob) => `blob:${saved.push(blob)}`, revokeObjectURL: () => undefined }),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const download = async () => {
  render(RulesFile, { onclose: () => undefined });
  await fireEvent.click(await screen.findByRole('button', { name: 'Download gatehouse.yaml' }));
};

describe('the rules as one file', () => {
  it('are saved as the command would write them, and what was withheld is told', async () => {
    const told = vi.spyOn(toast, 'success');
    const sent = answerWith(() =>
      answerOf([{ kind: 'withheld', section: 'roles', permission: 'role:read' }, POLICY, { kind: 'end', lines: 2 }]),
    );
    await download();
    await waitFor(() => expect(told).toHaveBeenCalled());
    expect(sent).toHaveBeenCalledWith(expect.objectContaining({ method: 'GET', path: '/api/v1/config/export' }));
    expect(await saved[0]?.text()).toBe(
      '# Without roles: to see them needs role:read.\nversion: 1\npolicy:\n  upload: 0\ngroups: []\nassignments: []\ntemplates: []\n',
    );
    expect(told).toHaveBeenCalledWith('Exported', {
      description: 'Without roles, which you may not see. The export stands in the audit log.',
    });
  });

  it('are not saved when the answer breaks off', async () => {
    answerWith(() => answerOf([POLICY]));
    await download();
    await screen.findByText(/broke off/);
    expect(saved).toEqual([]);
  });

  it('are not saved when they are refused, and the refusal is told', async () => {
    answerWith(() => problemAnswer('permission-denied', 'This needs the permission access:review'));
    await download();
    await screen.findByText('This needs the permission access:review');
    expect(saved).toEqual([]);
  });
});
