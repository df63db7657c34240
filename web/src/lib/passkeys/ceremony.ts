import type { Assertion, Registration } from '@gatehouse/core/api/factors.ts';
import { browserSupportsWebAuthn, startAuthentication, startRegistration, WebAuthnError } from '@simplewebauthn/browser';
import * as factors from '#lib/api/factors.ts';
import { ApiProblem } from '#lib/api/problem.ts';

export const supported = (): boolean => browserSupportsWebAuthn();

/** The person chose not to, or took too long: nothing went wrong that needs an apology. */
export class Declined extends Error {}

type Assert = Parameters<typeof startAuthentication>[0]['optionsJSON'];
type Register = Parameters<typeof startRegistration>[0]['optionsJSON'];

/** Lets the person choose a passkey and prove themselves. @throws Declined; ApiProblem */
export async function assertion(options: () => ReturnType<typeof factors.passkeySignInOptions>): Promise<Assertion> {
  const optionsJSON = (await options()) as Assert;
  const { id, rawId, type, response } = await mapped(startAuthentication({ optionsJSON }));
  const { clientDataJSON, authenticatorData, signature, userHandle } = response;
  const shown = { clientDataJSON, authenticatorData, signature, ...(userHandle === undefined ? {} : { userHandle }) };
  return { id, rawId, type: type as 'public-key', clientExtensionResults: {}, response: shown };
}

/** Makes a passkey for this person. @throws Declined; ApiProblem */
export async function registration(): Promise<Registration> {
  const optionsJSON = (await factors.passkeyOptions()) as Register;
  const { id, rawId, type, response } = await mapped(startRegistration({ optionsJSON }));
  const { clientDataJSON, attestationObject, transports } = response;
  return {
    ...{ id, rawId, type: type as 'public-key', clientExtensionResults: {} },
    response: { clientDataJSON, attestationObject, transports: transports ?? [] },
  };
}

async function mapped<T>(ceremony: Promise<T>): Promise<T> {
  try {
    return await ceremony;
  } catch (thrown) {
    const name = thrown instanceof Error ? thrown.name : '';
    if (name === 'NotAllowedError' || name === 'AbortError') throw new Declined('Cancelled');
    throw new ApiProblem('not-ready', messageOf(thrown), { title: 'The passkey did not work', cause: thrown });
  }
}

function messageOf(thrown: unknown): string {
  const code = thrown instanceof WebAuthnError ? thrown.code : '';
  if (code === 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED')
    return 'This device holds a passkey of your account already. Use another device.';
  if (code === 'ERROR_INVALID_DOMAIN' || code === 'ERROR_INVALID_RP_ID')
    return 'Passkeys work only at the address that this Gatehouse is set up for.';
  if (code.includes('USER_VERIFICATION') || code.includes('DISCOVERABLE'))
    return 'This authenticator can’t check that it is you. Use one with a PIN, a fingerprint or a face.';
  return 'The browser or the authenticator refused. Try another one, or another way to sign in.';
}

/** "Chrome on Linux", for a new passkey's name. */
export function suggestedName(agent: string = navigator.userAgent): string {
  const find = (pairs: ReadonlyArray<readonly [RegExp, string]>) => pairs.find(([pattern]) => pattern.test(agent))?.[1];
  const browser = find([
    [/Edg\//, 'Edge'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]);
  const system = find([
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Mac OS X/, 'Mac'],
    [/CrOS/, 'ChromeOS'],
    [/Linux/, 'Linux'],
  ]);
  return [browser, system].filter(Boolean).join(' on ') || 'Passkey';
}
