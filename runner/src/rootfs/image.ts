import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { UnsafeEntry } from './place.ts';

const MOST_LAYERS = 200;
const MOST_DOCUMENT = 4 * 1024 * 1024;

const descriptor = z.object({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  mediaType: z.string().optional(),
  platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
});
const index = z.object({ manifests: z.array(descriptor).min(1).max(100) });
const manifest = z.object({ layers: z.array(descriptor).max(MOST_LAYERS) });

const isIndex = ({ mediaType = '' }: z.infer<typeof descriptor>) => mediaType.includes('index') || mediaType.includes('manifest.list');

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}

/** The place of a blob. @throws UnsafeEntry when it is missing, or another one */
async function blobOf(layout: string, digest: string): Promise<string> {
  const path = join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length));
  if (!existsSync(path)) throw new UnsafeEntry(`The image lacks its part ${digest}`);
  if ((await sha256Of(path)) !== digest) throw new UnsafeEntry(`The image’s part ${digest} is another one`);
  return path;
}

async function documentOf<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, 'utf8');
  if (text.length > MOST_DOCUMENT) throw new UnsafeEntry('The image describes itself at too great length');
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new UnsafeEntry(`The image does not describe itself as OCI images do: ${parsed.error.issues[0]?.path.join('.')}`);
  return parsed.data;
}

export const isImageLayout = (folder: string): boolean => existsSync(join(folder, 'oci-layout')) && existsSync(join(folder, 'index.json'));

const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** The layers of the image for this machine, the lowest first. @throws UnsafeEntry when there is none */
export async function layersOf(layout: string): Promise<string[]> {
  const wanted = ARCHITECTURES[process.arch];
  let { manifests } = await documentOf(join(layout, 'index.json'), index);
  // An index may lead to another, which names an image for each kind of machine.
  for (let depth = 0; depth < 3; depth++) {
    const found = manifests.find(({ platform }) => platform === undefined || (platform.os === 'linux' && platform.architecture === wanted));
    if (found === undefined) throw new UnsafeEntry(`The image is not for linux/${wanted ?? process.arch}`);
    const path = await blobOf(layout, found.digest);
    if (isIndex(found)) {
      manifests = (await documentOf(path, index)).manifests;
      continue;
    }
    const { layers } = await documentOf(path, manifest);
    const places: string[] = [];
    for (const layer of layers) places.push(await blobOf(layout, layer.digest));
    return places;
  }
  throw new UnsafeEntry('The image leads from one index to the next');
}
