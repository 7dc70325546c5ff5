# Writes values of each type, and prints what it reads: ruby ruby_values.rb DATABASE
require 'sqlite3'

db = SQLite3::Database.new(ARGV[0])
db.busy_timeout = 10_000
db.enable_load_extension(true)
db.load_extension(ENV.fetch('REPLIC'))

values = { small: 5, big: 2**53 + 1, float: 0.5, text: 'ä🙂', zero: "a\0b",
           blob: SQLite3::Blob.new("\0\xFF") }
values.each { |name, value| db.execute('INSERT INTO value VALUES (?, ?)', [name.to_s, value]) }

db.execute('SELECT name, v FROM value ORDER BY name') do |name, v|
  puts "#{name} #{v.is_a?(String) ? v.length : v}"
end
db.close
