import { listOf, MAX_RESULTS } from '@gatehouse/core/scim/describe.ts';
import type { Json } from '@gatehouse/core/scim/filter-match.ts';
import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import type { Answer } from './answer.ts';
import { enter, type Call } from './call.ts';
import { listGroups } from './scim-groups.ts';
import { listUsers } from './scim-users.ts';

type Lister = (call: Call, asked: ReadonlyMap<string, unknown>) => Promise<Answer>;
interface Page {
  totalResults: number;
  Resources: Json[];
}

/** People, and behind them groups: what is asked at the root. A filter on what one kind does not have matches none of that kind. */
export async function searchAll(call: Call, asked: ReadonlyMap<string, unknown>): Promise<Answer> {
  const startIndex = Math.max(1, Number(asked.get('startindex') ?? 1));
  const count = Math.min(MAX_RESULTS, Math.max(0, Number(asked.get('count') ?? 100)));
  if (!Number.isSafeInteger(startIndex) || !Number.isSafeInteger(count))
    throw new ScimError(400, 'invalidValue', 'startIndex and count are whole numbers');
  const faults: ScimError[] = [];
  const page = async (list: Lister, from: number, most: number): Promise<Page> => {
    try {
      const { body } = await list(call, new Map([...asked, ['startindex', Math.max(1, from)], ['count', Math.max(0, most)]]));
      return body as unknown as Page;
    } catch (error) {
      if (!(error instanceof ScimError) || error.scimType === null) throw error;
      faults.push(error);
      return { totalResults: 0, Resources: [] };
    }
  };
  const people = await page(listUsers, startIndex, count);
  const groups = await page(listGroups, startIndex - people.totalResults, count - people.Resources.length);
  const [fault] = faults;
  if (fault && faults.length === 2) {
    await enter(call, []);
    throw fault;
  }
  const total = people.totalResults + groups.totalResults;
  return { status: 200, body: listOf([...people.Resources, ...groups.Resources], { total, startIndex }) };
}
