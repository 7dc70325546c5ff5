<?php
// Writes COUNT transactions: php -d sqlite3.extension_dir=FOLDER php.php DATABASE COUNT
// (php-cli, php-sqlite3; FOLDER is where replic.so is)

[, $path, $count] = $argv;

$db = new SQLite3($path);
$db->enableExceptions(true);
$db->busyTimeout(10000);
$db->loadExtension('replic.so');
$db->exec('PRAGMA foreign_keys = ON');

function title(int $n): string
{
    return $n % 20 === 0 ? "Best of $n" : "PHP $n";
}

function run(SQLite3 $db, string $sql, ...$values): void
{
    $statement = $db->prepare($sql);
    foreach ($values as $i => $value) {
        $statement->bindValue($i + 1, $value);
    }
    $statement->execute()->finalize();
}

for ($n = 1; $n <= $count; $n++) {
    $db->exec('BEGIN IMMEDIATE');
    run($db, 'INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)
              ON CONFLICT(title) DO NOTHING', title($n));
    run($db, "INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'PHP', ? FROM album
              WHERE title = ?", $n, title($n));
    run($db, 'UPDATE album SET plays = plays + 1 WHERE title = ?', title($n));
    run($db, "DELETE FROM song WHERE writer = 'PHP' AND n = ?", $n - 5);
    run($db, 'DELETE FROM album WHERE title = ? AND id NOT IN (SELECT album FROM song)',
        title($n - 10));
    $db->exec('COMMIT');
    usleep(20000); // others write this file, too
}

$db->close();
echo "PHP: $count transactions, SQLite ", SQLite3::version()['versionString'], "\n";
