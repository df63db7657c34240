import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { beforeEach, describe, expect, it } from 'vitest';
import SignIn from '../src/routes/(public)/signin/+page.svelte';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { me } from './data.ts';
import { goto, page, replaceState } from './router.ts';

const type = (label: string, value: string) => fireEvent.input(screen.getByLabelText(label), { target: { value } });

async function signIn() {
  await type('Organisation', 'meridian-rail');
  await type('E-mail', 'ines@meridian.example');
  await type('Password', 'whatever it is');
  await fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
}

beforeEach(() => {
  page.url = new URL('http://localhost/signin');
  location.hash = '';
});

describe('sign-in', () => {
  it('says one and the same for every wrong combination, and empties the password', async () => {
    answerWith(() => problemAnswer('sign-in-failed', 'Check all three.'));
    render(SignIn);
    await signIn();
    expect((await screen.findByRole('alert')).textContent).toContain('Organisation, e-mail or password is wrong');
    await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe(''));
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('ines@meridian.example');
  });

  it('is filled in by a link, whose secret leaves the address bar at once, and asks before anything is sent', async () => {
    const asked = answerWith(() => jsonAnswer(me()));
    location.hash = 'org=acme&email=dev@acme.test&password=a%2Bb%26c%20d';
    render(SignIn);
    await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('a+b&c d'));
    expect(screen.getByLabelText<HTMLInputElement>('Organisation').value).toBe('acme');
    expect(screen.getByLabelText<HTMLInputElement>('E-mail').value).toBe('dev@acme.test');
    expect(replaceState).toHaveBeenCalledWith('/', {});
    expect(asked).not.toHaveBeenCalled();
    await fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    await waitFor(() => expect(goto).toHaveBeenCalledWith('/workspaces'));
  });

  it('says for how long it is throttled', async () => {
    answerWith(() => problemAnswer('rate-limited', 'Too many sign-ins were tried.', { retryAfter: 540 }));
    render(SignIn);
    await signIn();
    expect((await screen.findByRole('alert')).textContent).toContain('Try again in 9 minutes');
  });

  it('returns to where the person was, and remembers the organisation', async () => {
    page.url = new URL('http://localhost/signin?next=%2Faudit%3Foutcome%3Ddenied');
    answerWith(() => jsonAnswer(me()));
    render(SignIn);
    await signIn();
    await waitFor(() => expect(goto).toHaveBeenCalledWith('/audit?outcome=denied'));
    expect(localStorage.getItem('gatehouse.organisation')).toBe('meridian-rail');
  });

  it.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', 'javascript:alert(1)'])(
    'never leads to another site: %s',
    async (next) => {
      page.url = new URL(`http://localhost/signin?next=${encodeURIComponent(next)}`);
      answerWith(() => jsonAnswer(me()));
      render(SignIn);
      await signIn();
      await waitFor(() => expect(goto).toHaveBeenCalledWith('/workspaces'));
    },
  );
});
