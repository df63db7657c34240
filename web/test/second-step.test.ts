import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it } from 'vitest';
import SignIn from '../src/routes/(public)/signin/+page.svelte';
import { suggestedName } from '../src/lib/passkeys/ceremony.ts';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { me } from './data.ts';
import { goto, page } from './router.ts';

const CHALLENGE = `ghf_s0.tnt_01m856tm29e6frrs5mmr9m5rhs.${'a'.repeat(43)}`;
const owed = { challenge: CHALLENGE, expiresAt: '2026-11-23T10:05:00.000Z', methods: ['totp', 'recovery-code'] };

async function givePassword() {
  render(SignIn);
  const fill = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });
  await fill('Organisation', 'meridian-rail');
  await fill('E-mail', 'ines@meridian.example');
  await fill('Password', 'a right password');
  await fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
}

async function giveCode(label: string, value: string) {
  await fireEvent.input(await screen.findByLabelText(label), { target: { value } });
  await fireEvent.click(screen.getByRole('button', { name: 'Go on' }));
}

beforeEach(() => {
  page.url = new URL('http://localhost/signin?next=%2Faudit');
  location.hash = '';
  goto.mockClear();
});

describe('the second step', () => {
  it('follows the right password, and leads on with the code', async () => {
    const asked = answerWith(({ path }) => (path.endsWith('/login') ? jsonAnswer(owed, 202) : jsonAnswer(me())));
    await givePassword();
    await screen.findByText('One more step');
    expect(goto).not.toHaveBeenCalled();
    await giveCode('Code of your app', '123 456');
    await waitFor(() => expect(goto).toHaveBeenCalledWith('/audit'));
    expect(asked.mock.calls.at(-1)?.[0]).toMatchObject({ path: '/api/v1/login/totp', body: { challenge: CHALLENGE, code: '123456' } });
  });

  it('says what is wrong with a code, empties it, and offers a recovery code', async () => {
    const asked = answerWith(({ path }) => {
      if (path.endsWith('/login')) return jsonAnswer(owed, 202);
      return path.endsWith('/totp') ? problemAnswer('code-refused', 'Each code works once.') : jsonAnswer(me());
    });
    await givePassword();
    await giveCode('Code of your app', '000000');
    expect((await screen.findByRole('alert')).textContent).toContain('The code is wrong or was used');
    await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>('Code of your app').value).toBe(''));
    await fireEvent.click(screen.getByRole('button', { name: 'Use a recovery code' }));
    await giveCode('Recovery code', 'abcd-EFGH-0o1i-2345-6789-jkmn');
    await waitFor(() => expect(goto).toHaveBeenCalledWith('/audit'));
    expect(asked.mock.calls.at(-1)?.[0]).toMatchObject({ path: '/api/v1/login/recovery-code', body: { code: 'abcdefgh001123456789jkmn' } });
  });

  it('goes back to the first step, where the password must be typed again', async () => {
    answerWith(() => jsonAnswer(owed, 202));
    await givePassword();
    await fireEvent.click(await screen.findByRole('button', { name: 'Start again' }));
    expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('');
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('ines@meridian.example');
  });
});

it.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge on Windows'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1', 'Safari on iPhone'],
  ['something else', 'Passkey'],
])('a new passkey is named after where it is made: %s', (agent, name) => {
  expect(suggestedName(agent)).toBe(name);
});
