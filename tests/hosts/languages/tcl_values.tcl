# Writes values of each type, and prints what it reads: tclsh tcl_values.tcl DATABASE
package require sqlite3

sqlite3 db [lindex $argv 0]
db timeout 10000
db enable_load_extension 1
db eval {SELECT load_extension($env(REPLIC))}

set small 5
set big 9007199254740993
set float 0.5
set text "\u00e4\u00f6"
set blob [binary format c2 {0 255}]
db eval {
  INSERT INTO value VALUES
    ('small', CAST($small AS INTEGER)), ('big', CAST($big AS INTEGER)),
    ('float', CAST($float AS REAL)), ('text', $text), ('blob', @blob),
    ('zero', char(97, 0, 98));
}

db eval {SELECT name, v FROM value ORDER BY name} {
  puts "$name [expr {$name in {text zero blob} ? [string length $v] : $v}]"
}
db close
