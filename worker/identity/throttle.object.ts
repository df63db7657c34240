import { ComposedObject } from '../platform/durable.ts';

export abstract class ThrottleShell extends ComposedObject {}
