import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import ShowPasskey from '../src/lib/ide/layout/ShowPasskey.svelte';
import { passkeysMissing } from '../src/lib/policy/words.ts';
import { answerWith, jsonAnswer, problemAnswer } from './api.ts';
import { id } from './data.ts';

/** What the browser asks of the person and their device. */
const ceremony = vi.fn<() => Promise<unknown>>();
beforeEach(() => {
  vi.stubGlobal('PublicKeyCredential', () => undefined);
  vi.stubGlobal('navigator', Object.create(navigator, { credentials: { value: { get: ceremony } } }));
});
afterEach(() => vi.unstubAllGlobals());

const passkey = () => ({
  ...{ id: id('passkey'), name: 'Laptop', createdAt: '2026-11-20T10:00:00.000Z', lastUsedAt: null },
  ...{ synced: false, backedUp: false },
});
const own = (passkeys: unknown[]) => jsonAnswer({ passkeys, totp: null, recoveryCodes: { left: 0 } });
const challenge = () =>
  jsonAnswer({ challenge: 'a'.repeat(43), rpId: 'localhost', timeout: 300_000, userVerification: 'required', allowCredentials: [] });
const bytes = new Uint8Array([0, 0, 0]).buffer;
const signed = {
  ...{ id: 'AAAA', rawId: bytes, type: 'public-key', getClientExtensionResults: () => ({}) },
  response: { clientDataJSON: bytes, authenticatorData: bytes, signature: bytes },
};

const press = async () => fireEvent.click(await screen.findByRole('button', { name: 'Use your passkey' }));

beforeEach(() => ceremony.mockReset());

describe('a workspace that asks for a passkey', () => {
  it('goes on after one press', async () => {
    const onshown = vi.fn();
    ceremony.mockResolvedValue(signed);
    const asked = answerWith(({ path }) => {
      if (path.endsWith('/factors')) return own([passkey()]);
      return path.endsWith('/options') ? challenge() : jsonAnswer({ authenticatedAt: '2026-11-23T10:00:00.000Z' });
    });
    render(ShowPasskey, { size: 'small', onshown });
    await press();
    await waitFor(() => expect(onshown).toHaveBeenCalledOnce());
    expect(asked.mock.calls.at(-1)?.[0]).toMatchObject({ path: '/api/v1/me/step-up/passkey', body: { credential: { id: 'AAAA' } } });
  });

  it('stays where it is when the person changes their mind, and says why when it was refused', async () => {
    const onshown = vi.fn();
    answerWith(({ path }) => {
      if (path.endsWith('/factors')) return own([passkey()]);
      return path.endsWith('/options') ? challenge() : problemAnswer('invalid', 'That did not confirm that it is you');
    });
    render(ShowPasskey, { size: 'small', onshown });
    ceremony.mockRejectedValueOnce(Object.assign(new Error('no'), { name: 'NotAllowedError' }));
    await press();
    await waitFor(() => expect(ceremony).toHaveBeenCalledOnce());
    expect(screen.queryByRole('alert')).toBeNull();
    ceremony.mockResolvedValueOnce(signed);
    await press();
    expect((await screen.findByRole('alert')).textContent).toContain('That did not confirm that it is you');
    expect(onshown).not.toHaveBeenCalled();
  });

  it('leads somebody without one to where they register it, and looks again', async () => {
    const passkeys: unknown[] = [];
    answerWith(() => own(passkeys));
    render(ShowPasskey, { size: 'normal', onshown: vi.fn() });
    const link = await screen.findByRole('link', { name: 'Register a passkey' });
    expect([link.getAttribute('href'), link.getAttribute('target')]).toEqual(['/account/security', '_blank']);
    passkeys.push(passkey());
    await fireEvent.click(screen.getByRole('button', { name: 'Look again' }));
    expect(await screen.findByRole('button', { name: 'Use your passkey' })).toBeTruthy();
  });
});

it.each([
  [{ total: 12, withoutPasskey: 3 }, 4, '3 of 12 people have no passkey: until they register one, they open no workspace.'],
  [{ total: 12, withoutPasskey: 12 }, 4, 'Nobody has a passkey yet: until they register one, they open no workspace.'],
  [{ total: 12, withoutPasskey: 0 }, 4, ''],
  [{ total: 12, withoutPasskey: 3 }, null, ''],
  [null, 4, ''],
])('the policy page says whom it keeps out: %j, every %s hours', (people, stepUp, words) => {
  expect(passkeysMissing(people, stepUp)).toBe(words);
});
