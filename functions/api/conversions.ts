import type { ConversionRequest } from '../../shared/api/messages.ts';
import { convert } from '../../shared/core/convert/convert.ts';
import type { Handler } from '../call.ts';

/** Reads and writes nothing but the request: the result is for the caller to look at and to import. */
const createConversion: Handler = async call => {
  const { data, ancestors, suffix } = call.body as ConversionRequest;
  const { export: converted, findings } = convert(data, { ancestors, suffix });
  return { body: { data: converted, findings } };
};

export const conversions = { createConversion };
