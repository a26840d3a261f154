import { enforcerprofile } from '../schema/enforcerprofile.ts';
import { enforcerprofilemappingpolicy } from '../schema/enforcerprofilemappingpolicy.ts';

/** Profile and mapping that belong together, as an administrator would create them. */
export const PRESETS = {
  /** CNS-1412: an enforcer may block the Defender of Prisma Cloud Compute unless it leaves it alone. */
  'ignore-twistlock-defender': {
    profile: enforcerprofile.input.parse({
      name: 'ignore-twistlock-defender',
      description: 'Leaves the Twistlock Defender alone',
      ignoreExpression: [['@app:k8s:serviceaccountname=twistlock-service']],
      associatedTags: ['enforcerprofile=ignore.twistlock'],
      propagate: true,
    }),
    mapping: enforcerprofilemappingpolicy.input.parse({
      name: 'ignore-twistlock-defender-mapping',
      description: 'Gives every enforcer here and below the profile that leaves the Twistlock Defender alone',
      object: [['enforcerprofile=ignore.twistlock']],
      subject: [['$identity=enforcer']],
      propagate: true,
    }),
  },
} as const;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

const DEFENDER = '@app:k8s:serviceaccountname=twistlock-service';

/** Whether a profile leaves the Defender alone. */
export const ignoresDefender = ({
  ignoreExpression,
}: {
  ignoreExpression: readonly (readonly string[])[];
}): boolean => ignoreExpression.some(clause => clause.length === 1 && clause[0] === DEFENDER);
