/** The few globals that browsers, Workers and Node share and core may use. */
declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string;
}
declare class URL {
  constructor(url: string, base?: string);
  static canParse(url: string, base?: string): boolean;
  readonly protocol: string;
  readonly hostname: string;
  readonly host: string;
  readonly pathname: string;
  readonly host: string;
  readonly pathname: string;
  readonly username: string;
  readonly password: string;
}
declare function btoa(text: string): string;
declare function atob(text: string): string;

/** The part of WebCrypto that core uses, named as the platforms name it. Types are those of the standard, no wider. */
type BufferSource = ArrayBufferView<ArrayBuffer> | ArrayBuffer;
type KeyUse = 'encrypt' | 'decrypt' | 'sign' | 'verify' | 'deriveBits';
interface CryptoKey {
  readonly type: 'public' | 'private' | 'secret';
  readonly extractable: boolean;
}
interface CryptoKeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}
interface JsonWebKey {
  kty: string;
  crv: string;
  x: string;
  y?: string;
  d?: string;
}
interface KeyAlgorithm {
  name: string;
  hash?: string;
  namedCurve?: string;
}
interface AesGcmParams {
  name: string;
  iv: BufferSource;
  additionalData: BufferSource;
  tagLength: number;
}
interface SubtleCrypto {
  importKey(format: 'jwk', key: JsonWebKey, algorithm: KeyAlgorithm, extractable: boolean, uses: KeyUse[]): Promise<CryptoKey>;
  importKey(
    format: 'raw',
    key: BufferSource,
    algorithm: KeyAlgorithm | 'AES-GCM',
    extractable: boolean,
    uses: KeyUse[],
  ): Promise<CryptoKey>;
  exportKey(format: 'raw', key: CryptoKey): Promise<ArrayBuffer>;
  exportKey(format: 'jwk', key: CryptoKey): Promise<JsonWebKey>;
  generateKey(algorithm: { name: 'X25519' }, extractable: boolean, uses: KeyUse[]): Promise<CryptoKeyPair>;
  deriveBits(
    algorithm: { name: 'X25519'; public: CryptoKey } | { name: 'HKDF'; hash: string; salt: BufferSource; info: BufferSource },
    key: CryptoKey,
    bits: number,
  ): Promise<ArrayBuffer>;
  digest(algorithm: 'SHA-256', data: BufferSource): Promise<ArrayBuffer>;
  sign(algorithm: KeyAlgorithm, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  verify(algorithm: KeyAlgorithm, key: CryptoKey, signature: BufferSource, data: BufferSource): Promise<boolean>;
  encrypt(algorithm: AesGcmParams, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  decrypt(algorithm: AesGcmParams, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
}
declare const crypto: { readonly subtle: SubtleCrypto; randomUUID(): string };
