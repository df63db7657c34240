import { ScimError } from '@gatehouse/core/scim/scim-error.ts';
import { GuardFailed } from '../platform/commit.ts';
import { isDisturbed } from '../providers/made-groups.ts';

/** Others may change the same thing between reading and writing; each time all is looked at again. */
const ATTEMPTS = 6;

const isClash = (error: unknown): boolean =>
  error instanceof GuardFailed || isDisturbed(error) || /UNIQUE constraint failed: (?:users|scim_users|scim_groups)\./.test(String(error));

/** Does `work`, which reads, decides and writes with a guard, until nobody comes in between. @throws ScimError 503 */
export async function untilUndisturbed<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isClash(error)) throw error;
    }
  }
  throw new ScimError(503, null, 'Others are changing the same resource right now: try again');
}
