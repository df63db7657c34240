import { sameName } from '@gatehouse/core/access/config-file.ts';
import type { Change } from '@gatehouse/core/access/config-plan.ts';
import { group } from '@gatehouse/core/api/groups.ts';
import { known, subjectOf, type Taking } from './lookup.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

export async function changeGroup({ api, state }: Taking, change: Of<'group.create' | 'group.update' | 'group.delete'>): Promise<void> {
  const key = sameName(change.name);
  if (change.kind === 'group.create') {
    const { name, description } = change;
    const { body, revision } = await api.change('POST', '/groups', { body: { name, description } });
    state.groups.set(key, { id: group.parse(body).id, revision, source: 'local' });
    state.config.groups.push({ name, description, managers: [], members: [] });
    return;
  }
  const before = known(state.groups, change.name);
  if (change.kind === 'group.update') {
    const { name, description } = change;
    const { revision } = await api.change('PATCH', `/groups/${before.id}`, { body: { name, description }, revision: before.revision });
    state.groups.set(key, { ...before, revision });
    return;
  }
  await api.change('DELETE', `/groups/${before.id}?grants=remove`);
  state.groups.delete(key);
  for (const [given, { subject }] of state.assignments) if (subject === before.id) state.assignments.delete(given);
  // It took its entries with it, and each list that lost one has another version.
  for (const template of state.templates.values()) {
    const left = template.entries.filter(({ subject }) => subject.type !== 'group' || subject.id !== before.id);
    if (left.length === template.entries.length) continue;
    template.entries = left;
    template.revision += 1;
  }
}

/** @param changes adding, or removing, and not both */
export async function changeMembers(
  { api, state }: Taking,
  name: string,
  changes: ReadonlyArray<Of<'member.add' | 'member.remove'>>,
): Promise<void> {
  // An end that is not said would be left as it is.
  const add = changes.flatMap((each) => (each.kind === 'member.add' ? [{ ...subjectOf(state, each.who), expiresAt: each.expiresAt }] : []));
  const remove = changes.flatMap((each) => (each.kind === 'member.remove' ? [subjectOf(state, each.who)] : []));
  await api.change('PATCH', `/groups/${known(state.groups, name).id}/members`, { body: { add, remove } });
}

export async function changeManagers(
  { api, state }: Taking,
  name: string,
  changes: ReadonlyArray<Of<'manager.add' | 'manager.remove'>>,
): Promise<void> {
  const before = known(state.groups, name);
  const managers = new Set(state.config.groups.find((each) => sameName(each.name) === sameName(name))?.managers);
  for (const { kind, who } of changes) {
    if (kind === 'manager.add') managers.add(who);
    else managers.delete(who);
  }
  const items = [...managers].map((email) => known(state.people, email));
  const { revision } = await api.change('PUT', `/groups/${before.id}/managers`, { body: { items }, revision: before.revision });
  state.groups.set(sameName(name), { ...before, revision });
}
