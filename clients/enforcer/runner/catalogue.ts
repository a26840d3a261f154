import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { CatalogueState } from '../../../shared/bundle/fetch-release.ts';
import { makeFolder, writeWhole } from '../files.ts';

const Bytes = z.base64();
const Seen = z.object({ root: Bytes, timestamp: Bytes.optional(), snapshot: Bytes.optional() });

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytes = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

/** How a program in a file of its own is started. */
export const startOf = (file: string): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  file,
];

/** Releases on disk, each verified when it came, and the newest metadata of the catalogue that was seen. */
export class Catalogue {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  fileOf(version: string): string {
    return join(this.#folder, `prisma-enforcer-${version}.mjs`);
  }

  has(version: string): boolean {
    return existsSync(this.fileOf(version));
  }

  keep(version: string, program: Uint8Array): void {
    makeFolder(this.#folder);
    writeWhole(this.fileOf(version), program);
  }

  /** From another folder: that release alone, and what was seen. */
  take(other: Catalogue, version: string): void {
    makeFolder(this.#folder);
    if (other.has(version)) this.keep(version, readFileSync(other.fileOf(version)));
    if (existsSync(other.#seen)) writeWhole(this.#seen, readFileSync(other.#seen));
  }

  /** Everything of another folder. */
  takeAll(other: Catalogue): void {
    makeFolder(this.#folder);
    if (existsSync(other.#folder)) cpSync(other.#folder, this.#folder, { recursive: true });
  }

  get #seen(): string {
    return join(this.#folder, 'catalogue.json');
  }

  /** What the next fetch is measured against; `root`: what the installation trusts. */
  state(root: Uint8Array): CatalogueState {
    try {
      const seen = Seen.parse(JSON.parse(readFileSync(this.#seen, 'utf8')));
      return {
        root: bytes(seen.root),
        ...(seen.timestamp === undefined ? {} : { timestamp: bytes(seen.timestamp) }),
        ...(seen.snapshot === undefined ? {} : { snapshot: bytes(seen.snapshot) }),
      };
    } catch {
      return { root };
    }
  }

  seen({ root, timestamp, snapshot }: CatalogueState): void {
    makeFolder(this.#folder);
    const state = {
      root: text(root),
      ...(timestamp ? { timestamp: text(timestamp) } : {}),
      ...(snapshot ? { snapshot: text(snapshot) } : {}),
    };
    writeWhole(this.#seen, JSON.stringify(state));
  }
}
