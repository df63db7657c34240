import { z } from 'zod';

/** a registry with or without its port, path, and the digest of the image's manifest; a tag would be another image tomorrow */
const REFERENCE =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?\/)?[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*@sha256:[0-9a-f]{64}$/;

/** The image that a workspace's container is made from: `registry/name@sha256:…`. Null: the driver is another one. */
export const templateImage = z
  .string()
  .trim()
  .max(400, 'must have at most 400 characters')
  .regex(REFERENCE, 'must name its digest, and no tag: registry/name@sha256: and 64 hexadecimal digits')
  .nullable();

/** "sha256:…" of a reference. */
export const digestOf = (image: string): string => image.slice(image.indexOf('@') + 1);
