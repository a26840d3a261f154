import { modelFromPayload, type PolicyModel } from '../../../shared/core/policy.ts';
import type { PolicyPayload } from '../../../shared/schema/bundle.ts';

const MODELS = new WeakMap<PolicyPayload, PolicyModel>();

/** The model of a payload, for whoever asks: it takes more memory than the payload. */
export function sharedModel(payload: PolicyPayload): PolicyModel {
  const model = MODELS.get(payload) ?? modelFromPayload(payload);
  MODELS.set(payload, model);
  return model;
}
