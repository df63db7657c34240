import { routes } from '../platform/route.ts';

export const accountRoutes = routes();
