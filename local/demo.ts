import type { ControlPlane } from './control-plane.ts';
export const demo = async (_plane: ControlPlane, say: (text: string) => void): Promise<void> => say('later');
