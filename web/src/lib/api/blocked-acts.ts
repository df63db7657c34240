import type { BlockedActs } from '@gatehouse/core/api/blocked-acts.ts';
import { quietApi } from './client.ts';

export async function tell(json: BlockedActs): Promise<void> {
  await quietApi.me['blocked-acts'].$post({ json });
}
