import { routes } from '../platform/route.ts';

export const auditRoutes = routes();
