import { ComposedObject } from '../platform/durable.ts';

export abstract class WorkspaceShell extends ComposedObject {}
