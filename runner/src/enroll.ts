import { runnerEnrolled } from '@gatehouse/core/api/runners.ts';
import { problem } from '@gatehouse/core/api/common.ts';
import { Failure, messageOf } from './failure.ts';
import { faultsOf, isEnrolled, saveConfig } from './state/config.ts';
import { prepareStateFolder, type StateFolder } from './state/folder.ts';
import { fingerprintOf, makeKeys } from './state/keys.ts';
import { lockState } from './state/lock.ts';
import { PLATFORM, VERSION } from './version.ts';

export interface EnrollRequest {
  url: string;
  code: string;
  name: string;
  labels: Record<string, string>;
  force: boolean;
}

export interface Enrolled {
  runnerId: string;
  tenant: string;
  fingerprint: string;
}

async function askPlatform(request: EnrollRequest, body: object): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`${request.url}/api/v1/runner/enroll`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(20_000),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : '';
    throw new Failure(`${request.url} does not answer${cause}`);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer;
  const fault = problem.safeParse(answer);
  const fields = fault.data?.errors?.map((error) => `${error.path}: ${error.message}`).join('; ');
  const reason = fault.success
    ? `${fault.data.title}: ${fault.data.detail}${fields === undefined ? '' : ` (${fields})`}`
    : 'no reason given';
  throw new Failure(`The platform refused the enrolment (${response.status}). ${reason}`);
}

/**
 * Makes the runner's keys here, gives the public halves and the one-time code to the platform and stores what it answers.
 * @throws Failure with what the operator can do about it
 */
export async function enrollRunner(folder: StateFolder, request: EnrollRequest): Promise<Enrolled> {
  prepareStateFolder(folder);
  const release = lockState(folder);
  try {
    if (isEnrolled(folder) && !request.force) {
      throw new Failure(`${folder.root} already holds an enrolled runner. Use another --state-dir, or --force to replace it.`);
    }
    const { keys, save } = makeKeys();
    const { identityKey, agreementKey } = keys;
    const answer = await askPlatform(request, {
      code: request.code,
      name: request.name,
      identityKey,
      agreementKey,
      version: VERSION,
      platform: PLATFORM,
    });
    const enrolled = runnerEnrolled.safeParse(answer);
    if (!enrolled.success) throw new Failure(`The platform's answer makes no sense: ${faultsOf(enrolled.error)}`);
    const fingerprint = fingerprintOf(keys);
    if (enrolled.data.fingerprint !== fingerprint) {
      throw new Failure(`The platform shows another fingerprint than this runner's (${fingerprint}): somebody changed the keys on the way`);
    }
    const { runnerId, tenant, token, issuer, keys: jwks } = enrolled.data;
    save(folder);
    saveConfig(folder, { url: request.url, runnerId, token, issuer, keys: jwks, tenant, name: request.name, labels: request.labels });
    return { runnerId, tenant: tenant.name, fingerprint };
  } finally {
    release();
  }
}
