import { sameName } from '@gatehouse/core/access/config-file.ts';
import type { Change } from '@gatehouse/core/access/config-plan.ts';
import { assignmentKey } from '@gatehouse/core/access/config-state.ts';
import { assignment, role } from '@gatehouse/core/api/roles.ts';
import { known, roleIdOf, subjectOf, type Taking } from './lookup.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

export async function changeRole({ api, state }: Taking, change: Of<'role.create' | 'role.update' | 'role.delete'>): Promise<void> {
  if (change.kind === 'role.delete') {
    // One that somebody has is not deleted.
    for (const [key, given] of state.assignments) {
      if (given.role !== sameName(change.name)) continue;
      await api.change('DELETE', `/role-assignments/${given.id}`);
      state.assignments.delete(key);
    }
    await api.change('DELETE', `/roles/${known(state.roles, change.name).id}`);
    state.roles.delete(sameName(change.name));
    return;
  }
  const key = sameName(change.role.name);
  if (change.kind === 'role.create') {
    const { body, revision } = await api.change('POST', '/roles', { body: change.role });
    state.roles.set(key, { id: role.parse(body).id, revision });
    return;
  }
  const before = known(state.roles, change.role.name);
  const { revision } = await api.change('PATCH', `/roles/${before.id}`, { body: change.role, revision: before.revision });
  state.roles.set(key, { ...before, revision });
}

export async function changeAssignment({ api, state }: Taking, change: Of<'assignment.set' | 'assignment.remove'>): Promise<void> {
  const named = change.kind === 'assignment.set' ? change.assignment : change;
  const key = assignmentKey(named);
  const given = state.assignments.get(key);
  if (change.kind === 'assignment.remove') {
    await api.change('DELETE', `/role-assignments/${known(state.assignments, key).id}`);
    state.assignments.delete(key);
    return;
  }
  const { role: name, who, expiresAt } = change.assignment;
  if (given !== undefined) {
    await api.change('PATCH', `/role-assignments/${given.id}`, { body: { expiresAt } });
    return;
  }
  const subject = subjectOf(state, who);
  const made = await api.change('POST', '/role-assignments', { body: { role: roleIdOf(state, name), subject, expiresAt } });
  state.assignments.set(key, { id: assignment.parse(made.body).id, role: sameName(name), subject: subject.id });
}
