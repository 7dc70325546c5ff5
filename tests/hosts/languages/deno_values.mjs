// Writes values of each type, and prints what it reads:
// deno run --allow-read --allow-write --allow-env --allow-ffi deno_values.mjs DATABASE

import { DatabaseSync } from 'node:sqlite';
import process from 'node:process';

const db = new DatabaseSync(process.argv[2], { allowExtension: true, timeout: 10000 });
db.loadExtension(process.env.REPLIC);

const values = {
  small: 5n, big: 2n ** 53n + 1n, float: 0.5, text: 'ä🙂', zero: 'a\0b',
  blob: new Uint8Array([0, 255]),
};
const add = db.prepare('INSERT INTO value VALUES (?, ?)');
for (const [name, value] of Object.entries(values)) add.run(name, value);

const all = db.prepare('SELECT name, v FROM value ORDER BY name');
all.setReadBigInts(true);
for (const { name, v } of all.all()) console.log(name, String(v.length ?? v));
db.close();
