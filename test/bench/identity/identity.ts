import type { Options, Row } from '../measure.ts';
import type { Product } from '../product.ts';
import { measureProvisioning } from './provisioning.ts';

/** People and groups of a directory: how fast they come, and how soon that counts. */
export const measureIdentity = (product: Product, options: Options): Promise<Row[]> => measureProvisioning(product, options);
