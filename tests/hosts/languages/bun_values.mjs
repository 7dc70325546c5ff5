// Writes values of each type, and prints what it reads: bun bun_values.mjs DATABASE

import { Database } from 'bun:sqlite';

const db = new Database(process.argv[2], { safeIntegers: true });
db.run('PRAGMA busy_timeout = 10000');
db.loadExtension(process.env.REPLIC);

const values = {
  small: 5n, big: 2n ** 53n + 1n, float: 0.5, text: 'ä🙂', zero: 'a\0b',
  blob: new Uint8Array([0, 255]),
};
const add = db.query('INSERT INTO value VALUES (?, ?)');
for (const [name, value] of Object.entries(values)) add.run(name, value);

for (const { name, v } of db.query('SELECT name, v FROM value ORDER BY name').all()) {
  console.log(name, String(v.length ?? v));
}
db.close();
