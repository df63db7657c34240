import { createRequire } from 'node:module';
import { join } from 'node:path';
import { can, holderOf, indexAssignments, templateRoleOf } from '../../../core/access/rules.ts';
import {
  atLeast,
  groupClosure,
  indexMemberships,
  isInForce,
  TEMPLATE_ROLES,
  type TemplateRole,
} from '../../../core/access/template-acl.ts';
import { NOW, type Organisation, type Question } from './model.ts';

export interface Answer {
  template: boolean;
  permission: boolean;
}

/** Something that answers questions of access. What it needs for them is prepared before, and is not counted. */
export interface Engine {
  name: string;
  prepare(questions: readonly Question[]): Promise<(question: Question) => Answer>;
}

/**
 * The product's functions. Walked: groups and roles are made out for each question, from indexed rows. Kept: they are made
 * out once for each person, as a request does, before its questions. The peers are given them in any case.
 */
export function ours(organisation: Organisation, groups: 'walked' | 'kept'): Engine {
  const rules = {
    memberships: indexMemberships(organisation.memberships),
    assignments: indexAssignments(organisation.assignments),
    roles: organisation.roles,
  };
  return {
    name: groups === 'kept' ? 'gatehouse' : 'gatehouse, walked',
    prepare: async (questions) => {
      const holders = new Map(groups === 'kept' ? questions.map(({ userId }) => [userId, holderOf(userId, rules, NOW)]) : []);
      return (question) => {
        const holder = holders.get(question.userId) ?? holderOf(question.userId, rules, NOW);
        const role = templateRoleOf(holder, organisation.entries.get(question.templateId) ?? [], NOW);
        return { template: atLeast(role, question.needed), permission: can(holder, question.permission) };
      };
    },
  };
}

const placesOf = (places: ReadonlyArray<{ groupId: string; expiresAt: string | null }> = []) =>
  places.filter(({ expiresAt }) => isInForce(expiresAt, NOW)).map(({ groupId }) => groupId);

/** What the peers are given to answer one question: what names this person, and this template's list, unexpired. */
function sliceOf(organisation: Organisation) {
  const index = indexMemberships(organisation.memberships);
  const assigned = new Map<string, string[]>();
  for (const { role, subject, expiresAt } of organisation.assignments) {
    if (!isInForce(expiresAt, NOW)) continue;
    const key = `${subject.type} ${subject.id}`;
    assigned.set(key, [...(assigned.get(key) ?? []), role]);
  }
  return ({ userId, templateId }: Question) => ({
    groups: [...groupClosure(userId, index, NOW)].map((id) => ({
      id,
      parents: placesOf(index.ofGroup.get(id)),
      roles: assigned.get(`group ${id}`) ?? [],
    })),
    user: { id: userId, parents: placesOf(index.ofUser.get(userId)), roles: ['member', ...(assigned.get(`user ${userId}`) ?? [])] },
    entries: (organisation.entries.get(templateId) ?? []).filter(({ expiresAt }) => isInForce(expiresAt, NOW)),
  });
}

const upTo = (role: TemplateRole) => TEMPLATE_ROLES.slice(0, TEMPLATE_ROLES.indexOf(role) + 1);
const administering = ({ roles }: Organisation) => [...roles].filter(([, held]) => held.has('template:admin')).map(([role]) => role);
const subjectName = (subject: { type: string; id?: string }) => (subject.id === undefined ? 'everyone' : `${subject.type}:${subject.id}`);

const CASBIN_MODEL = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
`;

interface Casbin {
  newModelFromString(text: string): unknown;
  newEnforcer(model: unknown): Promise<{
    addPolicies(rules: string[][]): Promise<boolean>;
    addGroupingPolicies(rules: string[][]): Promise<boolean>;
    enforceSync(...request: string[]): boolean;
  }>;
}

/** An enforcer for each pair of person and template, with what concerns them alone: casbin's filtered loading. */
export function casbin(folder: string, organisation: Organisation): Engine {
  const { newEnforcer, newModelFromString } = requireFrom<Casbin>(folder, 'casbin');
  const slice = sliceOf(organisation);
  const tenantRules = [...organisation.roles].flatMap(([role, held]) => [...held].map((each) => [`role:${role}`, 'tenant', each]));
  const key = ({ userId, templateId }: Question) => `${userId} ${templateId}`;
  return {
    name: 'casbin',
    prepare: async (questions) => {
      const enforcers = new Map<string, Awaited<ReturnType<Casbin['newEnforcer']>>>();
      for (const question of questions) {
        if (enforcers.has(key(question))) continue;
        const { user, groups, entries } = slice(question);
        const enforcer = await newEnforcer(newModelFromString(CASBIN_MODEL));
        const rules = [
          ...tenantRules,
          ...administering(organisation).flatMap((role) => TEMPLATE_ROLES.map((act) => [`role:${role}`, question.templateId, act])),
          ...entries.flatMap(({ subject, role }) => upTo(role).map((act) => [subjectName(subject), question.templateId, act])),
        ];
        const links = [
          [`user:${user.id}`, 'everyone'],
          ...[{ ...user, name: `user:${user.id}` }, ...groups.map((each) => ({ ...each, name: `group:${each.id}` }))].flatMap(
            ({ name, parents, roles }) => [...parents.map((id) => [name, `group:${id}`]), ...roles.map((role) => [name, `role:${role}`])],
          ),
        ];
        await enforcer.addPolicies(rules);
        await enforcer.addGroupingPolicies(links);
        enforcers.set(key(question), enforcer);
      }
      return (question) => {
        const enforcer = enforcers.get(key(question));
        if (!enforcer) throw new Error('casbin was not prepared for this question');
        const user = `user:${question.userId}`;
        return {
          template: enforcer.enforceSync(user, question.templateId, question.needed),
          permission: enforcer.enforceSync(user, 'tenant', question.permission),
        };
      };
    },
  };
}

interface Uid {
  type: string;
  id: string;
}
interface Cedar {
  preparsePolicySet(name: string, policies: { staticPolicies: string }): { type: string; errors?: Array<{ message: string }> };
  statefulIsAuthorized(call: {
    principal: Uid;
    action: Uid;
    resource: Uid;
    context: object;
    preparsedPolicySetId: string;
    entities: Array<{ uid: Uid; attrs: object; parents: Uid[] }>;
  }): { type: string; response?: { decision: 'allow' | 'deny' }; errors?: Array<{ message: string }> };
}

const POLICIES = 'bench';
const uid = (type: string, id: string): Uid => ({ type, id });

/** Policies are parsed once; each call is given the entities that it needs, as its documentation advises. */
export function cedar(folder: string, organisation: Organisation): Engine {
  const { preparsePolicySet, statefulIsAuthorized } = requireFrom<Cedar>(folder, '@cedar-policy/cedar-wasm/nodejs');
  const slice = sliceOf(organisation);
  const parsed = preparsePolicySet(POLICIES, { staticPolicies: cedarPolicies(organisation) });
  if (parsed.type !== 'success') throw new Error(`Cedar took no policies: ${parsed.errors?.map(({ message }) => message).join('; ')}`);
  const decide = (principal: Uid, action: Uid, resource: Uid, entities: ReturnType<typeof entitiesOf>) => {
    const found = statefulIsAuthorized({ principal, action, resource, context: {}, preparsedPolicySetId: POLICIES, entities });
    if (!found.response) throw new Error(`Cedar failed: ${found.errors?.map(({ message }) => message).join('; ')}`);
    return found.response.decision === 'allow';
  };
  return {
    name: 'cedar-wasm',
    prepare: async (questions) => {
      const entities = new Map(questions.map((question) => [question, entitiesOf(question, slice(question))]));
      return (question) => {
        const given = entities.get(question);
        if (!given) throw new Error('Cedar was not prepared for this question');
        const user = uid('User', question.userId);
        return {
          template: decide(user, uid('Action', question.needed), uid('Template', question.templateId), given),
          permission: decide(user, uid('Action', question.permission), uid('Tenant', 'tenant'), given),
        };
      };
    },
  };
}

function cedarPolicies(organisation: Organisation): string {
  const action = (name: string) => `Action::"${name}"`;
  return [
    ...TEMPLATE_ROLES.map((role, index) => {
      const lists = TEMPLATE_ROLES.slice(index).map((each) => `principal in resource.${each}`);
      return `permit(principal, action == ${action(role)}, resource is Template) when { ${lists.join(' || ')} };`;
    }),
    ...[...organisation.roles]
      .filter(([, held]) => held.size > 0)
      .map(([role, held]) => {
        const actions = [...held].map(action).join(', ');
        return `permit(principal in Role::"${role}", action in [${actions}], resource == Tenant::"tenant");`;
      }),
    ...administering(organisation).map(
      (role) => `permit(principal in Role::"${role}", action in [${TEMPLATE_ROLES.map(action).join(', ')}], resource is Template);`,
    ),
  ].join('\n');
}

function entitiesOf(question: Question, { user, groups, entries }: ReturnType<ReturnType<typeof sliceOf>>) {
  const above = ({ parents, roles }: { parents: readonly string[]; roles: readonly string[] }) => [
    ...parents.map((id) => uid('Group', id)),
    ...roles.map((id) => uid('Role', id)),
  ];
  const listed = (role: TemplateRole) =>
    entries
      .filter((entry) => entry.role === role)
      .map(({ subject }) => ({
        __entity: subject.type === 'everyone' ? uid('Group', 'everyone') : uid(subject.type === 'user' ? 'User' : 'Group', subject.id),
      }));
  return [
    { uid: uid('User', user.id), attrs: {}, parents: [...above(user), uid('Group', 'everyone')] },
    ...groups.map((group) => ({ uid: uid('Group', group.id), attrs: {}, parents: above(group) })),
    {
      uid: uid('Template', question.templateId),
      attrs: Object.fromEntries(TEMPLATE_ROLES.map((role) => [role, listed(role)])),
      parents: [],
    },
  ];
}

/** The peers are no dependencies, so their types are not there: only what is called is described. */
const requireFrom = <T>(folder: string, name: string): T => createRequire(join(folder, 'package.json'))(name) as T;
