import { z } from 'zod';
import { isSourceUrl } from './common.ts';

/** The system that a workspace's programs see, instead of the one of the runner's machine. */
export const templateRootfs = z
  .object({
    /** of the file at `source`: what `sha256sum` prints */
    digest: z
      .string()
      .trim()
      .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits'),
    /** a tarball of a root file system, or of an OCI image layout; plain, gzip or zstd. http only from the runner's own loopback */
    source: z.string().trim().max(1000).refine(isSourceUrl, 'must be an https:// address without a user name'),
  })
  .nullable();
export type TemplateRootfs = NonNullable<z.infer<typeof templateRootfs>>;
