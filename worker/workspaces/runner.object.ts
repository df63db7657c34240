import { ComposedObject } from '../platform/durable.ts';

export abstract class RunnerShell extends ComposedObject {}
