import { routes } from '../platform/route.ts';

export const directoryRoutes = routes();
