#!/usr/bin/env node
// What `npx apoctl` starts.
import { launch } from '../launch.mjs';

await launch('apoctl', new URL('./main.ts', import.meta.url).href);
