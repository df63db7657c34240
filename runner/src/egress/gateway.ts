import type { Socket } from 'node:net';
import { dial, resolveWithin, Unreachable, type Outside } from './outside.ts';
import { EgressRefused } from './refusal.ts';
import type { Trail } from './trail.ts';
import { webWay, type Ways } from './ways.ts';

/** What a workspace's proxies share. */
export interface Gateway {
  outside: Outside;
  trail: Trail;
  /** in force now */
  ways(): Ways;
}

/** Connects to a host of the web, if that is allowed; a refusal is recorded. @throws EgressRefused, Unreachable */
export async function dialWeb(
  { outside, trail, ways }: Gateway,
  asked: string,
  port: number,
): Promise<{ socket: Socket; host: string; raw: boolean }> {
  try {
    const { host, reach, raw } = webWay(ways(), asked, port);
    const socket = await dial(outside, host, await resolveWithin(outside, host, reach), port);
    trail.follow(socket, host, port);
    return { socket, host, raw };
  } catch (error) {
    if (error instanceof EgressRefused) trail.refused(asked, port, error.message);
    throw error;
  }
}

export const statusOf = (error: unknown): number => (error instanceof EgressRefused ? 403 : error instanceof Unreachable ? 502 : 500);
