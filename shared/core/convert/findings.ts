import type { Finding, FindingCode } from '../../schema/conversion.ts';

/** What a finding is about. `namespace` is relative to the export: empty for its own. */
export interface Named {
  identity: string;
  name: string;
  namespace: string;
}

/** Takes a finding; findings of one conversion are kept in the order in which they were made, each once. */
export type Note = (code: FindingCode, effect: Finding['effect'], object: Named, message: string) => void;

export function findingList(): { findings: Finding[]; note: Note } {
  const findings = new Map<string, Finding>();
  const note: Note = (code, effect, { identity, name, namespace }, message) => {
    const finding = { code, effect, object: { identity, name, namespace: namespace || '.' }, message };
    findings.set(JSON.stringify(finding), finding);
  };
  return {
    get findings() {
      return [...findings.values()];
    },
    note,
  };
}
