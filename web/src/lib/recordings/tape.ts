import type { Recording } from '@gatehouse/core/api/recordings.ts';
import type { KeyPair } from '@gatehouse/core/protocol/noise-state.ts';
import {
  importRecordingKey,
  openSlice,
  recordingPrivateKey,
  sliceBytes,
  unpackEvents,
  type TapeEvent,
} from '@gatehouse/core/protocol/recording.ts';
import * as recordingsApi from '#lib/api/recordings.ts';
import { ApiProblem } from '#lib/api/problem.ts';

/** Reads the key file of an organisation that holds its key itself. It stays in this page. @throws ApiProblem when it is another */
export async function readKeyFile(file: File, expected: string): Promise<KeyPair> {
  let key;
  try {
    key = recordingPrivateKey.parse(JSON.parse(await file.text()));
  } catch (cause) {
    throw new ApiProblem('invalid', 'This file is no recording key. Choose the file that was saved when the key was made.', { cause });
  }
  if (key.x !== expected)
    throw new ApiProblem('invalid', 'This is another recording key: this recording was sealed to one that was in use at its time.');
  return importRecordingKey(key);
}

/**
 * All events of a recording, slice after slice. @param key where the organisation holds it, @param progress slices that are here
 * @throws ApiProblem
 */
export async function readTape(
  recording: Recording,
  key: KeyPair | null,
  progress: (slices: number) => void,
  signal: AbortSignal,
): Promise<TapeEvent[]> {
  const events: TapeEvent[] = [];
  for (let n = 0; n < recording.slices; n++) {
    const { sealed, opened } = await recordingsApi.slice(recording.id, n, { signal });
    if (opened !== null) events.push(...unpackEvents(sliceBytes(opened)));
    else if (sealed !== null && key !== null) events.push(...(await openSealed(recording.id, n, sealed, key)));
    progress(n + 1);
  }
  return events;
}

async function openSealed(recordingId: string, slice: number, sealed: string, key: KeyPair): Promise<TapeEvent[]> {
  try {
    return await openSlice(sliceBytes(sealed), { recordingId, slice }, key);
  } catch (cause) {
    throw new ApiProblem('invalid', `Part ${slice + 1} does not open with this key, or was altered.`, { cause });
  }
}
