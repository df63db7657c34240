import { routes } from '../platform/route.ts';

export const workspaceRoutes = routes();
