import { fail } from '../schema/failure.ts';

/** Why a bundle is refused. Closed; enforcers report these codes. */
export const REASONS = {
  unreachable: 'a file could not be fetched',
  missing: 'a file that must be there is not there',
  slow: 'the deadline passed before everything was fetched',
  too_long: 'a file is longer than it may be',
  malformed: 'a file is not what its role prescribes',
  unsigned: 'fewer keys than the threshold signed a file',
  rollback: 'a version is lower than one that was seen before',
  wrong_version: 'a version is another than the one that was promised',
  expired: 'a file is past its expiry, so that newer ones may be withheld',
  wrong_hash: 'a file has another length or SHA-256 than its signed description',
  extraneous: 'the metadata names files that no bundle has',
  wrong_binding: 'the bundle is for another tenant or namespace',
  invalid_payload: 'a payload does not follow its schema',
} as const;
export type Reason = keyof typeof REASONS;

/** Carries a reason through the steps of the workflow to `open` and `reopen`, which return it. Nobody else sees it. */
export class Refusal extends Error {
  readonly reason: Reason;
  /** Path below the prefix, such as `metadata/timestamp.json`. */
  readonly file: string;
  constructor(reason: Reason, file: string, detail: string) {
    super(detail);
    this.name = 'Refusal';
    this.reason = reason;
    this.file = file;
  }
}

export const refuse = (reason: Reason, file: string, detail: string): Refusal =>
  new Refusal(reason, file, detail);

/** For files that a caller of ours gives and answers for: a refusal becomes the failure `invalid`. */
export const orInvalid = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw error instanceof Refusal ? fail('invalid', error.message) : error;
  }
};
