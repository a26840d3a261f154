const LONGEST = 256;

/** Names of rulesets that are unique in their namespace, so that an import tells them apart. */
export class Names {
  readonly #taken = new Set<string>();
  /** The number that the next one of the same name gets. */
  readonly #next = new Map<string, number>();

  /** A name that was there before. */
  take(namespace: string, name: string): void {
    this.#taken.add(`${namespace} ${name}`);
  }

  /** `name`, with what tells the parts of one policy apart, and with a number where it is taken. */
  make(namespace: string, name: string, part: string, suffix: string): string {
    const key = `${namespace} ${part} ${name}`;
    for (let number = this.#next.get(key) ?? 1; ; number++) {
      const end = `${part && `-${part}`}${suffix}${number > 1 ? `-${number}` : ''}`;
      const made = `${name.slice(0, LONGEST - end.length)}${end}`;
      if (this.#taken.has(`${namespace} ${made}`)) continue;
      this.take(namespace, made);
      this.#next.set(key, number + 1);
      return made;
    }
  }
}
