import { fromBase64, toBase64 } from './base64.ts';
import { NoteFaulty, openNote, signNote, type Signer, type Verifier } from './note.ts';

/** What a log commits itself to (C2SP tlog-checkpoint v1): so many events, with that root. */
export interface Checkpoint {
  /** which log: also the name of the key that signs it */
  origin: string;
  size: number;
  root: Uint8Array;
}

/** Name of an organisation's log, and of the key that signs its checkpoints. @param deployment stays the same for good */
export const logOrigin = (deployment: string, tenantId: string): string => `${deployment}/audit/${tenantId}`;

export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${toBase64(root)}\n`;

/** Lines behind the third are others' extensions and mean nothing here. @throws NoteFaulty */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...more] = text.split('\n');
  const root = fromBase64(encoded);
  const complete = more.at(-1) === '' && more.slice(0, -1).every((line) => line !== '');
  if (origin === '' || !/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size)) || root?.length !== 32 || !complete)
    throw new NoteFaulty('The note is no checkpoint');
  return { origin, size: Number(size), root };
}

/** The checkpoint as a note, signed by each key of that log. */
export const signCheckpoint = (checkpoint: Checkpoint, signers: readonly Signer[]): Promise<string> =>
  signNote(checkpointText(checkpoint), signers);

/**
 * The checkpoint of a note that a believed key signed for its own log.
 * @throws NoteFaulty when it is no checkpoint, or nobody who is believed has signed it
 */
export async function openCheckpoint(note: string, verifiers: readonly Verifier[]): Promise<Checkpoint> {
  const { text, signedBy } = await openNote(note, verifiers);
  const checkpoint = parseCheckpoint(text);
  if (!signedBy.some(({ name }) => name === checkpoint.origin)) throw new NoteFaulty(`The key is not that of the log ${checkpoint.origin}`);
  return checkpoint;
}
