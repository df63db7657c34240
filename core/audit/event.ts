import { z } from 'zod';

export const RESOURCE_TYPES = [
  'tenant',
  'user',
  'session',
  'invitation',
  'group',
  'role',
  'template',
  'access-request',
  'runner',
  'workspace',
  'connection',
  'terminal',
  'siem',
  'audit',
  'policy',
  'token',
  'service-account',
  'finding',
  'recording',
  'idp',
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export const OUTCOMES = ['success', 'failure', 'denied'] as const;
export const ACTOR_TYPES = ['user', 'service-account', 'runner', 'scim-client', 'system', 'operator', 'anonymous'] as const;

interface Action {
  resource: ResourceType;
  /** "Ines **created template payments**": the past tense after the actor; {resource} is the name */
  done: string;
  /** "Ines was not allowed to **create template payments**" */
  attempt: string;
}

/**
 * Every action that can be recorded. A new one does not compile until it has its sentences here
 * and its mappings in the exporters.
 */
export const AUDIT_ACTIONS = {
  'tenant.create': { resource: 'tenant', done: 'signed up the organisation {resource}', attempt: 'sign up the organisation {resource}' },
  'tenant.update': { resource: 'tenant', done: 'changed the organisation {resource}', attempt: 'change the organisation {resource}' },
  'tenant.suspend': { resource: 'tenant', done: 'suspended the organisation {resource}', attempt: 'suspend the organisation {resource}' },
  'tenant.activate': {
    resource: 'tenant',
    done: 'reactivated the organisation {resource}',
    attempt: 'reactivate the organisation {resource}',
  },
  'tenant.rekey': {
    resource: 'tenant',
    done: 'wrapped the data key of {resource} by a new key',
    attempt: 'wrap the data key of {resource} by a new key',
  },
  'user.sign_in': { resource: 'user', done: 'signed in', attempt: 'sign in' },
  'user.sign_out': { resource: 'user', done: 'signed out', attempt: 'sign out' },
  'user.sign_out_everywhere': { resource: 'user', done: 'signed {resource} out everywhere', attempt: 'sign {resource} out everywhere' },
  'user.request_verification': {
    resource: 'user',
    done: 'asked for a link to verify the e-mail address of {resource}',
    attempt: 'ask for a link to verify the e-mail address of {resource}',
  },
  'user.verify_email': { resource: 'user', done: 'verified the e-mail address of {resource}', attempt: 'verify an e-mail address' },
  'user.owe_second_factor': {
    resource: 'user',
    done: 'gave the right password of {resource} and was asked for a second factor',
    attempt: 'give the password of {resource}',
  },
  'user.step_up': { resource: 'user', done: 'confirmed that it is {resource}', attempt: 'confirm that it is {resource}' },
  'user.change_password': { resource: 'user', done: 'changed the password of {resource}', attempt: 'change the password of {resource}' },
  'user.request_password_reset': {
    resource: 'user',
    done: 'asked for a link to reset the password of {resource}',
    attempt: 'ask for a link to reset the password of {resource}',
  },
  'user.reset_password': { resource: 'user', done: 'reset the password of {resource}', attempt: 'reset a password' },
  'user.reset_factors': {
    resource: 'user',
    done: 'removed all second factors of {resource}',
    attempt: 'remove the second factors of {resource}',
  },
  'user.sign_out_others': {
    resource: 'user',
    done: 'ended all other sessions of {resource}',
    attempt: 'end all other sessions of {resource}',
  },
  'git_credential.read': {
    resource: 'user',
    done: 'read which git credentials {resource} has',
    attempt: 'read which git credentials {resource} has',
  },
  'git_credential.add': {
    resource: 'user',
    done: 'stored a git credential of {resource}',
    attempt: 'store a git credential of {resource}',
  },
  'git_credential.remove': {
    resource: 'user',
    done: 'removed a git credential of {resource}',
    attempt: 'remove a git credential of {resource}',
  },
  'ide_settings.update': {
    resource: 'user',
    done: 'changed the editor’s settings of {resource}',
    attempt: 'change the editor’s settings of {resource}',
  },
  'passkey.add': { resource: 'user', done: 'added a passkey for {resource}', attempt: 'add a passkey for {resource}' },
  'passkey.rename': { resource: 'user', done: 'renamed a passkey of {resource}', attempt: 'rename a passkey of {resource}' },
  'passkey.remove': { resource: 'user', done: 'removed a passkey of {resource}', attempt: 'remove a passkey of {resource}' },
  'totp.enable': {
    resource: 'user',
    done: 'set up an authenticator app for {resource}',
    attempt: 'set up an authenticator app for {resource}',
  },
  'totp.disable': {
    resource: 'user',
    done: 'removed the authenticator app of {resource}',
    attempt: 'remove the authenticator app of {resource}',
  },
  'recovery_codes.create': {
    resource: 'user',
    done: 'made new recovery codes for {resource}',
    attempt: 'make recovery codes for {resource}',
  },
  'recovery_code.use': { resource: 'user', done: 'used a recovery code of {resource}', attempt: 'use a recovery code of {resource}' },
  'user.join': { resource: 'user', done: 'joined the organisation', attempt: 'join the organisation' },
  'user.update': { resource: 'user', done: 'changed {resource}', attempt: 'change {resource}' },
  'user.suspend': { resource: 'user', done: 'suspended {resource}', attempt: 'suspend {resource}' },
  'user.activate': { resource: 'user', done: 'reactivated {resource}', attempt: 'reactivate {resource}' },
  'user.delete': { resource: 'user', done: 'deleted {resource}', attempt: 'delete {resource}' },
  'session.end': { resource: 'session', done: 'ended a session of {resource}', attempt: 'end a session of {resource}' },
  'session.bind_key': {
    resource: 'session',
    done: 'bound a session of {resource} to a browser’s key',
    attempt: 'bind a session to a browser’s key',
  },
  'invitation.create': { resource: 'invitation', done: 'invited {resource}', attempt: 'invite {resource}' },
  'invitation.revoke': {
    resource: 'invitation',
    done: 'took back the invitation of {resource}',
    attempt: 'take back the invitation of {resource}',
  },
  'group.create': { resource: 'group', done: 'created group {resource}', attempt: 'create group {resource}' },
  'group.update': { resource: 'group', done: 'changed group {resource}', attempt: 'change group {resource}' },
  'group.delete': { resource: 'group', done: 'deleted group {resource}', attempt: 'delete group {resource}' },
  'group.members.update': {
    resource: 'group',
    done: 'changed the members of group {resource}',
    attempt: 'change the members of group {resource}',
  },
  'group.managers.update': {
    resource: 'group',
    done: 'changed who manages group {resource}',
    attempt: 'change who manages group {resource}',
  },
  'role.create': { resource: 'role', done: 'created role {resource}', attempt: 'create role {resource}' },
  'role.update': { resource: 'role', done: 'changed role {resource}', attempt: 'change role {resource}' },
  'role.delete': { resource: 'role', done: 'deleted role {resource}', attempt: 'delete role {resource}' },
  'role.assign': { resource: 'role', done: 'gave role {resource}', attempt: 'give role {resource}' },
  'role.extend': { resource: 'role', done: 'changed the end of role {resource}', attempt: 'change the end of role {resource}' },
  'role.unassign': { resource: 'role', done: 'took role {resource}', attempt: 'take role {resource}' },
  'service_account.create': {
    resource: 'service-account',
    done: 'made service account {resource}',
    attempt: 'make service account {resource}',
  },
  'service_account.update': {
    resource: 'service-account',
    done: 'changed service account {resource}',
    attempt: 'change service account {resource}',
  },
  'service_account.suspend': {
    resource: 'service-account',
    done: 'suspended service account {resource}',
    attempt: 'suspend service account {resource}',
  },
  'service_account.activate': {
    resource: 'service-account',
    done: 'reactivated service account {resource}',
    attempt: 'reactivate service account {resource}',
  },
  'service_account.delete': {
    resource: 'service-account',
    done: 'deleted service account {resource}',
    attempt: 'delete service account {resource}',
  },
  'token.create': { resource: 'token', done: 'made API token {resource}', attempt: 'make API token {resource}' },
  'token.revoke': { resource: 'token', done: 'revoked API token {resource}', attempt: 'revoke API token {resource}' },
  'token.use': { resource: 'token', done: 'used API token {resource}', attempt: 'use API token {resource}' },
  'template.create': { resource: 'template', done: 'created template {resource}', attempt: 'create template {resource}' },
  'template.update': { resource: 'template', done: 'changed template {resource}', attempt: 'change template {resource}' },
  'template.publish': {
    resource: 'template',
    done: 'published a new version of template {resource}',
    attempt: 'publish a new version of template {resource}',
  },
  'template.draft.save': {
    resource: 'template',
    done: 'saved a draft of template {resource}',
    attempt: 'save a draft of template {resource}',
  },
  'template.draft.discard': {
    resource: 'template',
    done: 'discarded the draft of template {resource}',
    attempt: 'discard the draft of template {resource}',
  },
  'template.deprecate': {
    resource: 'template',
    done: 'deprecated a version of template {resource}',
    attempt: 'deprecate a version of template {resource}',
  },
  'template.restore': {
    resource: 'template',
    done: 'took back the deprecation of a version of template {resource}',
    attempt: 'take back the deprecation of a version of template {resource}',
  },
  'template.require': {
    resource: 'template',
    done: 'changed which version of template {resource} is required',
    attempt: 'change which version of template {resource} is required',
  },
  'template.secrets.update': {
    resource: 'template',
    done: 'changed secrets of template {resource}',
    attempt: 'change secrets of template {resource}',
  },
  'template.delete': { resource: 'template', done: 'deleted template {resource}', attempt: 'delete template {resource}' },
  'template.acl.update': {
    resource: 'template',
    done: 'changed who may use template {resource}',
    attempt: 'change who may use template {resource}',
  },
  'access.explain': {
    resource: 'template',
    done: 'asked why somebody can use template {resource}',
    attempt: 'ask why somebody can use template {resource}',
  },
  'access.review': { resource: 'policy', done: 'reviewed who can use what', attempt: 'review who can use what' },
  'access.export': { resource: 'policy', done: 'exported who can use what, and why', attempt: 'export who can use what, and why' },
  'config.export': {
    resource: 'policy',
    done: 'exported groups, roles, access lists and policy',
    attempt: 'export groups, roles, access lists and policy',
  },
  'access.preview': { resource: 'policy', done: 'asked what {resource} would change', attempt: 'ask what {resource} would change' },
  'access_request.create': {
    resource: 'access-request',
    done: 'asked to use template {resource}',
    attempt: 'ask to use template {resource}',
  },
  'access_request.approve': {
    resource: 'access-request',
    done: 'approved a request to use template {resource}',
    attempt: 'approve a request to use template {resource}',
  },
  'access_request.deny': {
    resource: 'access-request',
    done: 'denied a request to use template {resource}',
    attempt: 'deny a request to use template {resource}',
  },
  'access_request.withdraw': {
    resource: 'access-request',
    done: 'withdrew a request to use template {resource}',
    attempt: 'withdraw a request to use template {resource}',
  },
  'template.read': { resource: 'template', done: 'opened template {resource}', attempt: 'open template {resource}' },
  'tenant.quota': {
    resource: 'tenant',
    done: 'changed how many workspaces everybody in {resource} may have',
    attempt: 'change how many workspaces everybody in {resource} may have',
  },
  'group.quota': {
    resource: 'group',
    done: 'changed how many workspaces group {resource} gives',
    attempt: 'change how many workspaces group {resource} gives',
  },
  'user.quota': {
    resource: 'user',
    done: 'changed how many workspaces {resource} may have',
    attempt: 'change how many workspaces {resource} may have',
  },
  'runner.enrollment.create': {
    resource: 'runner',
    done: 'made an enrolment code for a runner',
    attempt: 'make an enrolment code for a runner',
  },
  'runner.enroll': { resource: 'runner', done: 'enrolled runner {resource}', attempt: 'enrol a runner' },
  'runner.confirm': {
    resource: 'runner',
    done: 'confirmed the fingerprint of runner {resource}',
    attempt: 'confirm the fingerprint of runner {resource}',
  },
  'runner.update': {
    resource: 'runner',
    done: 'changed how many workspaces run on runner {resource}',
    attempt: 'change how many workspaces run on runner {resource}',
  },
  'runner.drain': { resource: 'runner', done: 'began to drain runner {resource}', attempt: 'drain runner {resource}' },
  'runner.drain.lift': {
    resource: 'runner',
    done: 'lifted the drain of runner {resource}',
    attempt: 'lift the drain of runner {resource}',
  },
  'runner.revoke': { resource: 'runner', done: 'revoked runner {resource}', attempt: 'revoke runner {resource}' },
  'runner.rotate_key': {
    resource: 'runner',
    done: 'changed the keys of runner {resource}',
    attempt: 'change the keys of runner {resource}',
  },
  'runner.remove': { resource: 'runner', done: 'removed runner {resource}', attempt: 'remove runner {resource}' },
  'runner.connect': { resource: 'runner', done: 'came online', attempt: 'come online' },
  'runner.disconnect': { resource: 'runner', done: 'went offline', attempt: 'go offline' },
  'workspace.create': { resource: 'workspace', done: 'created workspace {resource}', attempt: 'create a workspace from {resource}' },
  'workspace.start': { resource: 'workspace', done: 'started workspace {resource}', attempt: 'start workspace {resource}' },
  'workspace.update': {
    resource: 'workspace',
    done: 'changed the version of workspace {resource}',
    attempt: 'change the version of workspace {resource}',
  },
  'workspace.stop': { resource: 'workspace', done: 'stopped workspace {resource}', attempt: 'stop workspace {resource}' },
  'workspace.postpone': {
    resource: 'workspace',
    done: 'postponed the stop of workspace {resource}',
    attempt: 'postpone the stop of workspace {resource}',
  },
  'workspace.restart': { resource: 'workspace', done: 'restarted workspace {resource}', attempt: 'restart workspace {resource}' },
  'workspace.transfer': {
    resource: 'workspace',
    done: 'gave workspace {resource} to somebody else',
    attempt: 'give workspace {resource} to somebody else',
  },
  'workspace.rename': { resource: 'workspace', done: 'renamed workspace {resource}', attempt: 'rename workspace {resource}' },
  'workspace.restore': {
    resource: 'workspace',
    done: 'took workspace {resource} out of the trash',
    attempt: 'take workspace {resource} out of the trash',
  },
  'workspace.purge': {
    resource: 'workspace',
    done: 'deleted workspace {resource} for good',
    attempt: 'delete workspace {resource} for good',
  },
  'workspace.delete': { resource: 'workspace', done: 'moved workspace {resource} to the trash', attempt: 'delete workspace {resource}' },
  'workspace.read': { resource: 'workspace', done: 'opened workspace {resource}', attempt: 'open workspace {resource}' },
  'workspace.running': { resource: 'workspace', done: 'reported workspace {resource} running', attempt: 'bring up workspace {resource}' },
  'workspace.stopped': { resource: 'workspace', done: 'reported workspace {resource} stopped', attempt: 'stop workspace {resource}' },
  'workspace.deleted': { resource: 'workspace', done: 'reported workspace {resource} deleted', attempt: 'delete workspace {resource}' },
  'connection.open': { resource: 'connection', done: 'opened a connection to {resource}', attempt: 'open a connection to {resource}' },
  'egress.connect': {
    resource: 'workspace',
    done: 'connected from workspace {resource} to the outside',
    attempt: 'connect from workspace {resource} to the outside',
  },
  'git.fetch': {
    resource: 'workspace',
    done: 'fetched from git in workspace {resource}',
    attempt: 'fetch from git in workspace {resource}',
  },
  'git.push': { resource: 'workspace', done: 'pushed to git from workspace {resource}', attempt: 'push to git from workspace {resource}' },
  'connection.join': { resource: 'connection', done: 'connected to {resource}', attempt: 'connect to {resource}' },
  'connection.drive': {
    resource: 'connection',
    done: 'took control of {resource}',
    attempt: 'take control of {resource}',
  },
  'app.open': { resource: 'connection', done: 'opened web app {resource}', attempt: 'open web app {resource}' },
  'app.close': { resource: 'connection', done: 'closed web app {resource}', attempt: 'close web app {resource}' },
  'port.open': { resource: 'connection', done: 'opened port {resource}', attempt: 'open port {resource}' },
  'port.close': { resource: 'connection', done: 'closed port {resource}', attempt: 'close port {resource}' },
  /** how much was read over it, once it is over */
  'connection.read': { resource: 'connection', done: 'read from {resource}', attempt: 'read from {resource}' },
  /** what a page did not let somebody do, as that page told: a page that was tampered with tells nothing */
  'connection.block': {
    resource: 'connection',
    done: 'moved data out of or into {resource}',
    attempt: 'move data out of or into {resource}',
  },
  'connection.end': { resource: 'connection', done: 'disconnected from {resource}', attempt: 'disconnect from {resource}' },
  'siem.create': { resource: 'siem', done: 'added SIEM destination {resource}', attempt: 'add SIEM destination {resource}' },
  'siem.update': { resource: 'siem', done: 'changed SIEM destination {resource}', attempt: 'change SIEM destination {resource}' },
  'siem.delete': { resource: 'siem', done: 'removed SIEM destination {resource}', attempt: 'remove SIEM destination {resource}' },
  'siem.pause': { resource: 'siem', done: 'paused SIEM destination {resource}', attempt: 'pause SIEM destination {resource}' },
  'siem.resume': { resource: 'siem', done: 'resumed SIEM destination {resource}', attempt: 'resume SIEM destination {resource}' },
  'siem.test': { resource: 'siem', done: 'sent a test event to SIEM destination {resource}', attempt: 'test SIEM destination {resource}' },
  'siem.rotate_secret': {
    resource: 'siem',
    done: 'made a new signing secret for SIEM destination {resource}',
    attempt: 'make a new signing secret for SIEM destination {resource}',
  },
  /** recorded by former versions; now `siem.stalled` and `siem.set_aside` */
  'siem.failing': {
    resource: 'siem',
    done: 'found that SIEM destination {resource} is failing',
    attempt: 'deliver to SIEM destination {resource}',
  },
  'siem.stalled': {
    resource: 'siem',
    done: 'found that nothing arrives at SIEM destination {resource}',
    attempt: 'deliver to SIEM destination {resource}',
  },
  'siem.recovered': {
    resource: 'siem',
    done: 'found SIEM destination {resource} working again',
    attempt: 'deliver to SIEM destination {resource}',
  },
  'siem.set_aside': {
    resource: 'siem',
    done: 'set aside an event that SIEM destination {resource} refuses',
    attempt: 'deliver an event to SIEM destination {resource}',
  },
  'siem.set_aside.retry': {
    resource: 'siem',
    done: 'sent an event that was set aside to SIEM destination {resource} again',
    attempt: 'send an event that was set aside to SIEM destination {resource} again',
  },
  'siem.set_aside.dismiss': {
    resource: 'siem',
    done: 'gave up events that SIEM destination {resource} refused',
    attempt: 'give up events that SIEM destination {resource} refused',
  },
  'siem.replay.start': {
    resource: 'siem',
    done: 'began to send a part of the log to SIEM destination {resource} once more',
    attempt: 'send a part of the log to SIEM destination {resource} once more',
  },
  'siem.replay.cancel': {
    resource: 'siem',
    done: 'cancelled sending a part of the log to SIEM destination {resource} once more',
    attempt: 'cancel sending a part of the log to SIEM destination {resource} once more',
  },
  'siem.replay.finish': {
    resource: 'siem',
    done: 'sent a part of the log to SIEM destination {resource} once more',
    attempt: 'send a part of the log to SIEM destination {resource} once more',
  },
  'audit.read': { resource: 'audit', done: 'read the audit log', attempt: 'read the audit log' },
  'audit.export': { resource: 'audit', done: 'exported the audit log', attempt: 'export the audit log' },
  'audit.rebuild': {
    resource: 'audit',
    done: 'ordered a rebuild of the audit ledger from the archive',
    attempt: 'order a rebuild of the audit ledger from the archive',
  },
  'audit.checkpoint': {
    resource: 'audit',
    done: 'signed a checkpoint of the audit log',
    attempt: 'sign a checkpoint of the audit log',
  },
  'audit.purge': {
    resource: 'audit',
    done: 'purged events past retention from the audit log',
    attempt: 'purge events past retention from the audit log',
  },
  'audit.erase': {
    resource: 'user',
    done: 'ordered that all data of {resource} be erased from the audit log',
    attempt: 'order that all data of {resource} be erased from the audit log',
  },
  'audit.erase.finish': {
    resource: 'user',
    done: 'erased all data of {resource} from the audit log',
    attempt: 'erase all data of {resource} from the audit log',
  },
  'audit.rotate_key': {
    resource: 'audit',
    done: 'changed the key that signs the audit log’s checkpoints',
    attempt: 'change the key that signs the audit log’s checkpoints',
  },
  'finding.open': { resource: 'finding', done: 'found: {resource}', attempt: 'look for {resource}' },
  'finding.acknowledge': {
    resource: 'finding',
    done: 'began to look into the finding “{resource}”',
    attempt: 'look into the finding “{resource}”',
  },
  'finding.resolve': { resource: 'finding', done: 'resolved the finding “{resource}”', attempt: 'resolve the finding “{resource}”' },
  'finding.reopen': { resource: 'finding', done: 'reopened the finding “{resource}”', attempt: 'reopen the finding “{resource}”' },
  'workspace.snapshot.ask': {
    resource: 'workspace',
    done: 'asked for a snapshot of workspace {resource}',
    attempt: 'ask for a snapshot of workspace {resource}',
  },
  'workspace.snapshot': {
    resource: 'workspace',
    done: 'made a snapshot of workspace {resource}',
    attempt: 'make a snapshot of workspace {resource}',
  },
  'workspace.snapshot.delete': {
    resource: 'workspace',
    done: 'deleted a snapshot of workspace {resource}',
    attempt: 'delete a snapshot of workspace {resource}',
  },
  'workspace.home.restore': {
    resource: 'workspace',
    done: 'asked to restore the home of workspace {resource}',
    attempt: 'restore the home of workspace {resource}',
  },
  'workspace.home.restored': {
    resource: 'workspace',
    done: 'restored the home of workspace {resource}',
    attempt: 'restore the home of workspace {resource}',
  },
  'workspace.move': {
    resource: 'workspace',
    done: 'moved workspace {resource} to another runner',
    attempt: 'move workspace {resource} to another runner',
  },
  'snapshot.settings': {
    resource: 'tenant',
    done: 'changed where snapshots of workspaces go',
    attempt: 'change where snapshots of workspaces go',
  },
  'snapshot.test': {
    resource: 'tenant',
    done: 'tested the store of snapshots',
    attempt: 'test the store of snapshots',
  },
  'recording.start': { resource: 'recording', done: 'began to record {resource}', attempt: 'record {resource}' },
  'recording.finish': {
    resource: 'recording',
    done: 'finished the recording of {resource}',
    attempt: 'finish the recording of {resource}',
  },
  'idp.read': { resource: 'idp', done: 'looked at identity provider {resource}', attempt: 'look at identity provider {resource}' },
  'idp.create': { resource: 'idp', done: 'set up identity provider {resource}', attempt: 'set up identity provider {resource}' },
  'idp.update': { resource: 'idp', done: 'changed identity provider {resource}', attempt: 'change identity provider {resource}' },
  'idp.delete': { resource: 'idp', done: 'removed identity provider {resource}', attempt: 'remove identity provider {resource}' },
  'idp.test': { resource: 'idp', done: 'tested the sign-in through {resource}', attempt: 'test the sign-in through {resource}' },
  'idp.require': {
    resource: 'idp',
    done: 'changed who must sign in through {resource}',
    attempt: 'change who must sign in through {resource}',
  },
  'idp.domain.add': { resource: 'idp', done: 'claimed the mail domain {resource}', attempt: 'claim the mail domain {resource}' },
  'idp.domain.verify': { resource: 'idp', done: 'proved the mail domain {resource}', attempt: 'prove the mail domain {resource}' },
  'idp.domain.update': { resource: 'idp', done: 'changed the mail domain {resource}', attempt: 'change the mail domain {resource}' },
  'idp.domain.lapse': {
    resource: 'idp',
    done: 'ended the proof of the mail domain {resource}',
    attempt: 'end the proof of the mail domain {resource}',
  },
  'idp.domain.remove': { resource: 'idp', done: 'gave up the mail domain {resource}', attempt: 'give up the mail domain {resource}' },
  'idp.token.create': {
    resource: 'idp',
    done: 'made a provisioning token for {resource}',
    attempt: 'make a provisioning token for {resource}',
  },
  'idp.token.revoke': {
    resource: 'idp',
    done: 'revoked a provisioning token of {resource}',
    attempt: 'revoke a provisioning token of {resource}',
  },
  'idp.token.use': { resource: 'idp', done: 'called as {resource}', attempt: 'call as {resource}' },
  'idp.mapping.add': { resource: 'idp', done: 'mapped groups of {resource}', attempt: 'map groups of {resource}' },
  'idp.mapping.remove': {
    resource: 'idp',
    done: 'removed a mapping of groups of {resource}',
    attempt: 'remove a mapping of groups of {resource}',
  },
  'idp.sync': { resource: 'idp', done: 'compared {resource} with what is here', attempt: 'compare {resource} with what is here' },
  'user.provision': { resource: 'user', done: 'added {resource} from the directory', attempt: 'add {resource} from the directory' },
  'user.link': {
    resource: 'user',
    done: 'tied {resource} to their account at the identity provider',
    attempt: 'tie {resource} to an account at the identity provider',
  },
  'recording.read': { resource: 'recording', done: 'looked at the list of recordings', attempt: 'look at recordings' },
  'recording.search': { resource: 'recording', done: 'searched all recordings for {resource}', attempt: 'search recordings' },
  'recording.watch': { resource: 'recording', done: 'watched the recording of {resource}', attempt: 'watch the recording of {resource}' },
  'recording.export': {
    resource: 'recording',
    done: 'downloaded the recording of {resource}',
    attempt: 'download the recording of {resource}',
  },
  'recording.delete': { resource: 'recording', done: 'deleted the recording of {resource}', attempt: 'delete the recording of {resource}' },
  'recording.policy': {
    resource: 'recording',
    done: 'changed the key or the retention of recordings',
    attempt: 'change the key or the retention of recordings',
  },
  'policy.update': { resource: 'policy', done: 'changed the policy of {resource}', attempt: 'change the policy of {resource}' },
  'policy.read': { resource: 'policy', done: 'read the policy of {resource}', attempt: 'read the policy of {resource}' },
  'request.denied': { resource: 'policy', done: 'called {resource}', attempt: 'call {resource}' },
} as const satisfies Record<string, Action>;

export type AuditAction = keyof typeof AUDIT_ACTIONS;
const actionNames = Object.keys(AUDIT_ACTIONS) as [AuditAction, ...AuditAction[]];

const actor = z.object({
  type: z.enum(ACTOR_TYPES),
  /** null: nobody we know */
  id: z.string().nullable(),
  name: z.string(),
  email: z.string().nullable(),
  /** how it proved who it is: `session`, `runner-token`, … */
  via: z.string().nullable(),
});
export type AuditActor = z.infer<typeof actor>;

const origin = z.object({
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  /** parsed from the user agent where the event is made; null where it doesn't say */
  browser: z.string().nullable().default(null),
  os: z.string().nullable().default(null),
  device: z.string().nullable().default(null),
  /** where the platform says that it came from; null on one's own machine, which can't know */
  country: z.string().nullable().default(null),
  city: z.string().nullable().default(null),
  asn: z.string().nullable().default(null),
});
export type AuditOrigin = z.infer<typeof origin>;

const change = z.object({
  path: z.string(),
  old: z.unknown(),
  new: z.unknown(),
  /** the value is a secret: both sides are null, only that it changed is said */
  secret: z.boolean(),
});
export type AuditChange = z.infer<typeof change>;

/** An event as a use case makes it, before the ledger has numbered it. Times are UTC with milliseconds. */
export const draftEvent = z.object({
  id: z.string(),
  time: z.iso.datetime({ precision: 3 }),
  actor,
  action: z.enum(actionNames),
  resource: z.object({ type: z.enum(RESOURCE_TYPES), id: z.string().nullable(), name: z.string() }),
  outcome: z.enum(OUTCOMES),
  /** HTTP status of the answer, null where there was no request */
  status: z.number().int().nullable(),
  /** why it failed or was refused */
  reason: z.string().nullable(),
  origin: origin.nullable(),
  requestId: z.string().nullable(),
  sessionId: z.string().nullable(),
  workspaceId: z.string().nullable(),
  grantId: z.string().nullable(),
  diff: z.array(change),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type DraftEvent = z.infer<typeof draftEvent>;

/** An event as the ledger keeps it: numbered without gaps within its tenant. */
export const auditEvent = draftEvent.extend({ seq: z.number().int().min(1), recordedAt: z.iso.datetime({ precision: 3 }) });
export type AuditEvent = z.infer<typeof auditEvent>;

/** The event as a sentence without the actor, for people: "created template payments". */
export function sentence(event: Pick<DraftEvent, 'action' | 'outcome' | 'resource'>): string {
  const { done, attempt } = AUDIT_ACTIONS[event.action];
  const fill = (words: string) => words.replace('{resource}', () => event.resource.name);
  switch (event.outcome) {
    case 'success':
      return fill(done);
    case 'failure':
      return `failed to ${fill(attempt)}`;
    case 'denied':
      return `was not allowed to ${fill(attempt)}`;
  }
}
