import { AppError } from '@gatehouse/core/errors.ts';
import { refusalOf } from '../audit/destination-url.ts';
import type { Services } from '../platform/context.ts';

const TIMEOUT_MS = 8_000;
const MAX_ANSWER = 512 * 1024;

/** A provider did not do what the standard asks of it; the message is for whoever set it up. */
export class ProviderFault extends Error {}

/**
 * Asks a provider, in bounded time and size. Redirects are not followed: they could lead where the address itself may not.
 * @throws ProviderFault
 */
export async function askProvider({ settings }: Pick<Services, 'settings'>, url: string, init: RequestInit = {}): Promise<Response> {
  const refusal = refusalOf(url, settings);
  if (refusal !== null) throw new ProviderFault(`${url} ${refusal}`);
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (cause) {
    const late = cause instanceof Error && cause.name === 'TimeoutError';
    throw new ProviderFault(late ? `${host} gave no answer within ${TIMEOUT_MS / 1000} seconds` : `${host} can’t be reached`, { cause });
  }
  const { status, headers } = response;
  return new Response(await readBounded(response, host), { status, headers });
}

async function readBounded(response: Response, host: string): Promise<Blob | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER) throw new ProviderFault(`The answer of ${host} is larger than ${MAX_ANSWER / 1024} KiB`);
    chunks.push(chunk);
  }
  return size === 0 ? null : new Blob(chunks);
}

/** What went wrong, in words for people; what is no fault of the provider goes on. */
export function faultOf(error: unknown): string {
  if (error instanceof ProviderFault) return error.message;
  if (error instanceof AppError) throw error;
  if (error instanceof Error && error.cause instanceof ProviderFault) return error.cause.message;
  if (error instanceof Error && 'code' in error) return error.message;
  throw error;
}
