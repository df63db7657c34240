import { fireEvent, render, screen } from '@testing-library/svelte';
import { expect, it, vi } from 'vitest';
import RunnerChanged from './RunnerChanged.svelte';

it('O6: shows both fingerprints, stays away unless told otherwise, and trusts only in a second step', async () => {
  const trust = vi.fn();
  render(RunnerChanged, {
    change: { id: 'run_1', name: 'fra-1', remembered: `SHA256:${'ab'.repeat(32)}`, shown: `SHA256:${'cd'.repeat(32)}` },
    trust,
  });
  expect(screen.getByRole('alert').textContent).toMatch(/abab.*cdcd/s);
  expect(screen.getByText('Stay away').className).toContain('primary');
  await fireEvent.click(screen.getByRole('button', { name: 'It is the right runner' }));
  const confirm = screen.getByRole('button', { name: 'Trust this runner from now on' });
  expect(confirm.hasAttribute('disabled')).toBe(true);
  await fireEvent.click(screen.getByRole('checkbox'));
  expect(confirm.hasAttribute('disabled')).toBe(false);
  expect(trust).not.toHaveBeenCalled();
  await fireEvent.click(confirm);
  expect(trust).toHaveBeenCalledOnce();
});
