import type { Size } from '../size.ts';
import type { Step } from './screens.ts';

/** What the worker is told; it answers each `advance`, in order, with the state or null. */
export type ToWorker =
  { kind: 'open'; screen: number; size: Size } | { kind: 'advance'; screen: number; steps: Step[] } | { kind: 'close'; screen: number };

export type FromWorker = Uint8Array<ArrayBuffer> | null;
