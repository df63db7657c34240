import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { signUp } from '@gatehouse/core/api/identity.ts';
import SignUp from '../src/routes/(public)/signup/+page.svelte';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { me } from './data.ts';
import { goto } from './router.ts';

const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
const submit = () => fireEvent.click(screen.getByRole('button', { name: 'Create organisation' }));

async function fillIn() {
  await type('Organisation', 'Meridian Rail');
  await type('Your name', 'Ines Okafor');
  await type('E-mail', 'Ines@Meridian.example');
  await type('Password', 'a long enough password');
}

describe('sign-up', () => {
  it('says what the API would say about each wrong field, without asking it', async () => {
    const sent = answerWith(() => jsonAnswer(me(), 201));
    render(SignUp);
    await type('Password', 'short');
    await submit();
    const issues =
      signUp.safeParse({ tenant: { name: '', slug: '' }, user: { name: '', email: '', password: 'short' } }).error?.issues ?? [];
    const password = issues.find(({ path }) => path.join('.') === 'user.password')?.message;
    expect(password).toBeTypeOf('string');
    expect(await screen.findByText(`Password ${password}`)).toBeTruthy();
    expect(screen.getByText('Organisation must not be empty')).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByLabelText('Organisation'));
    expect(sent).not.toHaveBeenCalled();
  });

  it('suggests the short name until the person writes an own one', async () => {
    render(SignUp);
    await type('Organisation', 'Meridian Rail Ltd.');
    expect(screen.getByLabelText<HTMLInputElement>('Short name').value).toBe('meridian-rail-ltd');
    await type('Short name', 'meridian');
    await type('Organisation', 'Meridian Railways');
    expect(screen.getByLabelText<HTMLInputElement>('Short name').value).toBe('meridian');
  });

  it('shows what only the API knows at its field', async () => {
    answerWith(() => problemAnswer('conflict', 'The short name is taken.', { errors: [{ path: 'tenant.slug', message: 'is taken' }] }));
    render(SignUp);
    await fillIn();
    await submit();
    expect(await screen.findByText('Short name is taken')).toBeTruthy();
    expect(screen.getByLabelText('Short name').getAttribute('aria-invalid')).toBe('true');
    expect(goto).not.toHaveBeenCalled();
  });

  it('sends the parsed values and goes on to the workspaces', async () => {
    const sent = answerWith(() => jsonAnswer(me(), 201));
    render(SignUp);
    await fillIn();
    await submit();
    await waitFor(() => expect(goto).toHaveBeenCalledWith('/workspaces'));
    expect(sent).toHaveBeenCalledWith({
      method: 'POST',
      path: '/api/v1/signup',
      body: {
        tenant: { name: 'Meridian Rail', slug: 'meridian-rail', region: 'auto' },
        user: { name: 'Ines Okafor', email: 'ines@meridian.example', password: 'a long enough password' },
      },
    });
  });
});
