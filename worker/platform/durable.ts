import { DurableObject } from 'cloudflare:workers';
import type { Services } from './context.ts';
import type { Env } from './env.ts';

/** Base of every object: its services are made by compose.ts, which stands above; index.ts ties the two. */
export abstract class ComposedObject extends DurableObject<Env> {
  protected abstract compose(): Services;
}
