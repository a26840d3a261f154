import type { ObjectStore } from '../shared/ports/object-store.ts';

/** The first answer for everybody who asks the same. */
export function once<T>(): (key: string, ask: () => T) => T {
  const known = new Map<string, { answer: T }>();
  return (key, ask) => {
    const found = known.get(key) ?? { answer: ask() };
    known.set(key, found);
    return found.answer;
  };
}

/** The same store, in which nothing that rights are made of is read twice. */
export function readingOnce(store: ObjectStore): ObjectStore {
  const read = once<Promise<unknown>>();
  return {
    ...store,
    get: key =>
      read(JSON.stringify(['get', key]), () => store.get(key)) as ReturnType<
        typeof store.get<typeof key.resource>
      >,
    getByName: (...asked) =>
      read(JSON.stringify(['name', asked]), () => store.getByName(...asked)) as ReturnType<
        typeof store.getByName<(typeof asked)[0]>
      >,
    all: (...asked) =>
      read(JSON.stringify(['all', asked]), () => store.all(...asked)) as ReturnType<
        typeof store.all<(typeof asked)[0]>
      >,
    list: (...asked) =>
      read(JSON.stringify(['list', asked]), () => store.list(...asked)) as ReturnType<
        typeof store.list<(typeof asked)[0]>
      >,
  };
}
