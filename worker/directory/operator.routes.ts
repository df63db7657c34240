import { routes } from '../platform/route.ts';

export const operatorRoutes = routes();
