import { AppError } from '@gatehouse/core/errors.ts';
import type { RequestFacts, Services, UserContext } from '../platform/context.ts';

export async function authenticate(_services: Services, _request: RequestFacts, _cookie: string | undefined): Promise<UserContext> {
  throw new AppError('not-signed-in', 'Sign in first');
}
