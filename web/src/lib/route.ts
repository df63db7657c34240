/** The address of every page, in one place. Secrets stand only in fragments, which no server sees. */

type Query = Record<string, string | undefined>;

function withQuery(path: string, query: Query): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}

const id = encodeURIComponent;

export const route = {
  home: () => '/',
  apiReference: () => '/docs/api',
  signUp: () => '/signup',
  /** @param next path to return to afterwards */
  signIn: (next?: string) => withQuery('/signin', { next }),
  /** the same, for somebody whose session ended while they looked */
  signInAgain: (next: string) => withQuery('/signin', { next, ended: 'true' }),

  /** asks for a link that sets a new password */
  reset: () => '/reset',
  /** where somebody is led whose organisation requires a second factor */
  secondFactor: (next?: string) => withQuery('/second-factor', { next }),

  /** how the organisation stands */
  overview: (query: { range?: '7d' } = {}) => withQuery('/overview', query),
  workspaces: (query: { all?: string; trash?: string } = {}) => withQuery('/workspaces', query),
  /** @param versionId a draft, to try it */
  newWorkspace: (templateId?: string, versionId?: string) => withQuery('/workspaces/new', { template: templateId, version: versionId }),
  workspaceLog: (workspaceId: string) => `/workspaces/${id(workspaceId)}/log`,
  workspaceNetwork: (workspaceId: string) => `/workspaces/${id(workspaceId)}/network`,
  workspaceSnapshots: (workspaceId: string) => `/workspaces/${id(workspaceId)}/snapshots`,
  /** what another version of its template would change */
  updateWorkspace: (workspaceId: string) => `/workspaces/${id(workspaceId)}/update`,
  deleteWorkspace: (workspaceId: string) => `/workspaces/${id(workspaceId)}/delete`,
  transferWorkspace: (workspaceId: string) => `/workspaces/${id(workspaceId)}/transfer`,
  renameWorkspace: (workspaceId: string) => `/workspaces/${id(workspaceId)}/rename`,
  /** asks for another name where its own is taken by now */
  restoreWorkspace: (workspaceId: string) => withQuery(`/workspaces/${id(workspaceId)}/restore`, { trash: 'true' }),
  /** deletes for good what is in the trash */
  purgeWorkspace: (workspaceId: string) => withQuery(`/workspaces/${id(workspaceId)}/purge`, { trash: 'true' }),
  /** the editor and terminals of a workspace */
  ide: (workspaceId: string) => `/w/${id(workspaceId)}`,

  /** opens a web app or port of a workspace, on its own host */
  app: (workspaceId: string, label: string) => `/w/${id(workspaceId)}/apps/${id(label)}`,

  templates: (query: { may?: string; q?: string } = {}) => withQuery('/templates', query),
  newTemplate: () => '/templates/new',
  /** @param query.edit its content, as a new version or as the draft */
  template: (templateId: string, query: { edit?: string } = {}) => withQuery(`/templates/${id(templateId)}`, query),
  templateVersions: (templateId: string) => `/templates/${id(templateId)}/versions`,
  templateParameters: (templateId: string) => `/templates/${id(templateId)}/parameters`,
  templateWorkspaces: (templateId: string) => `/templates/${id(templateId)}/workspaces`,
  templateSettings: (templateId: string) => `/templates/${id(templateId)}/settings`,
  templatePermissions: (templateId: string) => `/templates/${id(templateId)}/permissions`,
  templatePolicy: (templateId: string) => `/templates/${id(templateId)}/policy`,

  requests: () => '/requests',
  accessRequests: (query: { state?: string } = {}) => withQuery('/access-requests', query),
  accessReview: (query: Query = {}) => withQuery('/access/review', query),

  runners: () => '/runners',
  enrolRunner: () => '/runners/enrol',
  quotas: () => '/runners/quotas',
  users: (query: Query = {}) => withQuery('/users', query),
  inviteUser: () => '/users/invite',
  groups: () => '/groups',
  newGroup: () => '/groups?new',
  group: (groupId: string) => `/groups/${id(groupId)}`,
  groupAccess: (groupId: string) => `/groups/${id(groupId)}/access`,
  providers: () => '/identity-providers',
  newProvider: () => '/identity-providers/new',
  mailDomains: () => '/identity-providers/domains',
  provider: (providerId: string) => `/identity-providers/${id(providerId)}`,
  providerSignIn: (providerId: string) => `/identity-providers/${id(providerId)}/sign-in`,
  providerProvisioning: (providerId: string) => `/identity-providers/${id(providerId)}/provisioning`,
  providerGroups: (providerId: string) => `/identity-providers/${id(providerId)}/groups`,
  roles: () => '/roles',
  newRole: () => '/roles/new',
  role: (roleId: string) => `/roles/${id(roleId)}`,
  user: (userId: string) => `/users/${id(userId)}`,
  serviceAccounts: (query: Query = {}) => withQuery('/service-accounts', query),
  newServiceAccount: () => '/service-accounts/new',
  serviceAccount: (accountId: string) => `/service-accounts/${id(accountId)}`,
  tokens: (query: Query = {}) => withQuery('/tokens', query),
  account: () => '/account',
  accountSecurity: () => '/account/security',
  accountGit: () => '/account/git',
  organisation: () => '/organisation',
  /** where snapshots of homes go */
  snapshotSettings: () => '/organisation/snapshots',

  audit: (query: Query = {}) => withQuery('/audit', query),
  findings: (query: Query = {}) => withQuery('/findings', query),
  finding: (findingId: string) => `/findings/${id(findingId)}`,
  detectionRules: () => '/findings/rules',
  recordings: (query: Query = {}) => withQuery('/recordings', query),
  /** @param t seconds from its beginning */
  recording: (recordingId: string, query: { t?: string } = {}) => withQuery(`/recordings/${id(recordingId)}`, query),
  siem: () => '/siem',
  newDestination: () => '/siem/new',
  destination: (destinationId: string) => `/siem/${id(destinationId)}`,
  /** the checkpoint of the log, and the proof of an event by its number */
  integrity: (query: { event?: string } = {}) => withQuery('/integrity', query),
  policy: () => '/policy',
  rulesFile: () => '/policy?file',
  deploymentSecurity: () => '/deployment/security',
  localMail: () => '/local/mail',
} as const;

/** A path of this app, from text that somebody else may have written: never another site. */
export function ownPath(text: string | null): string | null {
  if (text === null || !text.startsWith('/')) return null;
  const url = new URL(text, location.origin);
  return url.origin === location.origin ? url.pathname + url.search + url.hash : null;
}
