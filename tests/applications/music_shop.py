"""The ordinary business of the music shop: see music_shop.sql."""

import pathlib

SCHEMA = pathlib.Path(__file__).with_name("music_shop.sql").read_text()
TABLES = ["artist", "album", "genre", "format", "track", "employee", "customer", "invoice",
          "invoice_line", "playlist", "playlist_track"]
TEXT_INDEX = ("track_text", "track", "track_id", ("name", "composer"))
# A counter that a trigger keeps: table, key, counter; and the UPDATEs that make it count.
COUNTER = ("track", "track_id", "edits")
COUNTED = ("UPDATE track SET name", "UPDATE track SET composer", "UPDATE track SET cents",
           "UPDATE track SET number")
VIEWS = ["catalogue", "best_seller", "turnover"]
WORDS = ("river stone velvet morning glass thunder paper garden silver mirror winter engine harbour "
         "lantern feather copper shadow orchard signal marble").split()
CITIES = ["Oslo", "Lima", "Turin", "Osaka", "Perth", None]


def words(choose, count=2):
    return " ".join(choose.sample(WORDS, count)).title()


def fill(copy, choose):
    """What the shop has before any copy is made."""
    for name in ("Rock", "Jazz", "Folk", "Opera", "Blues"):
        copy.run("INSERT INTO genre VALUES (?, ?)", copy.new_key(), name)
    for name, lossless in (("mp3", 0), ("ogg", 0), ("flac", 1)):
        copy.run("INSERT INTO format VALUES (?, ?, ?)", copy.new_key(), name, lossless)
    boss = None
    for n in range(12):
        key = copy.new_key()
        copy.run("INSERT INTO employee VALUES (?, ?, ?, ?)", key, words(choose),
                 f"staff{n}@shop.example", boss)
        boss = boss or key
    for n in range(400):
        new_album(copy, choose, f" {n}")  # all must differ, since it is one transaction
    for _ in range(300):
        new_customer(copy, choose)


def new_album(copy, choose, suffix=""):
    artist = copy.pick(choose, "artist", "artist_id")
    if artist is None or choose.random() < 0.5:
        (artist,), = copy.run(
            "INSERT INTO artist VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET name = excluded.name "
            "RETURNING artist_id", copy.new_key(), words(choose))
    album = copy.new_key()
    copy.run("INSERT INTO album VALUES (?, ?, ?, ?)", album, artist,
             words(choose, 4) + suffix, choose.randint(1950, 2026))
    for number in range(1, choose.randint(2, 6)):
        new_track(copy, choose, album, number)


def new_track(copy, choose, album=None, number=None):
    album = album or copy.pick(choose, "album", "album_id")
    if album is None:
        return
    if number is None:
        (number,), = copy.db.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM track WHERE album_id = ?", (album,))
    copy.run("INSERT INTO track(track_id, album_id, genre_id, format_id, number, name, composer, "
             "length_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", copy.new_key(), album,
             copy.pick(choose, "genre", "genre_id"), copy.pick(choose, "format", "format_id"),
             number, words(choose, 3), choose.choice([None, words(choose)]),
             choose.randint(60_000, 600_000))


def new_customer(copy, choose):
    name = words(choose)
    mail = f"{name.replace(' ', '.')}{choose.randrange(4000)}@mail.example"
    copy.run("INSERT OR IGNORE INTO customer(customer_id, name, mail, city, advisor_id) "
             "VALUES (?, ?, ?, ?, ?)", copy.new_key(), name, mail, choose.choice(CITIES),
             copy.pick(choose, "employee", "employee_id"))


def sell(copy, choose):
    invoice = copy.new_key()
    customer = copy.pick(choose, "customer", "customer_id")
    if customer is None:
        return
    copy.run("INSERT INTO invoice(invoice_id, customer_id, city) "
             "SELECT ?, customer_id, city FROM customer WHERE customer_id = ?", invoice, customer)
    for line in range(1, choose.randint(2, 6)):
        copy.run("INSERT INTO invoice_line SELECT ?, ?, track_id, cents, ? FROM track "
                 "WHERE track_id = ?", invoice, line, choose.randint(1, 3),
                 copy.pick(choose, "track", "track_id"))


def correct_invoice(copy, choose):
    """A copy corrects what it has sold itself."""
    own = f"invoice_id / 1000000000 = {copy.number}"
    invoice = copy.pick(choose, "invoice", "invoice_id", own)
    if choose.random() < 0.6:
        copy.run("UPDATE invoice_line SET quantity = ? WHERE invoice_id = ? AND line = 1",
                 choose.randint(1, 4), invoice)
    elif choose.random() < 0.6:
        copy.run("DELETE FROM invoice_line WHERE invoice_id = ? AND line > 2", invoice)
    else:
        copy.run("DELETE FROM invoice WHERE invoice_id = ?", invoice)


def edit_track(copy, choose):
    track = copy.pick(choose, "track", "track_id")
    kind = choose.randrange(5)
    if kind == 0:
        copy.run("UPDATE track SET name = ? WHERE track_id = ?", words(choose, 3), track)
    elif kind == 1:
        copy.run("UPDATE track SET composer = ? WHERE track_id = ?",
                 choose.choice([None, words(choose)]), track)
    elif kind == 2:
        copy.run("UPDATE track SET cents = cents + ? WHERE track_id = ?", choose.randint(-5, 9), track)
    elif kind == 3:
        copy.run("UPDATE track SET genre_id = ? WHERE track_id = ?",
                 copy.pick(choose, "genre", "genre_id"), track)
    else:
        copy.run("UPDATE track SET number = ? WHERE track_id = ?", choose.randint(1, 12), track)


def edit_customer(copy, choose):
    customer = copy.pick(choose, "customer", "customer_id")
    kind = choose.randrange(4)
    if kind == 0:
        copy.run("UPDATE customer SET city = ? WHERE customer_id = ?", choose.choice(CITIES), customer)
    elif kind == 1:
        copy.run("UPDATE customer SET mail = ? WHERE customer_id = ?",
                 f"{choose.choice(WORDS)}{choose.randrange(4000)}@mail.example", customer)
    elif kind == 2:
        copy.run("UPDATE customer SET advisor_id = ? WHERE customer_id = ?",
                 copy.pick(choose, "employee", "employee_id"), customer)
    else:
        copy.run("DELETE FROM customer WHERE customer_id = ?", customer)


def fill_playlist(copy, choose):
    playlist = copy.pick(choose, "playlist", "playlist_id")
    if playlist is None or choose.random() < 0.3:
        playlist = copy.new_key()
        copy.run("INSERT INTO playlist VALUES (?, ?, ?)", playlist,
                 f"{words(choose, 1)} {choose.randrange(60)}",
                 copy.pick(choose, "customer", "customer_id"))
    for position in range(choose.randint(1, 5)):
        copy.run("INSERT INTO playlist_track VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                 "SET position = excluded.position", playlist,
                 copy.pick(choose, "track", "track_id"), position)


def edit_playlist(copy, choose):
    playlist = copy.pick(choose, "playlist", "playlist_id")
    kind = choose.randrange(4)
    if kind == 0:
        copy.run("UPDATE playlist SET name = ? WHERE playlist_id = ?",
                 f"{words(choose, 1)} {choose.randrange(60)}", playlist)
    elif kind == 1:
        copy.run("DELETE FROM playlist_track WHERE playlist_id = ? AND position > 2", playlist)
    elif kind == 2:
        copy.run("DELETE FROM playlist WHERE playlist_id = ?", playlist)
    else:
        copy.run("INSERT OR IGNORE INTO playlist_track SELECT ?, track_id, NULL FROM playlist_track "
                 "WHERE playlist_id = ?", playlist, copy.pick(choose, "playlist", "playlist_id"))


def edit_staff(copy, choose):
    employee = copy.pick(choose, "employee", "employee_id")
    kind = choose.randrange(4)
    if kind == 0:
        copy.run("INSERT INTO employee VALUES (?, ?, ?, ?)", copy.new_key(), words(choose),
                 f"staff{choose.randrange(40)}@shop.example", employee)
    elif kind == 1:
        copy.run("UPDATE employee SET boss_id = ? WHERE employee_id = ?",
                 copy.pick(choose, "employee", "employee_id"), employee)
    elif kind == 2:
        copy.run("DELETE FROM employee WHERE employee_id = ? AND boss_id IS NOT NULL", employee)
    else:
        copy.run("INSERT OR IGNORE INTO genre VALUES (?, ?)", copy.new_key(),
                 choose.choice(WORDS[:6]).title())


def clear_out(copy, choose):
    """What takes other rows along, an artist with all albums or a single album; an empty genre."""
    kind = choose.randrange(8)
    if kind == 0:
        copy.run("DELETE FROM artist WHERE artist_id = ?", copy.pick(choose, "artist", "artist_id"))
    elif kind < 5:
        copy.run("DELETE FROM album WHERE album_id = ?", copy.pick(choose, "album", "album_id"))
    else:
        copy.run("DELETE FROM genre WHERE genre_id = ? AND NOT EXISTS "
                 "(SELECT 1 FROM track WHERE track.genre_id = genre.genre_id)",
                 copy.pick(choose, "genre", "genre_id"))


BUSINESS = ((new_album, 8), (new_track, 12), (new_customer, 8), (sell, 25), (correct_invoice, 10),
            (edit_track, 20), (edit_customer, 8), (fill_playlist, 8), (edit_playlist, 6),
            (edit_staff, 4), (clear_out, 2))
