import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { PLACE } from './cgroups.ts';

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** The deepest folder above a control group that is there: in it appears what it lies below, or itself. */
function above(root: string, path: string): string {
  let at = dirname(path);
  while (at !== '.' && !isFolder(join(root, at))) at = dirname(at);
  return at === '.' ? root : join(root, at);
}

/**
 * Calls when a control group may have come or gone, of those whose paths it follows. The kernel tells of folders that are made and removed;
 * where it can't, nobody calls, and who wants to know has to look.
 */
export class CgroupWatch {
  readonly #changed: () => void;
  readonly #root: string;
  readonly #watchers = new Map<string, FSWatcher>();
  #paths: readonly string[] = [];

  constructor(changed: () => void, root = PLACE) {
    this.#changed = changed;
    this.#root = root;
  }

  /** From now on these, and no others. */
  follow(paths: readonly string[]): void {
    this.#paths = paths;
    const wanted = new Set(paths.map(path => above(this.#root, path)));
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#leave(folder);
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  close(): void {
    this.follow([]);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, event => {
        if (event !== 'rename') return;
        // A folder may be another one now, or have made room for one below it.
        if (!isFolder(folder)) this.#leave(folder);
        this.follow(this.#paths);
        this.#changed();
      });
      watcher.on('error', () => this.#leave(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // It went meanwhile, or the kernel watches no more folders for this user.
    }
  }

  #leave(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}
