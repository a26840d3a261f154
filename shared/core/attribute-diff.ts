/** Changes with every write and says nothing. */
const SILENT = 'updateTime';

const attributesOf = (value: unknown): Readonly<Record<string, unknown>> =>
  value !== null && typeof value === 'object' ? { ...value } : {};

/** Attributes that differ, in order of their names: a line `- name: JSON` with what was, `+ name: JSON` with what is. */
export function attributeDiff(before: unknown, after: unknown): string {
  const [was, is] = [attributesOf(before), attributesOf(after)];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(name => name !== SILENT);
  return names
    .sort()
    .flatMap(name => {
      const [old, young] = [JSON.stringify(was[name]), JSON.stringify(is[name])];
      if (old === young) return [];
      return [
        ...(old === undefined ? [] : [`- ${name}: ${old}`]),
        ...(young === undefined ? [] : [`+ ${name}: ${young}`]),
      ];
    })
    .join('\n');
}
