// Writes values of each type, and prints what it reads: node node_values.mjs DATABASE

import Database from 'better-sqlite3';

const db = new Database(process.argv[2], { timeout: 10000 });
db.defaultSafeIntegers(true);
db.loadExtension(process.env.REPLIC);

const values = {
  small: 5n, big: 2n ** 53n + 1n, float: 0.5, text: 'ä🙂', zero: 'a\0b',
  blob: Buffer.from([0, 255]),
};
const add = db.prepare('INSERT INTO value VALUES (?, ?)');
for (const [name, value] of Object.entries(values)) add.run(name, value);

for (const { name, v } of db.prepare('SELECT name, v FROM value ORDER BY name').all()) {
  console.log(name, String(v.length ?? v));
}
db.close();
