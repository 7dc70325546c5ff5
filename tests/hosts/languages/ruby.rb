# Writes COUNT transactions: ruby ruby.rb DATABASE COUNT     (ruby-sqlite3, or the gem sqlite3)
require 'sqlite3'

path, count = ARGV[0], Integer(ARGV[1])

db = SQLite3::Database.new(path)
db.busy_timeout = 10_000
db.enable_load_extension(true)
db.load_extension(ENV.fetch('REPLIC'))
db.enable_load_extension(false)
db.foreign_keys = true

def title(n) = (n % 20).zero? ? "Best of #{n}" : "Ruby #{n}"

(1..count).each do |n|
  db.transaction(:immediate) do
    db.execute('INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)
                ON CONFLICT(title) DO NOTHING', [title(n)])
    db.execute("INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Ruby', ? FROM album
                WHERE title = ?", [n, title(n)])
    db.execute('UPDATE album SET plays = plays + 1 WHERE title = ?', [title(n)])
    db.execute("DELETE FROM song WHERE writer = 'Ruby' AND n = ?", [n - 5])
    db.execute('DELETE FROM album WHERE title = ? AND id NOT IN (SELECT album FROM song)',
               [title(n - 10)])
  end
  sleep 0.02 # others write this file, too
end

version = db.get_first_value('SELECT sqlite_version()')
db.close
puts "Ruby: #{count} transactions, SQLite #{version}"
