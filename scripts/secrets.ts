import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Secrets of a local deployment, as the Worker names them. */
export interface LocalSecrets {
  GRANT_KEY: string;
  CHECKPOINT_KEY: string;
  KEK: string;
  OPERATOR_TOKEN: string;
}

/** Made at the first start that needs them and kept beside the state, readable by their owner only. */
export async function localSecrets(file: string): Promise<LocalSecrets> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const kept = JSON.parse(text) as Partial<LocalSecrets>;
  const secrets = { ...makeSecrets(), ...kept };
  // One that a newer version needs is added to those that are there.
  if (Object.keys(secrets).some((name) => !(name in kept))) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  }
  return secrets;
}

export function makeSecrets(): LocalSecrets {
  return {
    GRANT_KEY: JSON.stringify({ ...ed25519(), kid: randomBytes(6).toString('base64url') }),
    CHECKPOINT_KEY: JSON.stringify(ed25519()),
    KEK: randomBytes(32).toString('base64url'),
    OPERATOR_TOKEN: `gho_${randomBytes(32).toString('base64url')}`,
  };
}

function ed25519() {
  const { kty, crv, x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty, crv, x, d };
}
