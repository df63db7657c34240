import { z } from 'zod';
import { auditAction } from '@gatehouse/core/api/audit.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { filterOf, paramsOf, sameFilter, wantedOf, type AuditFilter } from './filter.ts';

export interface View {
  label: string;
  filter: AuditFilter;
}

/** Families of actions that all give or take access, and single ones. */
const ACCESS_FAMILIES = ['group.', 'role.', 'invitation.', 'service_account.', 'template.acl.', 'policy.update'];
const ACCESS_ACTIONS = [
  'template.delete',
  'access_request.approve',
  'user.join',
  'user.update',
  'user.suspend',
  'user.activate',
  'user.delete',
  'user.reset_factors',
  'token.create',
  'token.revoke',
] as const satisfies readonly AuditAction[];
const EXPORTS = ['audit.export', 'access.export', 'config.export'] as const satisfies readonly AuditAction[];

const anyOf = (actions: readonly string[], families: readonly string[] = []): string =>
  [...families.map((family) => `action sw "${family}"`), ...actions.map((action) => `action eq "${action}"`)].join(' or ');

/** Divides the room of the runners, and opens nothing to anybody. */
const NO_ACCESS = 'group.quota' satisfies AuditAction;

/** What changed who may do what: not only lists of templates. */
export const ACCESS_CHANGES = `outcome eq "success" and action ne "${NO_ACCESS}" and (${anyOf(ACCESS_ACTIONS, ACCESS_FAMILIES)})`;

export const FAILED_SIGN_INS = `action eq "${auditAction.enum['user.sign_in']}" and outcome ne "success"`;

/** What a security team asks most often. */
export const VIEWS: readonly View[] = [
  { label: 'Everything', filter: {} },
  { label: 'Failed sign-ins', filter: { filter: FAILED_SIGN_INS } },
  { label: 'Refused', filter: { outcome: 'denied' } },
  { label: 'Changes of access', filter: { filter: ACCESS_CHANGES } },
  { label: 'Exports', filter: { filter: anyOf(EXPORTS) } },
];

/** The view that a filter belongs to, whatever the time that is looked at. */
export const viewOf = <V extends View>(views: readonly V[], filter: AuditFilter): V | undefined =>
  views.find((view) => sameFilter(wantedOf(view.filter), wantedOf(filter)));

const LABEL_LENGTH = 40;
const MOST_OWN = 20;
const kept = z.array(z.object({ label: z.string().min(1).max(LABEL_LENGTH), params: z.record(z.string(), z.string()) })).max(MOST_OWN);

/** Views that somebody saved, kept in this browser for this person. */
export class OwnViews {
  items = $state.raw<View[]>([]);
  readonly #key: string;
  readonly #storage: Storage;

  constructor(userId: string, storage: Storage = localStorage) {
    this.#key = `gatehouse.audit-views.${userId}`;
    this.#storage = storage;
    this.items = this.#read();
  }

  get isFull(): boolean {
    return this.items.length >= MOST_OWN;
  }

  /** Saves under a name; one of the same name is replaced. */
  save(label: string, filter: AuditFilter): void {
    const name = label.trim().slice(0, LABEL_LENGTH);
    this.#keep([...this.items.filter((view) => view.label !== name), { label: name, filter }].slice(-MOST_OWN));
  }

  remove(label: string): void {
    this.#keep(this.items.filter((view) => view.label !== label));
  }

  #keep(items: View[]): void {
    this.items = items;
    this.#storage.setItem(this.#key, JSON.stringify(items.map(({ label, filter }) => ({ label, params: paramsOf(filter) }))));
  }

  #read(): View[] {
    try {
      const found = kept.safeParse(JSON.parse(this.#storage.getItem(this.#key) ?? '[]'));
      return found.success ? found.data.map(({ label, params }) => ({ label, filter: filterOf(params) })) : [];
    } catch {
      return [];
    }
  }
}
