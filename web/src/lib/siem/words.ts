import type { Destination, DestinationConfig } from '@gatehouse/core/api/audit.ts';
import type { AuditFormat } from '@gatehouse/core/audit/formats.ts';
import type { Tone } from '#lib/components/Status.svelte';

export const TYPE_NAMES: Record<DestinationConfig['type'], string> = {
  'splunk-hec': 'Splunk HEC',
  webhook: 'Signed webhook',
  s3: 'S3-compatible bucket',
  sentinel: 'Microsoft Sentinel',
  datadog: 'Datadog',
  elastic: 'Elasticsearch',
};

interface FieldWords {
  path: string;
  label: string;
  hint?: string;
  placeholder?: string;
}

/** What each kind asks for besides its name, filter and secret. What is left empty takes the usual value. */
export const CONFIG_FIELDS: Record<DestinationConfig['type'], FieldWords[]> = {
  'splunk-hec': [
    { path: 'url', label: 'Address', placeholder: 'https://hec.example.com:8088' },
    { path: 'index', label: 'Index', hint: 'Empty: the token’s default.' },
    { path: 'source', label: 'Source', placeholder: 'gatehouse' },
  ],
  webhook: [{ path: 'url', label: 'Address', placeholder: 'https://soc.example.com/hooks/gatehouse' }],
  s3: [
    { path: 'url', label: 'Address', placeholder: 'https://s3.eu-central-1.amazonaws.com', hint: 'Of the service, without the bucket.' },
    { path: 'bucket', label: 'Bucket' },
    { path: 'region', label: 'Region', placeholder: 'us-east-1' },
    { path: 'prefix', label: 'Prefix', placeholder: 'gatehouse' },
    { path: 'accessKeyId', label: 'Access key id' },
  ],
  sentinel: [
    { path: 'url', label: 'Data collection endpoint', placeholder: 'https://….ingest.monitor.azure.com' },
    { path: 'ruleId', label: 'Immutable id of the rule', placeholder: 'dcr-…' },
    { path: 'stream', label: 'Stream', placeholder: 'Custom-Gatehouse_CL' },
    { path: 'directoryId', label: 'Directory (tenant) id' },
    { path: 'clientId', label: 'Application (client) id' },
    { path: 'authority', label: 'Sign-in address', placeholder: 'https://login.microsoftonline.com' },
  ],
  datadog: [
    { path: 'url', label: 'Intake', placeholder: 'https://http-intake.logs.datadoghq.eu' },
    { path: 'service', label: 'Service', placeholder: 'gatehouse' },
    { path: 'tags', label: 'Tags', placeholder: 'env:prod,team:soc' },
  ],
  elastic: [
    { path: 'url', label: 'Address', placeholder: 'https://elastic.example.com:9243' },
    { path: 'index', label: 'Data stream or index', placeholder: 'logs-gatehouse.audit-default' },
  ],
};

/** Where in that product one finds what is asked for. */
export const WHERE_TO_FIND: Record<DestinationConfig['type'], string> = {
  'splunk-hec':
    'In Splunk: Settings › Data inputs › HTTP Event Collector › New Token. Give it the index, and leave indexer acknowledgement off. The address is that of the collector, port 8088, or https://http-inputs-….splunkcloud.com.',
  webhook: 'An address of yours that takes POST. Requests follow Standard Webhooks, so that any of its libraries checks the signatures.',
  s3: 'Make a bucket, and a user whose key may s3:PutObject under the prefix and nothing else. R2, MinIO and Wasabi work the same way.',
  sentinel:
    'In the Log Analytics workspace: Tables › Create › New custom log (DCR-based) Gatehouse_CL. Rule id, stream and endpoint stand on the rule’s page. In Entra: App registrations › New, then a client secret; give the app Monitoring Metrics Publisher on the rule.',
  datadog:
    'In Datadog: Organization Settings › API Keys › New Key. The intake is that of your site: datadoghq.com, datadoghq.eu, us5.datadoghq.com …',
  elastic:
    'In Kibana: Stack Management › API keys › Create, with create_doc and auto_configure on logs-gatehouse.audit-*. Take the key as “Encoded”.',
};

export const FORMAT_NAMES: Record<AuditFormat, { label: string; says: string }> = {
  native: { label: 'Gatehouse’s own', says: 'The event as it was hashed, to the byte.' },
  ocsf: { label: 'OCSF 1.8.0', says: 'Open Cybersecurity Schema.' },
  ecs: { label: 'ECS 8.17', says: 'Elastic Common Schema.' },
};

export const SECRET_NAMES: Record<DestinationConfig['type'], string> = {
  'splunk-hec': 'Token',
  webhook: 'Secret',
  s3: 'Secret access key',
  sentinel: 'Client secret',
  datadog: 'API key',
  elastic: 'API key',
};

const STATE_SHOWN: Record<Destination['state'], { tone: Tone; word: string }> = {
  active: { tone: 'ok', word: 'Active' },
  paused: { tone: 'off', word: 'Paused' },
  failing: { tone: 'bad', word: 'Failing' },
  held: { tone: 'bad', word: 'Held' },
};

/** How a destination's state is told. One that has never taken an event is not known to work. */
export function shownState({ state, lastSuccessAt }: Pick<Destination, 'state' | 'lastSuccessAt'>): { tone: Tone; word: string } {
  return state === 'active' && lastSuccessAt === null ? { tone: 'unknown', word: 'Not delivered yet' } : STATE_SHOWN[state];
}

/** Whether nothing was taken since it failed last. */
export const lastAttemptFailed = ({ lastError, lastSuccessAt }: Pick<Destination, 'lastError' | 'lastSuccessAt'>): boolean =>
  lastError !== null && (lastSuccessAt === null || lastError.at > lastSuccessAt);

/** What a state means and what to do about it; null where all is well. */
export function adviceFor({ state, lastError, lastSuccessAt, lag }: Destination): { title: string; says: string } | null {
  const kept = `Nothing is lost: ${lag === 0 ? 'what comes' : 'what waits'} follows in order.`;
  if (state === 'failing')
    return { title: 'Nothing arrives there', says: `It is tried again by itself, at most every five minutes. ${kept}` };
  if (state === 'held')
    return {
      title: 'It refuses what we send',
      says: `Somebody must change something: mend it there, or change this destination; then let it try now. Else it is tried every fifteen minutes. ${kept}`,
    };
  if (state === 'paused') return { title: 'Paused', says: `Nothing is sent until somebody resumes it. ${kept}` };
  if (lastAttemptFailed({ lastError, lastSuccessAt }))
    return { title: 'The last attempt failed', says: `It is tried again by itself. ${kept}` };
  return null;
}

/** A message as a sentence that another one may follow. */
export const asSentence = (message: string | undefined): string =>
  message === undefined ? '' : /[.!?]$/.test(message) ? message : `${message}.`;
