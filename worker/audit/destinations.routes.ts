import { routes } from '../platform/route.ts';

export const destinationRoutes = routes();
