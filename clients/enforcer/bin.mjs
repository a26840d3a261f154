#!/usr/bin/env node
// What `npx prisma-enforcer` starts.
import { launch } from '../launch.mjs';

await launch('prisma-enforcer', new URL('./main.ts', import.meta.url).href);
