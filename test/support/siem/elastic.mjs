/** The bulk API of Elasticsearch with a data stream: 200 says nothing, each item has its own status. */
const error = (status, type) => ({ status, body: { error: { type, reason: 'the double says so' }, status } });

export const elastic = {
  faults: {
    secret: '',
    index: 'logs-gatehouse.audit-default',
    maxBytes: 100_000_000,
    /** documents that contain this text don't fit the mapping */
    malformed: null,
    /** so many items from the given place of the next request on are rejected: { from, count } */
    reject: null,
    /** the key may not write */
    denied: false,
  },
  state: () => ({ ids: {} }),
  handle(receiver, { method, url, path, headers, body }) {
    const { faults } = receiver;
    if (headers.authorization !== `ApiKey ${faults.secret}`) return error(401, 'security_exception');
    if (faults.denied) return error(403, 'security_exception');
    if (method !== 'POST' || path !== `${faults.index}/_bulk`) return error(404, 'index_not_found_exception');
    if (body.length > faults.maxBytes) return error(413, 'content_too_long_exception');
    if (headers['content-type'] !== 'application/x-ndjson') return error(406, 'media_type_header_exception');
    const text = body.toString();
    // The real one refuses a bulk without its last line end.
    if (!text.endsWith('\n')) return error(400, 'illegal_argument_exception');
    const lines = text.slice(0, -1).split('\n');
    if (lines.length % 2 !== 0) return error(400, 'illegal_argument_exception');
    const items = [];
    for (let at = 0; at < lines.length; at += 2) items.push(create(receiver, JSON.parse(lines[at]), lines[at + 1], at / 2));
    faults.reject = null;
    return { status: 200, body: filtered({ took: 1, errors: items.some(({ create: { status } }) => status >= 300), items }, url) };
  },
};

function create(receiver, action, source, place) {
  const { faults, ids } = receiver;
  const { _id: id } = action.create ?? {};
  const failed = (status, type) => ({ create: { _id: id, status, error: { type, reason: 'the double says so' } } });
  if (!id) return failed(400, 'illegal_argument_exception');
  if (faults.reject && place >= faults.reject.from && place < faults.reject.from + faults.reject.count)
    return failed(429, 'es_rejected_execution_exception');
  if (ids[id]) return failed(409, 'version_conflict_engine_exception');
  const document = JSON.parse(source);
  if (!document['@timestamp'] || (faults.malformed !== null && source.includes(faults.malformed)))
    return failed(400, 'document_parsing_exception');
  ids[id] = true;
  receiver.events.push(document);
  return { create: { _id: id, _index: faults.index, result: 'created', status: 201 } };
}

/** As `filter_path` asks for; we know only the one that is sent. */
function filtered(reply, url) {
  if (url.searchParams.get('filter_path') !== 'errors,items.*.status,items.*.error.type') return reply;
  const items = reply.items.map(({ create: { status, error: fault } }) => ({
    create: { status, ...(fault ? { error: { type: fault.type } } : {}) },
  }));
  return { errors: reply.errors, items };
}
