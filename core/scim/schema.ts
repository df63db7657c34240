/** What Gatehouse declares of SCIM (RFC 7643): said once, for the schemas it shows, for filters, changes and what it keeps. */
export interface Attribute {
  name: string;
  type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex';
  description: string;
  multiValued?: true;
  /** left out: text is compared without regard to case */
  caseExact?: true;
  readOnly?: true;
  /** said when the entry is made, and not changed after */
  immutable?: true;
  required?: true;
  unique?: true;
  returned?: 'always' | 'request';
  /** values that make sense; others are taken, too */
  canonical?: readonly string[];
  /** kinds of resources that a reference may name */
  references?: readonly string[];
  subs?: readonly Attribute[];
}

export interface Extension {
  schema: string;
  name: string;
  attributes: readonly Attribute[];
}

export interface ResourceType {
  name: 'User' | 'Group';
  endpoint: '/Users' | '/Groups';
  schema: string;
  description: string;
  /** without those that every resource has */
  attributes: readonly Attribute[];
  extensions: readonly Extension[];
}

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE_SCHEMA = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

const string = (name: string, description: string, facts: Partial<Attribute> = {}): Attribute => ({
  ...{ name, type: 'string', description },
  ...facts,
});
const complex = (name: string, description: string, subs: readonly Attribute[], facts: Partial<Attribute> = {}): Attribute => ({
  ...{ name, type: 'complex', description, subs },
  ...facts,
});

/** A list whose entries have a value, a kind, and of which one may be the primary one. */
const list = (name: string, description: string, kinds: readonly string[], facts: Partial<Attribute> = {}): Attribute =>
  complex(
    name,
    description,
    [
      string('value', 'The value itself', facts.required ? { required: true } : {}),
      string('display', 'How it is shown'),
      string('type', 'What it is used for', kinds.length > 0 ? { canonical: kinds } : {}),
      { name: 'primary', type: 'boolean', description: 'Whether it is the preferred one' },
    ],
    { multiValued: true, ...facts },
  );

/** On every resource (RFC 7643 §3.1). */
export const COMMON: readonly Attribute[] = [
  string('id', 'Gatehouse’s own id of it', { caseExact: true, readOnly: true, unique: true, returned: 'always' }),
  string('externalId', 'The id that the directory knows it by', { caseExact: true }),
  complex(
    'meta',
    'What Gatehouse knows of the resource',
    [
      string('resourceType', 'User or Group', { caseExact: true, readOnly: true }),
      { name: 'created', type: 'dateTime', description: 'When it came', readOnly: true },
      { name: 'lastModified', type: 'dateTime', description: 'When it changed', readOnly: true },
      { name: 'location', type: 'reference', description: 'Where it is', caseExact: true, readOnly: true, references: ['uri'] },
      string('version', 'Its ETag', { caseExact: true, readOnly: true }),
    ],
    { readOnly: true },
  ),
];

const user: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  schema: USER_SCHEMA,
  description: 'A person',
  attributes: [
    string('userName', 'What the directory calls the person; unique', { required: true, unique: true }),
    complex('name', 'The parts of the name', [
      string('formatted', 'The whole name'),
      string('familyName', 'Family name'),
      string('givenName', 'Given name'),
      string('middleName', 'Middle name'),
      string('honorificPrefix', 'Title before the name'),
      string('honorificSuffix', 'What follows the name'),
    ]),
    string('displayName', 'The name that Gatehouse shows'),
    string('nickName', 'What the person is called'),
    { name: 'profileUrl', type: 'reference', description: 'A page about the person', caseExact: true, references: ['external'] },
    string('title', 'Job title'),
    string('userType', 'Kind of employment'),
    string('preferredLanguage', 'Language'),
    string('locale', 'Region whose formats the person reads'),
    string('timezone', 'Time zone'),
    { name: 'active', type: 'boolean', description: 'Whether the person may work; false ends their sessions at once', required: true },
    list(
      'emails',
      'Addresses; the primary one is the person’s at Gatehouse. A userName that is an address stands for one',
      ['work', 'home', 'other'],
      { required: true },
    ),
    list('phoneNumbers', 'Telephone numbers', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    complex(
      'addresses',
      'Postal addresses',
      [
        string('formatted', 'The whole address'),
        string('streetAddress', 'Street'),
        string('locality', 'Town'),
        string('region', 'Region'),
        string('postalCode', 'Postal code'),
        string('country', 'Country'),
        string('type', 'What it is used for', { canonical: ['work', 'home', 'other'] }),
        { name: 'primary', type: 'boolean', description: 'Whether it is the preferred one' },
      ],
      { multiValued: true },
    ),
    list('roles', 'Roles in the directory; kept, and given no meaning here', []),
    list('entitlements', 'Entitlements in the directory; kept, and given no meaning here', []),
    complex(
      'groups',
      'Groups of the same directory that the person is in',
      [
        string('value', 'Id of the group', { caseExact: true, readOnly: true }),
        { name: '$ref', type: 'reference', description: 'Where the group is', caseExact: true, readOnly: true, references: ['Group'] },
        string('display', 'Name of the group', { readOnly: true }),
        string('type', 'Directly or through another group', { readOnly: true, canonical: ['direct'] }),
      ],
      { multiValued: true, readOnly: true },
    ),
  ],
  extensions: [
    {
      schema: ENTERPRISE_SCHEMA,
      name: 'EnterpriseUser',
      attributes: [
        string('employeeNumber', 'Number in the organisation'),
        string('costCenter', 'Cost centre'),
        string('organization', 'Organisation'),
        string('division', 'Division'),
        string('department', 'Department'),
        complex('manager', 'Who the person reports to', [
          string('value', 'Id of the manager', { caseExact: true }),
          string('displayName', 'Name of the manager', { readOnly: true }),
        ]),
      ],
    },
  ],
};

const group: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  schema: GROUP_SCHEMA,
  description: 'A group of people and other groups',
  attributes: [
    string('displayName', 'Its name; unique in the organisation', { required: true, unique: true }),
    complex(
      'members',
      'People and groups of the same directory',
      [
        string('value', 'Id of the member', { caseExact: true, immutable: true }),
        {
          name: '$ref',
          type: 'reference',
          description: 'Where the member is',
          caseExact: true,
          immutable: true,
          references: ['User', 'Group'],
        },
        string('type', 'User or Group', { canonical: ['User', 'Group'], immutable: true }),
        string('display', 'Name of the member, where it is asked for', { readOnly: true, returned: 'request' }),
      ],
      { multiValued: true },
    ),
  ],
  extensions: [],
};

export const RESOURCE_TYPES = { User: user, Group: group } as const;
