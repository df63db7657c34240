import type { Problem } from '@gatehouse/core/api/common.ts';

/** Something that whoever called this can put right; it is said without a stack. */
export class Fault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Fault';
  }
}

/** What the API answered instead of doing it. */
export class Refused extends Fault {
  readonly code: Problem['code'];

  constructor({ code, detail, errors = [], requestId }: Problem) {
    const fields = errors.map(({ path, message }) => `\n  ${path} ${message}`.trimEnd()).join('');
    super(`${detail} (request ${requestId})${fields}`);
    this.code = code;
  }
}

/** No answer came: nobody knows whether it was done. */
export class NoAnswer extends Fault {}
