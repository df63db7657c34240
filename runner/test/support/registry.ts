import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A registry of images, as much of one as a pull needs, on this machine's loopback. */

const BLOCK = 512;
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A tar archive of small files. */
export function pack(files: { name: string; text: string }[]): Buffer {
  const pieces = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text);
    const header = Buffer.alloc(BLOCK);
    header.write(name, 0);
    header.write(
      '0000644\0' +
        '0000000\0' +
        '0000000\0' +
        `${body.byteLength.toString(8).padStart(11, '0')}\0` +
        '00000000000\0' +
        ' '.repeat(8) +
        '0',
      100,
    );
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((BLOCK - (body.byteLength % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...pieces, Buffer.alloc(2 * BLOCK)]);
}

const TYPES = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

export async function serveRegistry() {
  const blobs = new Map<string, { type: string; bytes: Uint8Array }>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const [, wanted = ''] = /\/(?:manifests|blobs)\/(sha256:[0-9a-f]{64})$/.exec(path) ?? [];
    const blob = blobs.get(wanted);
    if (path === '/v2/') return void response.writeHead(200).end('{}');
    if (blob === undefined) {
      const errors = [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }];
      return void response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
    }
    response.writeHead(200, { 'content-type': blob.type, 'content-length': blob.bytes.byteLength, 'docker-content-digest': wanted });
    response.end(request.method === 'HEAD' ? undefined : blob.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keep = (type: string, bytes: Uint8Array) => {
    const digest = digestOf(bytes);
    blobs.set(digest, { type, bytes });
    return { mediaType: type, digest, size: bytes.byteLength };
  };
  return {
    host,
    /** @returns the image by its digest */
    push: async (name: string, layer: Uint8Array, config: object = {}): Promise<string> => {
      const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
      const about = { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } };
      const layers = [keep(TYPES.layer, gzipSync(layer))];
      const manifest = {
        schemaVersion: 2,
        mediaType: TYPES.manifest,
        config: keep(TYPES.config, Buffer.from(JSON.stringify(about))),
        layers,
      };
      return `${host}/${name}@${keep(TYPES.manifest, Buffer.from(JSON.stringify(manifest))).digest}`;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
