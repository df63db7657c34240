import type { AuditAction, AuditEvent } from './event.ts';
import { holderOf } from './export.ts';

/** Of the published schema; a newer one gets a table of its own. */
export const OCSF_VERSION = '1.8.0';

/** The classes that our actions belong to, with those of their activities that we use. */
export const OCSF_CLASSES = {
  authentication: { uid: 3002, category: 3, activities: { Logon: 1, Logoff: 2, Preauth: 6 } },
  account_change: {
    uid: 3001,
    category: 3,
    activities: {
      ...{ Create: 1, Enable: 2, 'Password Change': 3, 'Password Reset': 4, Disable: 5, Delete: 6 },
      ...{ 'MFA Factor Enable': 10, 'MFA Factor Disable': 11 },
    },
  },
  entity_management: {
    uid: 3004,
    category: 3,
    activities: {
      ...{ Create: 1, Read: 2, Update: 3, Delete: 4, Enroll: 6, Unenroll: 7 },
      ...{ Activate: 10, Suspend: 12, Resume: 13 },
    },
  },
  user_access: { uid: 3005, category: 3, activities: { 'Assign Privileges': 1, 'Revoke Privileges': 2 } },
  group_management: {
    uid: 3006,
    category: 3,
    activities: {
      ...{ 'Assign Privileges': 1, 'Revoke Privileges': 2, 'Add User': 3, 'Remove User': 4, Delete: 5, Create: 6 },
      ...{ 'Add Subgroup': 7, 'Remove Subgroup': 8 },
    },
  },
  detection_finding: { uid: 2004, category: 2, activities: { Create: 1, Update: 2, Close: 3 } },
  network_activity: { uid: 4001, category: 4, activities: { Open: 1, Close: 2, Fail: 4, Refuse: 5 } },
  application_lifecycle: { uid: 6002, category: 6, activities: { Install: 1, Remove: 2, Start: 3, Stop: 4, Restart: 5 } },
  api_activity: { uid: 6003, category: 6, activities: { Create: 1, Read: 2, Update: 3, Delete: 4 } },
} as const;

export type OcsfClass = keyof typeof OCSF_CLASSES;
/** A class and its activity; what the class has no word for is `Other`, with ours. */
export type OcsfMapping = {
  [C in OcsfClass]: readonly [C, keyof (typeof OCSF_CLASSES)[C]['activities']] | readonly [C, 'Other', string];
}[OcsfClass];
type Choice = OcsfMapping | ((event: AuditEvent) => OcsfMapping);

/** OCSF 1.8.0: the class and activity of every action. A new action does not compile until it stands here. */
export const OCSF_ACTIONS: Record<AuditAction, Choice> = {
  'tenant.create': ['entity_management', 'Create'],
  'tenant.update': ['entity_management', 'Update'],
  'tenant.suspend': ['entity_management', 'Suspend'],
  'tenant.activate': ['entity_management', 'Activate'],
  'tenant.rekey': ['entity_management', 'Update'],
  'user.sign_in': ['authentication', 'Logon'],
  'user.sign_out': ['authentication', 'Logoff'],
  'user.sign_out_everywhere': ['authentication', 'Logoff'],
  'user.request_verification': ['account_change', 'Other', 'E-mail Verification Request'],
  'user.verify_email': ['account_change', 'Other', 'E-mail Verification'],
  'user.owe_second_factor': ['authentication', 'Preauth'],
  'user.step_up': ['authentication', 'Other', 'Step-up'],
  'user.change_password': ['account_change', 'Password Change'],
  'user.request_password_reset': ['account_change', 'Other', 'Password Reset Request'],
  'user.reset_password': ['account_change', 'Password Reset'],
  'user.reset_factors': ['account_change', 'MFA Factor Disable'],
  'user.sign_out_others': ['authentication', 'Logoff'],
  'git_credential.read': ['entity_management', 'Read'],
  'git_credential.add': ['account_change', 'Other', 'Git Credential Add'],
  'git_credential.remove': ['account_change', 'Other', 'Git Credential Remove'],
  'ide_settings.update': ['account_change', 'Other', 'Editor Settings Update'],
  'passkey.add': ['account_change', 'MFA Factor Enable'],
  'passkey.rename': ['account_change', 'Other', 'MFA Factor Rename'],
  'passkey.remove': ['account_change', 'MFA Factor Disable'],
  'totp.enable': ['account_change', 'MFA Factor Enable'],
  'totp.disable': ['account_change', 'MFA Factor Disable'],
  'recovery_codes.create': ['account_change', 'Other', 'Recovery Codes Creation'],
  'recovery_code.use': ['authentication', 'Other', 'Recovery Code Use'],
  'user.provision': ['account_change', 'Create'],
  'user.link': ['account_change', 'Other', 'Link'],
  'user.join': ['account_change', 'Create'],
  'user.update': ['account_change', 'Other', 'Update'],
  'user.suspend': ['account_change', 'Disable'],
  'user.activate': ['account_change', 'Enable'],
  'user.delete': ['account_change', 'Delete'],
  'session.end': ['authentication', 'Logoff'],
  'session.bind_key': ['authentication', 'Other', 'Session Key Binding'],
  'invitation.create': ['entity_management', 'Create'],
  'invitation.revoke': ['entity_management', 'Delete'],
  'group.create': ['group_management', 'Create'],
  'group.update': ['group_management', 'Other', 'Update'],
  'group.delete': ['group_management', 'Delete'],
  'group.members.update': membersActivity,
  'group.managers.update': ['group_management', 'Other', 'Managers Update'],
  'role.create': ['entity_management', 'Create'],
  'role.update': ['entity_management', 'Update'],
  'role.delete': ['entity_management', 'Delete'],
  'role.assign': (event) => holderActivity(event, 'Assign Privileges'),
  'role.extend': (event) => holderActivity(event, 'Assign Privileges'),
  'role.unassign': (event) => holderActivity(event, 'Revoke Privileges'),
  'service_account.create': ['account_change', 'Create'],
  'service_account.update': ['account_change', 'Other', 'Update'],
  'service_account.suspend': ['account_change', 'Disable'],
  'service_account.activate': ['account_change', 'Enable'],
  'service_account.delete': ['account_change', 'Delete'],
  'token.create': ['api_activity', 'Create'],
  'token.revoke': ['api_activity', 'Delete'],
  'token.use': ['api_activity', 'Other', 'Token Use'],
  'template.create': ['entity_management', 'Create'],
  'template.update': ['entity_management', 'Update'],
  'template.publish': ['entity_management', 'Update'],
  'template.draft.save': ['entity_management', 'Update'],
  'template.draft.discard': ['entity_management', 'Update'],
  'template.deprecate': ['entity_management', 'Update'],
  'template.restore': ['entity_management', 'Update'],
  'template.require': ['entity_management', 'Update'],
  'template.secrets.update': ['entity_management', 'Update'],
  'template.delete': ['entity_management', 'Delete'],
  'template.acl.update': ['entity_management', 'Update'],
  'access.explain': ['api_activity', 'Read'],
  'access.review': ['api_activity', 'Read'],
  'access.export': ['api_activity', 'Read'],
  'config.export': ['api_activity', 'Read'],
  'access.preview': ['api_activity', 'Read'],
  'access_request.create': ['entity_management', 'Create'],
  'access_request.approve': (event) => holderActivity(event, 'Assign Privileges'),
  'access_request.deny': ['entity_management', 'Other', 'Deny'],
  'access_request.withdraw': ['entity_management', 'Delete'],
  'template.read': ['entity_management', 'Read'],
  'tenant.quota': ['entity_management', 'Update'],
  'group.quota': ['group_management', 'Other', 'Update'],
  'user.quota': ['entity_management', 'Update'],
  'runner.enrollment.create': ['entity_management', 'Create'],
  'runner.enroll': ['entity_management', 'Enroll'],
  'runner.confirm': ['entity_management', 'Activate'],
  'runner.update': ['entity_management', 'Update'],
  'runner.drain': ['entity_management', 'Update'],
  'runner.drain.lift': ['entity_management', 'Update'],
  'runner.revoke': ['entity_management', 'Suspend'],
  'runner.rotate_key': ['entity_management', 'Update'],
  'runner.remove': ['entity_management', 'Unenroll'],
  'runner.connect': ['application_lifecycle', 'Start'],
  'runner.disconnect': ['application_lifecycle', 'Stop'],
  'workspace.create': ['application_lifecycle', 'Install'],
  'workspace.start': ['application_lifecycle', 'Start'],
  'workspace.update': ['entity_management', 'Update'],
  'workspace.stop': ['application_lifecycle', 'Stop'],
  'workspace.postpone': ['entity_management', 'Update'],
  'workspace.restart': ['application_lifecycle', 'Restart'],
  'workspace.transfer': ['entity_management', 'Update'],
  'workspace.rename': ['entity_management', 'Update'],
  'workspace.restore': ['entity_management', 'Update'],
  'workspace.purge': ['application_lifecycle', 'Remove'],
  'workspace.delete': ['application_lifecycle', 'Remove'],
  'workspace.read': ['entity_management', 'Read'],
  'workspace.running': ['application_lifecycle', 'Start'],
  'workspace.stopped': ['application_lifecycle', 'Stop'],
  'workspace.deleted': ['application_lifecycle', 'Remove'],
  'egress.connect': (event) => connectionActivity(event, ['network_activity', 'Open']),
  'git.fetch': ['entity_management', 'Read'],
  'git.push': ['entity_management', 'Update'],
  'connection.open': (event) => connectionActivity(event, ['network_activity', 'Open']),
  'connection.join': (event) => connectionActivity(event, ['network_activity', 'Other', 'Join']),
  'connection.drive': (event) => connectionActivity(event, ['network_activity', 'Other', 'Drive']),
  'app.open': (event) => connectionActivity(event, ['network_activity', 'Open']),
  'app.close': (event) => connectionActivity(event, ['network_activity', 'Close']),
  'port.open': (event) => connectionActivity(event, ['network_activity', 'Open']),
  'port.close': (event) => connectionActivity(event, ['network_activity', 'Close']),
  'connection.read': (event) => connectionActivity(event, ['network_activity', 'Other', 'Read']),
  'connection.block': ['network_activity', 'Refuse'],
  'connection.end': (event) => connectionActivity(event, ['network_activity', 'Close']),
  'siem.create': ['entity_management', 'Create'],
  'siem.update': ['entity_management', 'Update'],
  'siem.delete': ['entity_management', 'Delete'],
  'siem.pause': ['entity_management', 'Suspend'],
  'siem.resume': ['entity_management', 'Resume'],
  'siem.test': ['entity_management', 'Other', 'Test'],
  'siem.failing': ['entity_management', 'Other', 'Delivery Failure'],
  'siem.recovered': ['entity_management', 'Other', 'Delivery Recovery'],
  'siem.rotate_secret': ['entity_management', 'Update'],
  'siem.stalled': ['entity_management', 'Other', 'Delivery Failure'],
  'siem.set_aside': ['entity_management', 'Other', 'Event Set Aside'],
  'siem.set_aside.retry': ['entity_management', 'Other', 'Event Retry'],
  'siem.set_aside.dismiss': ['entity_management', 'Other', 'Event Dismissal'],
  'siem.replay.start': ['entity_management', 'Other', 'Replay Start'],
  'siem.replay.cancel': ['entity_management', 'Other', 'Replay Cancellation'],
  'siem.replay.finish': ['entity_management', 'Other', 'Replay End'],
  'audit.read': ['api_activity', 'Read'],
  'audit.export': ['api_activity', 'Read'],
  'audit.rebuild': ['entity_management', 'Other', 'Rebuild'],
  'audit.checkpoint': ['entity_management', 'Other', 'Checkpoint'],
  'audit.purge': ['entity_management', 'Delete'],
  'audit.erase': ['entity_management', 'Delete'],
  'audit.erase.finish': ['entity_management', 'Delete'],
  'audit.rotate_key': ['entity_management', 'Update'],
  'finding.open': ['detection_finding', 'Create'],
  'finding.acknowledge': (event) => findingActivity(event, ['detection_finding', 'Update']),
  'finding.resolve': (event) => findingActivity(event, ['detection_finding', 'Close']),
  'finding.reopen': (event) => findingActivity(event, ['detection_finding', 'Update']),
  'workspace.snapshot.ask': ['entity_management', 'Create'],
  'workspace.snapshot': ['entity_management', 'Create'],
  'workspace.snapshot.delete': ['entity_management', 'Delete'],
  'workspace.home.restore': ['entity_management', 'Update'],
  'workspace.home.restored': ['entity_management', 'Update'],
  'workspace.move': ['entity_management', 'Update'],
  'snapshot.settings': ['entity_management', 'Update'],
  'snapshot.test': ['entity_management', 'Read'],
  'recording.start': ['entity_management', 'Create'],
  'recording.finish': ['entity_management', 'Update'],
  'idp.read': ['entity_management', 'Read'],
  'idp.create': ['entity_management', 'Create'],
  'idp.update': ['entity_management', 'Update'],
  'idp.delete': ['entity_management', 'Delete'],
  'idp.test': ['entity_management', 'Read'],
  'idp.require': ['entity_management', 'Update'],
  'idp.domain.add': ['entity_management', 'Create'],
  'idp.domain.verify': ['entity_management', 'Update'],
  'idp.domain.update': ['entity_management', 'Update'],
  'idp.domain.lapse': ['entity_management', 'Update'],
  'idp.domain.remove': ['entity_management', 'Delete'],
  'idp.token.create': ['entity_management', 'Create'],
  'idp.token.revoke': ['entity_management', 'Delete'],
  'idp.token.use': ['entity_management', 'Read'],
  'idp.mapping.add': ['entity_management', 'Create'],
  'idp.mapping.remove': ['entity_management', 'Delete'],
  'idp.sync': ['entity_management', 'Update'],
  'recording.read': ['entity_management', 'Read'],
  'recording.search': ['entity_management', 'Read'],
  'recording.watch': ['entity_management', 'Read'],
  'recording.export': ['entity_management', 'Read'],
  'recording.delete': ['entity_management', 'Delete'],
  'recording.policy': ['entity_management', 'Update'],
  'policy.update': ['entity_management', 'Update'],
  'policy.read': ['entity_management', 'Read'],
  'request.denied': (event) => requestActivity(event),
};

/** Severities of OCSF. */
export const SEVERITIES = { Informational: 1, Low: 2, Medium: 3, High: 4 } as const;
export type Severity = keyof typeof SEVERITIES;

/** What an analyst looks at although it succeeded. */
export const NOTABLE: Partial<Record<AuditAction, Severity>> = {
  'tenant.suspend': 'Medium',
  'user.reset_factors': 'Medium',
  'user.delete': 'Low',
  'user.change_password': 'Low',
  'user.reset_password': 'Low',
  'passkey.remove': 'Low',
  'totp.disable': 'Low',
  'recovery_code.use': 'Low',
  'role.create': 'Low',
  'role.update': 'Low',
  'role.assign': 'Low',
  'role.extend': 'Low',
  'token.create': 'Low',
  'access.export': 'Low',
  'siem.update': 'Low',
  'siem.pause': 'Medium',
  'siem.delete': 'Medium',
  'siem.failing': 'High',
  'siem.stalled': 'High',
  'siem.set_aside': 'Medium',
  'siem.set_aside.dismiss': 'Medium',
  'audit.erase': 'Medium',
  'audit.erase.finish': 'Medium',
  'audit.rotate_key': 'Medium',
  'runner.revoke': 'Medium',
  'runner.rotate_key': 'Low',
  'policy.update': 'Low',
  'recording.watch': 'Low',
  'recording.export': 'Low',
  'recording.delete': 'Medium',
  'recording.policy': 'Medium',
  'workspace.snapshot.delete': 'Low',
  'workspace.home.restore': 'Low',
  'workspace.move': 'Low',
  'snapshot.settings': 'Medium',
};

/** The activity of one event. */
export function ocsfMapping(event: AuditEvent): OcsfMapping {
  const choice: Choice = OCSF_ACTIONS[event.action];
  return typeof choice === 'function' ? choice(event) : choice;
}

/** Members that came and went at once are no single activity of OCSF. */
function membersActivity({ diff }: AuditEvent): OcsfMapping {
  const kinds = new Set(
    diff.map(({ path, new: now }) => `${now === null ? 'Remove' : 'Add'} ${path.startsWith('members.group') ? 'Subgroup' : 'User'}`),
  );
  const [kind] = kinds;
  if (kinds.size !== 1) return ['group_management', 'Other', 'Members Update'];
  return ['group_management', kind as 'Add User' | 'Remove User' | 'Add Subgroup' | 'Remove Subgroup'];
}

/** Whoever got or lost a right may be a person or a group; a refused attempt may name nobody. */
function holderActivity(event: AuditEvent, activity: 'Assign Privileges' | 'Revoke Privileges'): OcsfMapping {
  const holder = holderOf(event);
  if (holder === null) return ['entity_management', 'Update'];
  return holder.type === 'group' ? ['group_management', activity] : ['user_access', activity];
}

/** Whoever may not say how a finding stands has changed nothing of it. */
const findingActivity = ({ outcome }: AuditEvent, activity: OcsfMapping): OcsfMapping =>
  outcome === 'success' ? activity : ['api_activity', 'Update'];

function connectionActivity({ outcome }: AuditEvent, activity: OcsfMapping): OcsfMapping {
  if (outcome === 'success') return activity;
  return ['network_activity', outcome === 'denied' ? 'Refuse' : 'Fail'];
}

const METHODS: ReadonlyMap<string, OcsfMapping> = new Map([
  ['GET', ['api_activity', 'Read']],
  ['POST', ['api_activity', 'Create']],
  ['PUT', ['api_activity', 'Update']],
  ['PATCH', ['api_activity', 'Update']],
  ['DELETE', ['api_activity', 'Delete']],
]);

/** A refused request is named by its method and path. */
const requestActivity = ({ resource }: AuditEvent): OcsfMapping =>
  METHODS.get(resource.name.split(' ')[0] ?? '') ?? ['api_activity', 'Other', 'Request'];
