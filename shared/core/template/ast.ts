/** What grammar.peggy makes of a template. `at` is the place in the text, in UTF-16 units. */
export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'output'; value: Expression }
  | { kind: 'assign'; at: number; name: string; declares: boolean; value: Expression }
  | {
      kind: 'if' | 'with';
      at: number;
      variable: string | null;
      test: Expression;
      body: Node[];
      otherwise: Node[];
    }
  | {
      kind: 'range';
      at: number;
      /** None, the value's, or the key's and the value's. */
      variables: string[];
      over: Expression;
      body: Node[];
      otherwise: Node[];
    };

export type Expression =
  /** A function with its arguments, or a single value. What was piped in is the last one. */
  | { kind: 'command'; at: number; parts: [Expression, ...Expression[]] }
  | { kind: 'field'; at: number; of: Expression; path: string[] }
  /** Named nothing: `$`, the whole data. */
  | { kind: 'variable'; at: number; name: string }
  | { kind: 'dot'; at: number }
  | { kind: 'value'; value: string | number | boolean | null }
  | { kind: 'name'; at: number; name: string };
