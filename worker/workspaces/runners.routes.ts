import { routes } from '../platform/route.ts';

export const runnerRoutes = routes();
