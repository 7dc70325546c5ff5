// Writes COUNT transactions: bun bun.mjs DATABASE COUNT

import { Database } from 'bun:sqlite';

const [path, count] = [process.argv[2], Number(process.argv[3])];

const db = new Database(path, { safeIntegers: true });
db.run('PRAGMA busy_timeout = 10000');
db.loadExtension(process.env.REPLIC);
db.run('PRAGMA foreign_keys = ON');

const title = (n) => n % 20 === 0 ? `Best of ${n}` : `Bun ${n}`;

const write = db.transaction((n) => {
  db.run('INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)' +
         ' ON CONFLICT(title) DO NOTHING', [title(n)]);
  db.run("INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Bun', ? FROM album" +
         ' WHERE title = ?', [n, title(n)]);
  db.run('UPDATE album SET plays = plays + 1 WHERE title = ?', [title(n)]);
  db.run("DELETE FROM song WHERE writer = 'Bun' AND n = ?", [n - 5]);
  db.run('DELETE FROM album WHERE title = ? AND id NOT IN (SELECT album FROM song)',
         [title(n - 10)]);
});

for (let n = 1; n <= count; n++) {
  write.immediate(n);
  await Bun.sleep(20);  // others write this file, too
}

const { version } = db.query('SELECT sqlite_version() AS version').get();
db.close();
console.log(`Bun: ${count} transactions, SQLite ${version}`);
