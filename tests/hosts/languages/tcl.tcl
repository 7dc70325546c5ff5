# Writes COUNT transactions: tclsh tcl.tcl DATABASE COUNT     (libsqlite3-tcl)
package require sqlite3

lassign $argv path count

sqlite3 db $path
db timeout 10000
db enable_load_extension 1
db eval {SELECT load_extension($env(REPLIC))}
db enable_load_extension 0
db eval {PRAGMA foreign_keys = ON}

proc title {n} {
  return [expr {$n % 20 == 0 ? "Best of $n" : "Tcl $n"}]
}

for {set n 1} {$n <= $count} {incr n} {
  set title [title $n]
  set earlier [title [expr {$n - 10}]]
  db transaction immediate {
    db eval {
      INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), $title)
        ON CONFLICT(title) DO NOTHING;
      INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Tcl', $n FROM album
        WHERE title = $title;
      UPDATE album SET plays = plays + 1 WHERE title = $title;
      DELETE FROM song WHERE writer = 'Tcl' AND n = $n - 5;
      DELETE FROM album WHERE title = $earlier AND id NOT IN (SELECT album FROM song);
    }
  }
  after 20 ;# others write this file, too
}

set version [db onecolumn {SELECT sqlite_version()}]
db close
puts "Tcl: $count transactions, SQLite $version"
