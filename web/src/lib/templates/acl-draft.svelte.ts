import { TEMPLATE_ROLES, type AclSubject, type TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import type { AclItem, AclShown } from '#lib/api/templates.ts';

export type RowChange = 'same' | 'new' | 'changed' | 'gone';

export interface AclRow {
  key: string;
  subject: AclSubject;
  name: string;
  /** active people whom it reaches; null while it is not saved and not known */
  people: number | null;
  givenBy: string | null;
  /** the approved request that made it: it can end earlier or go, and nothing else */
  grantId: string | null;
  role: TemplateRole;
  expiresAt: string | null;
  removed: boolean;
  /** as the server has it; null for an entry that is not saved yet */
  saved: { role: TemplateRole; expiresAt: string | null } | null;
}

export const subjectKey = (subject: AclSubject): string => (subject.type === 'everyone' ? 'everyone' : subject.id);
const keyOf = (subject: AclSubject, grantId: string | null) => `${subjectKey(subject)}${grantId === null ? '' : ` ${grantId}`}`;

export function changeOf({ saved, removed, role, expiresAt }: AclRow): RowChange {
  if (saved === null) return 'new';
  if (removed) return 'gone';
  return saved.role === role && saved.expiresAt === expiresAt ? 'same' : 'changed';
}

/** A template's access list while it is edited: every unsaved change can be undone by itself. */
export class AclDraft {
  rows = $state<AclRow[]>([]);
  /** the list as the server has it, as it would be sent */
  readonly saved: AclItem[];

  constructor(saved: AclShown) {
    this.saved = saved.items.map(({ subject, role, expiresAt, grantId }) => ({ subject, role, expiresAt, grantId }));
    this.rows = saved.items.map(({ subject, name, role, expiresAt, grantId, people, givenBy }) => ({
      ...{ key: keyOf(subject, grantId), subject, name, people, givenBy, grantId, role, expiresAt },
      removed: false,
      saved: { role, expiresAt },
    }));
  }

  get changes(): AclRow[] {
    return this.rows.filter((row) => changeOf(row) !== 'same');
  }

  /** Entries from which something is taken: removed, given a smaller role, or ended earlier. */
  get losses(): AclRow[] {
    return this.rows.filter((row) => row.saved !== null && (row.removed || isLess(row, row.saved)));
  }

  /** Adds an entry; for somebody who has one already, changes that. */
  add(subject: AclSubject, name: string, role: TemplateRole, expiresAt: string | null): void {
    const key = keyOf(subject, null);
    const known = this.rows.find((row) => row.key === key);
    if (known) Object.assign(known, { role, expiresAt, removed: false });
    else {
      const people = subject.type === 'user' ? 1 : null;
      this.rows.push({ key, subject, name, people, givenBy: null, grantId: null, role, expiresAt, removed: false, saved: null });
    }
  }

  remove(row: AclRow): void {
    if (row.saved === null) this.rows = this.rows.filter(({ key }) => key !== row.key);
    else row.removed = true;
  }

  undo(row: AclRow): void {
    if (row.saved === null) this.remove(row);
    else Object.assign(row, { ...row.saved, removed: false });
  }

  discard(): void {
    for (const row of this.changes) this.undo(row);
  }

  /** The whole list as it is sent. */
  get items(): AclItem[] {
    return this.rows
      .filter(({ removed }) => !removed)
      .map(({ subject, role, expiresAt, grantId }) => ({ subject: $state.snapshot(subject), role, expiresAt, grantId }));
  }
}

function isLess(now: { role: TemplateRole; expiresAt: string | null }, before: { role: TemplateRole; expiresAt: string | null }): boolean {
  if (TEMPLATE_ROLES.indexOf(now.role) < TEMPLATE_ROLES.indexOf(before.role)) return true;
  return now.expiresAt !== null && (before.expiresAt === null || now.expiresAt < before.expiresAt);
}
