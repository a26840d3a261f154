import type { Bucket } from '../../shared/ports/bucket.ts';

const unused = async (): Promise<never> => {
  throw new Error('nothing here has to do with a bucket');
};

/** For tasks that need none. */
export const noBucket: Bucket = { get: unused, read: unused, put: unused, list: unused, delete: unused };
