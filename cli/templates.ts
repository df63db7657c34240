import { sameName } from '@gatehouse/core/access/config-file.ts';
import type { Change } from '@gatehouse/core/access/config-plan.ts';
import type { ConfigState, ListedEntry } from '@gatehouse/core/access/config-state.ts';
import { isInForce, type AclSubject } from '@gatehouse/core/access/template-acl.ts';
import { known, subjectOf, type Taking } from './lookup.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

const subjectNamed = (state: ConfigState, who: string): AclSubject => (who === 'everyone' ? { type: 'everyone' } : subjectOf(state, who));
const idOf = (subject: AclSubject) => (subject.type === 'everyone' ? 'everyone' : subject.id);

/** Sends the whole list: what was granted by request stays in it, what has ended does not. */
export async function changeAccess(
  { api, state }: Taking,
  name: string,
  changes: ReadonlyArray<Of<'access.set' | 'access.remove'>>,
): Promise<void> {
  const template = known(state.templates, name);
  const there = new Set([...state.people.values(), ...[...state.groups.values()].map(({ id }) => id), 'everyone']);
  const now = new Date().toISOString();
  const standing = template.entries.filter(({ subject, expiresAt }) => there.has(idOf(subject)) && isInForce(expiresAt, now));
  const written = new Map(standing.filter(({ grantId }) => grantId === null).map((entry) => [idOf(entry.subject), entry]));
  for (const change of changes) {
    if (change.kind === 'access.remove') written.delete(idOf(subjectNamed(state, change.who)));
    else {
      const { who, role, expiresAt } = change.access;
      const entry: ListedEntry = { subject: subjectNamed(state, who), role, expiresAt, grantId: null };
      written.set(idOf(entry.subject), entry);
    }
  }
  const items = [...written.values(), ...standing.filter(({ grantId }) => grantId !== null)];
  const { revision } = await api.change('PUT', `/templates/${template.id}/acl`, { body: { items }, revision: template.revision });
  state.templates.set(sameName(name), { ...template, entries: items, revision });
}

/** Sends all that the organisation, or the template, sets. */
export async function changePolicy(
  { api, state }: Taking,
  template: string | null,
  changes: ReadonlyArray<Of<'policy.set' | 'policy.unset'>>,
): Promise<void> {
  const before =
    template === null ? state.config.policy : state.config.templates.find(({ name }) => sameName(name) === sameName(template))?.policy;
  const set = new Map(Object.entries(before ?? {}));
  for (const change of changes) {
    if (change.kind === 'policy.set') set.set(change.field, change.value);
    else set.delete(change.field);
  }
  const values = Object.fromEntries(set);
  if (template === null) {
    await api.change('PUT', '/tenant/policy', { body: { values }, revision: state.policyRevision });
    return;
  }
  const { id, policyRevision } = known(state.templates, template);
  await api.change('PUT', `/templates/${id}/policy`, { body: { values }, revision: policyRevision });
}
