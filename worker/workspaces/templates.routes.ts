import { routes } from '../platform/route.ts';

export const templateRoutes = routes();
