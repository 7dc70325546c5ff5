<?php
// Writes values of each type, and prints what it reads:
// php -d sqlite3.extension_dir=FOLDER php_values.php DATABASE

$db = new SQLite3($argv[1]);
$db->enableExceptions(true);
$db->busyTimeout(10000);
$db->loadExtension('replic.so');

$values = ['small' => 5, 'big' => 2 ** 53 + 1, 'float' => 0.5, 'text' => 'ä🙂', 'zero' => "a\0b"];
$add = $db->prepare('INSERT INTO value VALUES (?, ?)');
foreach ($values as $name => $value) {
    $add->bindValue(1, $name);
    $add->bindValue(2, $value);
    $add->execute();
    $add->reset();
}
$add->bindValue(1, 'blob');
$add->bindValue(2, "\0\xff", SQLITE3_BLOB);
$add->execute();

$rows = $db->query('SELECT name, v FROM value ORDER BY name');
while ([$name, $v] = $rows->fetchArray(SQLITE3_NUM)) {
    echo $name, ' ', is_string($v) ? strlen($v) : $v, "\n";
}
