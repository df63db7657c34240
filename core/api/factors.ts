import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { email, password, secret, slug, text, time, typedPassword } from './common.ts';

/** Bytes as WebAuthn's JSON carries them. */
const bytes = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/, 'must be base64url');

export const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;

/** A credential as `navigator.credentials` gives it (WebAuthn 3, toJSON); what we have no use for is left out. */
const credential = {
  id: bytes(1400),
  rawId: bytes(1400),
  type: z.literal('public-key'),
  clientExtensionResults: z.object({}),
};
export const registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(8000),
    attestationObject: bytes(40_000),
    /** browsers may name some that are younger than this list */
    transports: z
      .array(z.string().regex(/^[a-z-]{1,20}$/))
      .max(10)
      .default([]),
  }),
});
export const assertion = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(8000),
    authenticatorData: bytes(8000),
    signature: bytes(2000),
    userHandle: bytes(100).optional(),
  }),
});
export type Registration = z.infer<typeof registration>;
export type Assertion = z.infer<typeof assertion>;

const descriptor = z.object({ id: z.string(), type: z.literal('public-key'), transports: z.array(z.enum(TRANSPORTS)).optional() });
/** What `navigator.credentials.create` takes, as JSON. */
export const registrationOptions = z.object({
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  challenge: z.string(),
  pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.number().int() })),
  timeout: z.number().int(),
  excludeCredentials: z.array(descriptor),
  authenticatorSelection: z.object({
    residentKey: z.literal('required'),
    requireResidentKey: z.literal(true),
    userVerification: z.literal('required'),
  }),
  attestation: z.literal('none'),
});
/** What `navigator.credentials.get` takes, as JSON. */
export const assertionOptions = z.object({
  rpId: z.string(),
  challenge: z.string(),
  timeout: z.number().int(),
  allowCredentials: z.array(descriptor),
  userVerification: z.literal('required'),
});

export const passkey = z.object({
  id: idSchema('passkey'),
  name: z.string(),
  createdAt: time,
  lastUsedAt: time.nullable(),
  /** the authenticator's maker copies it to the person's other devices; `backedUp`: it has done so */
  synced: z.boolean(),
  backedUp: z.boolean(),
});
export type Passkey = z.infer<typeof passkey>;
export const MAX_PASSKEYS = 20;
const passkeyName = text(60);
export const passkeyAdd = z.object({ name: passkeyName, credential: registration });
export const passkeyUpdate = z.object({ name: passkeyName });

/** Shown in this answer only; null where the person has some already. */
const shownOnce = z.array(z.string()).nullable();
export const passkeyAdded = z.object({ passkey, recoveryCodes: shownOnce });
export const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) });

export const totpStarted = z.object({
  /** in base 32, for who can’t scan */
  secret: z.string(),
  /** `otpauth://…`, for the picture that an app scans */
  uri: z.string(),
});
const spaceless = (value: string) => value.replace(/[\s-]/g, '');
export const totpCode = z
  .string()
  .max(20)
  .transform(spaceless)
  .pipe(z.string().regex(/^\d{6}$/, 'must have 6 digits'));
export const totpConfirm = z.object({ code: totpCode });
export const totpConfirmed = z.object({ recoveryCodes: shownOnce });

export const factors = z.object({
  passkeys: z.array(passkey),
  totp: z.object({ since: time }).nullable(),
  recoveryCodes: z.object({ left: z.number().int() }),
});
export type Factors = z.infer<typeof factors>;

/** Answered instead of a session where a password alone is not enough. */
export const SECOND_FACTORS = ['passkey', 'totp', 'recovery-code'] as const;
export const secondFactor = z.object({
  /** goes with the code */
  challenge: z.string(),
  expiresAt: time,
  /** what this person can answer with; a passkey signs in by itself, without the challenge */
  methods: z.array(z.enum(SECOND_FACTORS)),
});
export type SecondFactor = z.infer<typeof secondFactor>;
export const loginTotp = z.object({ challenge: secret, code: totpCode });
/** As shown: six groups of four. Letters that look alike are taken for each other. */
export const loginRecoveryCode = z.object({
  challenge: secret,
  code: z
    .string()
    .max(60)
    .transform((value) => spaceless(value).toLowerCase().replaceAll('o', '0').replace(/[il]/g, '1'))
    .pipe(z.string().regex(/^[0-9a-hjkmnp-tv-z]{24}$/, 'must have six groups of four')),
});
export const loginPasskey = z.object({ credential: assertion });

/** `code`: of the authenticator app, where the person has one */
export const stepUpPassword = z.object({ password: typedPassword, code: totpCode.optional() });
export const stepUpPasskey = z.object({ credential: assertion });
export const steppedUp = z.object({ authenticatedAt: time });
/** For so long a session counts as freshly confirmed. */
export const FRESH_MINUTES = 10;

export const passwordChange = z.object({ current: typedPassword, password, endOthers: z.boolean().default(true) });
export const passwordResetRequest = z.object({ tenant: slug, email });
export const passwordReset = z.object({ token: secret, password });

export const sessionsEnd = z.object({ keep: z.literal('current').optional() });
