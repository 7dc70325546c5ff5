# Writes values of each type, and prints what it reads: perl perl_values.pl DATABASE
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use DBD::SQLite::Constants qw(:dbd_sqlite_string_mode);

my $db = DBI->connect("dbi:SQLite:dbname=$ARGV[0]", '', '', {
    RaiseError         => 1,
    PrintError         => 0,
    sqlite_string_mode => DBD_SQLITE_STRING_MODE_UNICODE_STRICT,
});
$db->sqlite_busy_timeout(10000);
$db->sqlite_enable_load_extension(1);
$db->sqlite_load_extension($ENV{REPLIC});

my @values = (
    [small => 5,               SQL_INTEGER],
    [big   => 2**53 | 1,       SQL_INTEGER],
    [float => 0.5,             SQL_DOUBLE],
    [text  => 'ä🙂',           SQL_VARCHAR],
    [zero  => "a\0b",          SQL_VARCHAR],
    [blob  => pack('C*', 0, 255), SQL_BLOB],
);
my $add = $db->prepare('INSERT INTO value VALUES (?, ?)');
for (@values) {
    my ($name, $value, $type) = @$_;
    $add->bind_param(1, $name);
    $add->bind_param(2, $value, $type);
    $add->execute;
}

for (@{$db->selectall_arrayref('SELECT name, v FROM value ORDER BY name')}) {
    my ($name, $v) = @$_;
    print "$name ", $name =~ /text|zero|blob/ ? length $v : $v, "\n";
}
