import { ConfigFaulty, lineFinder, parseConfig, sameName, type Config } from '@gatehouse/core/access/config-file.ts';
import { unknownNames } from '@gatehouse/core/access/config-names.ts';
import { planChanges, type Change } from '@gatehouse/core/access/config-plan.ts';
import { outOfReach, type ConfigState } from '@gatehouse/core/access/config-state.ts';
import { inForceAt } from '@gatehouse/core/access/config-text.ts';
import type { Scope } from '@gatehouse/core/access/scopes.ts';
import type { FieldError } from '@gatehouse/core/errors.ts';
import { Fault } from './fault.ts';

/** The steps from what is to what the file says. @param name of the file, for people. @throws Fault for a file that can't be applied */
export function planOf(source: string, name: string, state: ConfigState, now: string): Change[] {
  const wanted = inForceAt(parsed(source, name), now);
  const unreachable = outOfReach(state, wanted);
  if (unreachable.length > 0) throw faulty(source, name, unreachable);
  const current = inForceAt(state.config, now);
  const unknown = unknownNames(current, wanted, new Set(state.people.keys()));
  if (unknown.length > 0) throw faulty(source, name, unknown);
  return planChanges(current, wanted);
}

function parsed(source: string, name: string) {
  try {
    return parseConfig(source);
  } catch (error) {
    throw error instanceof ConfigFaulty ? faulty(source, name, error.errors) : error;
  }
}

function faulty(source: string, name: string, errors: FieldError[]): Fault {
  const lineOf = lineFinder(source);
  const lines = errors.map(({ path, message }) => {
    const line = lineOf(path);
    return `  ${line === null ? '' : `line ${line}: `}${path === '' ? '' : `${path} `}${message}`;
  });
  return new Fault(`${name} can’t be applied:\n${lines.join('\n')}`);
}

/** What a token must hold for each kind of step: one of these. */
const NEEDS: ReadonlyArray<[kind: RegExp, scopes: readonly Scope[]]> = [
  [/^role\./, ['role:update']],
  [/^(group|member|manager)\./, ['group:update']],
  [/^assignment\./, ['role:assign', 'user:update', 'group:update']],
  [/^(access|template policy)\./, ['template:admin', 'template:manage']],
  [/^policy\./, ['policy:update']],
];

/** Rights that the steps need and that are not among those held: said before the first step, not in the middle. */
export function missingRights(changes: readonly Change[], current: Config, held: ReadonlySet<string>): string[] {
  const kinds = new Set(changes.map((each) => ('field' in each && each.template !== null ? `template ${each.kind}` : each.kind)));
  const needed = NEEDS.flatMap(([kind, scopes]) => ([...kinds].some((each) => kind.test(each)) ? [scopes] : []));
  const missing = needed.filter((scopes) => !scopes.some((scope) => held.has(scope))).map((scopes) => scopes.join(' or '));
  return [...new Set([...missing, ...addedToRoles(changes, current).filter((permission) => !held.has(permission))])];
}

/** A role gets only what its author holds. */
const addedToRoles = (changes: readonly Change[], { roles }: Config): string[] =>
  changes.flatMap((change) => {
    if (change.kind !== 'role.create' && change.kind !== 'role.update') return [];
    const before = roles.find(({ name }) => sameName(name) === sameName(change.role.name))?.permissions ?? [];
    return change.role.permissions.filter((permission) => !before.includes(permission));
  });
