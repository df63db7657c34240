import type { z } from 'zod';
import type { AdmissionRule, Connection, oidcSet } from '@gatehouse/core/api/sso.ts';

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** The set-up as it stands in the form: texts, until they are saved. */
export class Draft {
  issuer = $state('');
  clientId = $state('');
  authentication = $state<'secret' | 'key'>('secret');
  secret = $state('');
  /** a day, or '' */
  secretEnds = $state('');
  scopes = $state('openid profile email');
  name = $state('name');
  email = $state('email');
  groups = $state('');
  roles = $state('');
  externalId = $state('sub');
  rule = $state<AdmissionRule>('never');
  letIn = $state('');
  map = $state<Array<{ value: string; role: string }>>([]);
  stepUpAcr = $state('');
  followsToken = $state(false);
  signsOutThere = $state(false);
  backChannelLogout = $state(true);

  constructor({ config, secretExpiresAt }: Connection) {
    if (!config) return;
    const { claims, admission } = config;
    Object.assign(this, {
      ...{ issuer: config.issuer, clientId: config.clientId, authentication: config.authentication, scopes: config.scopes.join(' ') },
      ...{ secretEnds: secretExpiresAt?.slice(0, 10) ?? '', name: claims.name, email: claims.email, externalId: claims.externalId },
      ...{ groups: claims.groups ?? '', roles: claims.roles ?? '', rule: admission.rule, letIn: admission.groups.join('\n') },
      ...{ map: config.roles.map((each) => ({ ...each })), stepUpAcr: config.stepUpAcr.join('\n'), followsToken: config.followsToken },
      ...{ signsOutThere: config.signsOutThere, backChannelLogout: config.backChannelLogout },
    });
  }

  /** What would be sent now. */
  get values(): z.input<typeof oidcSet> {
    return {
      ...{ issuer: this.issuer.trim(), clientId: this.clientId, authentication: this.authentication },
      ...{ scopes: this.scopes.split(/\s+/).filter((scope) => scope !== '') },
      ...(this.secret === '' || this.authentication === 'key' ? {} : { secret: this.secret }),
      secretExpiresAt: this.secretEnds === '' ? null : `${this.secretEnds}T00:00:00Z`,
      claims: {
        ...{ name: this.name, email: this.email, externalId: this.externalId },
        ...{ groups: this.groups.trim() || null, roles: this.roles.trim() || null },
      },
      admission: { rule: this.rule, groups: this.rule === 'groups' ? lines(this.letIn) : [] },
      roles: this.map.filter(({ value, role }) => value.trim() !== '' && role !== ''),
      ...{ stepUpAcr: lines(this.stepUpAcr), followsToken: this.followsToken },
      ...{ signsOutThere: this.signsOutThere, backChannelLogout: this.backChannelLogout },
    };
  }
}
