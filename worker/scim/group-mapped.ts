import { carryOut, endMade, pairsOf, planMade, unmadeWords, type MadePlan } from '../providers/made-groups.ts';
import { mappedGroup, type MappingRow } from '../providers/mapped.ts';
import type { ScimContext } from './call.ts';
import type { ScimGroupRow } from './scim-groups.store.ts';

/** What the event of a group says of what its name gives it, and of what could not be made for it. */
export function givenByMapping(about: readonly MappingRow[], plans: readonly MadePlan[]): Record<string, string> {
  const note = noteOf(plans);
  return {
    ...(about.length === 0 ? {} : { mapped: about.map(({ target_type, target }) => `${target_type} ${target}`).join(', ') }),
    ...(note === null ? {} : { notMade: note }),
  };
}

export const noteOf = (plans: readonly MadePlan[]): string | null => plans.flatMap((plan) => unmadeWords(plan) ?? []).join('; ') || null;

/** What follows from a new name: mappings go by it. */
export async function mappedAnew(ctx: ScimContext, before: ScimGroupRow, name: string, mappings: readonly MappingRow[]) {
  const { db, caller, newId } = ctx;
  if (name === before.display_name) return { changes: [], events: [], details: {}, note: null, lessens: false };
  const group = { id: before.id, display_name: name };
  const mapped = mappedGroup(db, mappings, group, { newId, now: ctx.now().toISOString() });
  const plans = await planMade(ctx, pairsOf(mappings, [group]));
  const [own, ended] = [carryOut(ctx, caller.provider_name, plans), await endMade(ctx, mappings, before.id, plans)];
  return {
    changes: [...mapped.changes, ...own.changes, ...ended.changes],
    events: [...own.events, ...ended.events],
    details: givenByMapping(mapped.about, plans),
    note: noteOf(plans),
    lessens: mapped.lessens,
  };
}
