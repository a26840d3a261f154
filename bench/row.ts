/** One line of a benchmark's table. */
export interface Row {
  name: string;
  value: number;
  unit: string;
  /** What the value stands beside: another program in the same run, a published figure, or a limit. */
  peer?: { value: number; unit: string; what: string };
}

/** What every file in bench/ exports. */
export interface Bench {
  name: string;
  run(): Promise<Row[]>;
}

/** A number as names of rows have it. */
export const grouped = (value: number): string => value.toLocaleString('en');
