# Writes COUNT transactions: perl perl.pl DATABASE COUNT     (libdbd-sqlite3-perl)
use strict;
use warnings;
use DBI;
use Time::HiRes qw(sleep);

my ($path, $count) = @ARGV;

my $db = DBI->connect("dbi:SQLite:dbname=$path", '', '', {RaiseError => 1, PrintError => 0});
$db->sqlite_busy_timeout(10000);
$db->sqlite_enable_load_extension(1);
$db->sqlite_load_extension($ENV{REPLIC});
$db->sqlite_enable_load_extension(0);
$db->do('PRAGMA foreign_keys = ON');

my $add_album = $db->prepare(
    'INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)
     ON CONFLICT(title) DO NOTHING');
my $add_song = $db->prepare(
    q{INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Perl', ? FROM album
      WHERE title = ?});
my $play = $db->prepare('UPDATE album SET plays = plays + 1 WHERE title = ?');
my $drop_song = $db->prepare(q{DELETE FROM song WHERE writer = 'Perl' AND n = CAST(? AS INTEGER)});
my $drop_album = $db->prepare(
    'DELETE FROM album WHERE title = ? AND id NOT IN (SELECT album FROM song)');

sub title { my $n = shift; return $n % 20 == 0 ? "Best of $n" : "Perl $n" }

for my $n (1 .. $count) {
    $db->begin_work;    # BEGIN IMMEDIATE, unless sqlite_use_immediate_transaction is off
    $add_album->execute(title($n));
    $add_song->execute($n, title($n));
    $play->execute(title($n));
    $drop_song->execute($n - 5);
    $drop_album->execute(title($n - 10));
    $db->commit;
    sleep 0.02;         # others write this file, too
}

my ($version) = $db->selectrow_array('SELECT sqlite_version()');
undef $_ for $add_album, $add_song, $play, $drop_song, $drop_album;
$db->disconnect;
print "Perl: $count transactions, SQLite $version\n";
