import { toast } from '#lib/toast.svelte.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import type { User, UserAction } from '@gatehouse/core/api/directory.ts';
import * as usersApi from '#lib/api/users.ts';
import type { Bulk } from '#lib/bulk.svelte.ts';

interface Words {
  label: string;
  needs: Permission;
  /** whom it is for */
  fits: (state: User['state']) => boolean;
  /** "Nina Berg is suspended", "3 people are suspended" */
  done: string;
  /** what becomes of people, in the question before; null: it is not asked */
  ask: string | null;
  undo: UserAction | null;
}

export const USER_ACTS: Record<UserAction, Words> = {
  suspend: {
    ...{ label: 'Suspend', needs: 'user:update', fits: (state) => state === 'active', done: 'suspended', undo: 'activate' },
    ask: 'They are signed out, open editors and terminals close at once, and they can’t sign in until they are reactivated. Their workspaces stay.',
  },
  activate: {
    ...{ label: 'Reactivate', needs: 'user:update', fits: (state) => state === 'suspended', done: 'active again', undo: 'suspend' },
    ask: null,
  },
  'sign-out': {
    ...{ label: 'Sign out everywhere', needs: 'user:sign-out', fits: (state) => state !== 'deactivated', done: 'signed out', undo: null },
    ask: 'All their sessions end, and open editors and terminals close at once. They can sign in again. Their API tokens keep working.',
  },
  delete: {
    ...{ label: 'Delete', needs: 'user:delete', fits: (state) => state !== 'deactivated', done: 'deleted', undo: null },
    ask: 'Sessions, API tokens, roles and memberships go for good, and the e-mail address is free again. Their workspaces stay.',
  },
};

type Person = Pick<User, 'id' | 'name'>;

const subject = (people: readonly Person[]): string => (people.length === 1 ? `${people[0]?.name} is` : `${people.length} people are`);

/** Does it to all of them and says so; what can be undone offers that. Failures stay in `bulk`. @param after reads the page again */
export async function actOnPeople(bulk: Bulk, action: UserAction, people: readonly Person[], after: () => unknown): Promise<void> {
  const { done, undo } = USER_ACTS[action];
  const ids = await bulk.run(
    people.map(({ id }) => id),
    (some) => usersApi.act(action, some),
  );
  bulk.chosen.clear();
  const reached = people.filter(({ id }) => ids.includes(id));
  if (reached.length > 0) {
    const back = undo === null ? {} : { action: { label: 'Undo', onClick: () => void actOnPeople(bulk, undo, reached, after) } };
    toast.success(`${subject(reached)} ${done}`, back);
  }
  await after();
}
