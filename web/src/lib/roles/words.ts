/** What a permission is about, as the picker groups them; a resource that is missing here is called by itself. */
export const RESOURCE_NAMES: Readonly<Record<string, string>> = {
  tenant: 'Organisation',
  policy: 'Security policy',
  user: 'People',
  group: 'Groups',
  role: 'Roles',
  'service-account': 'Service accounts',
  token: 'API tokens',
  access: 'Access review',
  template: 'Templates',
  workspace: 'Workspaces',
  runner: 'Runners',
  audit: 'Audit log',
  finding: 'Findings',
  siem: 'SIEM',
};
