import { routes } from '../platform/route.ts';

export const signInRoutes = routes();
