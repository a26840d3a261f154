import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../shared/adapters/local/database.ts';

/**
 * What the API is measured beside: node:http and the statements that store or find the same rows, in the same tables
 * with the same durability (WAL, synchronous FULL, writes of one turn in one transaction). It checks nothing.
 */
const { data, port } = parseArgs({
  options: { data: { type: 'string', default: '' }, port: { type: 'string', default: '0' } },
}).values;
const { handle, write } = openDatabase(data);
const put = handle.prepare(
  'INSERT INTO items (pk, sk, object, crc, id, updateTime, treePk, treeSk, refPk, refSk) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?)',
);
const activity = handle.prepare('INSERT INTO items (pk, sk, object, crc) VALUES (?, ?, ?, 0)');
const change = handle.prepare(
  "INSERT INTO changes (resource, operation, after, crc) VALUES ('externalnetwork', 'create', ?, 0)",
);
const get = handle.prepare('SELECT * FROM items WHERE pk = ? AND sk = ?');
const range = handle.prepare('SELECT * FROM items WHERE pk = ? AND sk > ? AND sk < ? ORDER BY sk LIMIT 101');

const server = createServer(async (request, response) => {
  const path = request.url ?? '';
  const answer = (body: string): void => {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  };
  if (path === '/unchanged') {
    response.writeHead(304, { etag: '"bare"' });
    response.end();
  } else if (request.method === 'POST') {
    const ID = randomBytes(12).toString('hex');
    const now = new Date().toISOString();
    const object = { ...((await json(request)) as object), ID, createTime: now, updateTime: now };
    const text = JSON.stringify(object);
    await write(() => {
      const treeSk = `/bench#${ID}`;
      put.run('/bench', `externalnetwork#${ID}`, text, ID, now, '/bench#externalnetwork', treeSk, ID, treeSk);
      activity.run('activity#/bench', `${now}#${ID}`, text);
      change.run(text);
    });
    answer(text);
  } else if (path === '/list') {
    const rows = range.all('/bench', 'externalnetwork#', 'externalnetwork#\u{10FFFF}').slice(0, 100);
    answer(`[${rows.map(row => row.object).join(',')}]`);
  } else {
    answer(String(get.get('/bench', `externalnetwork#${path.slice(1)}`)?.object));
  }
});
server.listen(Number(port), '127.0.0.1', () =>
  process.stdout.write(
    `the bare server listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`,
  ),
);
