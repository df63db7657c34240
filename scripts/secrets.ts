import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Secrets of a local deployment, as the Worker names them. */
export interface LocalSecrets {
  GRANT_KEY: string;
  KEK: string;
  OPERATOR_TOKEN: string;
}

/** Made at the first start and kept beside the state, readable by their owner only. */
export async function localSecrets(file: string): Promise<LocalSecrets> {
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept !== null) return JSON.parse(kept) as LocalSecrets;
  const made = makeSecrets();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(made, null, 2), { mode: 0o600 });
  return made;
}

export function makeSecrets(): LocalSecrets {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { kty, crv, x, d } = privateKey.export({ format: 'jwk' });
  return {
    GRANT_KEY: JSON.stringify({ kty, crv, x, d, kid: randomBytes(6).toString('base64url') }),
    KEK: randomBytes(32).toString('base64url'),
    OPERATOR_TOKEN: `gho_${randomBytes(32).toString('base64url')}`,
  };
}
