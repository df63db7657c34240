import type { Check, Discovery, OidcConfig } from '@gatehouse/core/api/sso.ts';
import type { ProviderPreset } from '@gatehouse/core/api/identity-providers.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { providerResource } from '../providers/providers.ts';
import { connectionToChange } from './connections.ts';
import { keepMetadata, noteError, type Metadata } from './connections.store.ts';
import { faultOf } from './fetching.ts';
import { discover, shownMetadata, SIGNATURES } from './metadata.ts';

/** Asks the provider what it is, and says of each thing whether it fits. @throws AppError `not-found`, `not-ready` */
export async function discoverProvider(ctx: UserContext, id: string): Promise<Discovery> {
  const row = await connectionToChange(ctx, id, 'idp.test');
  if (row.oidc === null) throw new AppError('not-ready', 'Say first which issuer it is');
  const event = (outcome: 'success' | 'failure', reason?: string) =>
    eventOf(ctx, {
      ...{ action: 'idp.test', resource: providerResource(row), outcome, status: 200, details: { issuer: row.oidc?.issuer ?? '' } },
      ...(reason === undefined ? {} : { reason }),
    });
  try {
    const found = await discover(ctx, row.oidc.issuer);
    await commit(ctx, { changes: [keepMetadata(ctx.db, id, found)], events: [event('success')] });
    return { checks: checksOf(found, row.oidc, row.preset), discovered: shownMetadata(found) };
  } catch (error) {
    const said = faultOf(error);
    await commit(ctx, { changes: [noteError(ctx.db, id, said, ctx.now().toISOString())], events: [event('failure', said)] });
    return { checks: [{ name: 'Discovery', result: 'bad', said: hinted(said, row.oidc.issuer, row.preset) }], discovered: null };
  }
}

/** The error, with what it is most often. */
function hinted(said: string, issuer: string, preset: ProviderPreset): string {
  if (preset === 'entra' && /\/(common|organizations|consumers)\//.test(issuer))
    return `${said}. Use the issuer of your own directory, with its tenant id in it: “common” stands for every directory there is.`;
  if (preset === 'keycloak' && !issuer.includes('/realms/'))
    return `${said}. The issuer of Keycloak ends with /realms/ and the realm’s name.`;
  return said;
}

function checksOf({ server, jwks }: Metadata, config: OidcConfig, preset: ProviderPreset): Check[] {
  const check = (name: string, good: boolean, yes: string, no: string, otherwise: 'warn' | 'bad'): Check => ({
    ...{ name, result: good ? 'good' : otherwise, said: good ? yes : no },
  });
  const unknown = config.scopes.filter((scope) => server.scopes_supported.length > 0 && !server.scopes_supported.includes(scope));
  const algorithms = server.id_token_signing_alg_values_supported.filter((alg) => SIGNATURES.includes(alg));
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const ours = config.authentication === 'key' ? ['private_key_jwt'] : ['client_secret_basic', 'client_secret_post'];
  return [
    { name: 'Discovery', result: 'good', said: `${server.issuer} describes itself.` },
    check(
      'Keys',
      jwks.keys.length > 0,
      `${jwks.keys.length} keys are published.`,
      'No key is published: no token could be checked.',
      'bad',
    ),
    check(
      'Signatures',
      algorithms.length > 0,
      `Tokens are signed by ${algorithms.join(', ')}.`,
      'No signature that counts here is offered.',
      'bad',
    ),
    check(
      'Authentication',
      ours.some((method) => methods.includes(method)),
      config.authentication === 'key' ? 'It takes a signature of our key.' : 'It takes a client secret.',
      `It takes ${methods.join(', ')}: choose the other authentication.`,
      'bad',
    ),
    check(
      'PKCE',
      server.code_challenge_methods_supported?.includes('S256') === true,
      'It checks who a code was made for (S256).',
      'It does not say that it checks who a code was made for. It is sent all the same.',
      'warn',
    ),
    check(
      'Answers name their issuer',
      server.authorization_response_iss_parameter_supported === true,
      'An answer of another provider is told apart (RFC 9207).',
      'Answers do not say whose they are. Each sign-in is still bound to this provider by its state, nonce and tokens.',
      'warn',
    ),
    check('Scopes', unknown.length === 0, 'It knows all scopes.', `It does not name ${unknown.join(', ')}.`, 'warn'),
    check(
      'Back-channel logout',
      !config.backChannelLogout || server.backchannel_logout_supported === true,
      config.backChannelLogout ? 'It can end sessions here.' : 'It is switched off.',
      preset === 'google' || preset === 'entra'
        ? 'It can’t end sessions here: suspend people here, or let SCIM do it.'
        : 'It does not say that it can end sessions here.',
      'warn',
    ),
  ];
}
