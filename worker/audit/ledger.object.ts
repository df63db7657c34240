import { ComposedObject } from '../platform/durable.ts';

export abstract class LedgerShell extends ComposedObject {}
