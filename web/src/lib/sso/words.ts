import type { AdmissionRule, DryRun } from '@gatehouse/core/api/sso.ts';
import type { ProviderPreset } from '@gatehouse/core/api/identity-providers.ts';
import type { Tone } from '#lib/components/Status.svelte';

interface Guide {
  /** what to do there, in order */
  steps: readonly string[];
  issuer: string;
  /** what goes wrong there, and how not to fall for it */
  trap: string;
}

export const GUIDES: Record<ProviderPreset, Guide> = {
  okta: {
    steps: [
      'In the Admin console, open Applications and choose Create App Integration: OIDC, Web Application.',
      'Paste the redirect address as sign-in redirect URI, and the address after sign-out as sign-out redirect URI.',
      'Assign the people or groups who may sign in.',
      'For groups: on the tab Sign On, add a groups claim named groups with a filter as narrow as possible.',
    ],
    issuer: 'https://your-company.okta.com',
    trap: 'Okta sends at most 100 groups and cuts the rest without saying so. Gatehouse leaves groups alone then. Let SCIM keep groups.',
  },
  entra: {
    steps: [
      'In the Entra admin centre, open App registrations and choose New registration, for accounts in this directory only.',
      'Paste the redirect address as a redirect URI of the platform Web.',
      'Under Certificates & secrets make a client secret, and note the day it ends.',
      'Under Token configuration add the optional claims email and auth_time to the ID token.',
      'For roles: make app roles, assign them under Enterprise applications, and map the claim roles.',
    ],
    issuer: 'https://login.microsoftonline.com/TENANT-ID/v2.0',
    trap: 'Entra names groups by object id and leaves them out above 200. Prefer app roles, or let SCIM keep groups. For SCIM, the claim that matches externalId is usually oid.',
  },
  google: {
    steps: [
      'In the Google Cloud console, open APIs & Services, Credentials, and make an OAuth client ID of the type Web application.',
      'Paste the redirect address as an authorised redirect URI.',
      'Set the consent screen to Internal, so that only your organisation signs in.',
    ],
    issuer: 'https://accounts.google.com',
    trap: 'Everybody with a Google account has this issuer. Never let anybody in: choose people of a proved domain. Google sends no groups and no back-channel logout.',
  },
  keycloak: {
    steps: [
      'In the realm, make a client of the type OpenID Connect with client authentication on and the standard flow.',
      'Paste the redirect address as a valid redirect URI, and the address after sign-out as a valid post logout redirect URI.',
      'Paste the back-channel logout URL, and leave “session required” on.',
      'For groups: add a mapper Group Membership named groups, without the full path, to the ID token.',
    ],
    issuer: 'https://keycloak.example.com/realms/your-realm',
    trap: 'A realm with self-registration verifies no addresses unless it is told to. Switch “verify email” on before you trust it with a domain.',
  },
  other: {
    steps: ['Make a client for the authorization code flow with a secret or our public key.', 'Paste the redirect address.'],
    issuer: 'https://idp.example.com',
    trap: 'It must publish /.well-known/openid-configuration and sign its tokens with a key pair.',
  },
};

export const RULES: Record<AdmissionRule, { label: string; says: string }> = {
  never: { label: 'Nobody new', says: 'Only people who are here already, by invitation or SCIM.' },
  domain: { label: 'People of a proved domain', says: 'Whose mail domain is proved and assigned to this provider.' },
  groups: { label: 'People in certain groups', says: 'As the groups claim of the token names them.' },
  anybody: { label: 'Anybody who can sign in there', says: 'Only for providers that know nobody but your people.' },
};

export const OUTCOMES: Record<DryRun['outcome'], { tone: Tone; word: string }> = {
  enter: { tone: 'ok', word: 'Would come in' },
  link: { tone: 'ok', word: 'Would be tied to a person who is here' },
  create: { tone: 'info', word: 'Would be added' },
  refuse: { tone: 'bad', word: 'Would be refused' },
};
