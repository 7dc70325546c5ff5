-- A shop that sells music: catalogue, customers, invoices and playlists.

CREATE TABLE artist(
  artist_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE
);

CREATE TABLE album(
  album_id  INTEGER PRIMARY KEY,
  artist_id INTEGER NOT NULL REFERENCES artist(artist_id) ON DELETE CASCADE,
  title     TEXT NOT NULL,
  year      INTEGER CHECK (year BETWEEN 1900 AND 2100),
  UNIQUE (artist_id, title)
);

CREATE TABLE genre(
  genre_id INTEGER PRIMARY KEY,
  name     TEXT NOT NULL COLLATE NOCASE UNIQUE
);

CREATE TABLE format(
  format_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE,
  lossless  INTEGER NOT NULL DEFAULT 0 CHECK (lossless IN (0, 1))
);

CREATE TABLE track(
  track_id   INTEGER PRIMARY KEY,
  album_id   INTEGER NOT NULL REFERENCES album(album_id) ON DELETE CASCADE,
  genre_id   INTEGER REFERENCES genre(genre_id) ON DELETE SET NULL,
  format_id  INTEGER NOT NULL REFERENCES format(format_id),
  number     INTEGER NOT NULL CHECK (number > 0),
  name       TEXT NOT NULL,
  composer   TEXT,
  length_ms  INTEGER NOT NULL CHECK (length_ms > 0),
  cents      INTEGER NOT NULL DEFAULT 99 CHECK (cents >= 0),
  edits      INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER
);
CREATE UNIQUE INDEX track_number ON track(album_id, number);
CREATE INDEX track_by_genre ON track(genre_id);

CREATE TABLE employee(
  employee_id INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  mail        TEXT NOT NULL UNIQUE,
  boss_id     INTEGER REFERENCES employee(employee_id) ON DELETE SET NULL,
  CHECK (boss_id <> employee_id)
);

CREATE TABLE customer(
  customer_id INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  mail        TEXT NOT NULL COLLATE NOCASE UNIQUE,
  city        TEXT,
  advisor_id  INTEGER REFERENCES employee(employee_id) ON DELETE SET NULL,
  updated_at  INTEGER
);

CREATE TABLE invoice(
  invoice_id  INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customer(customer_id),
  issued_at   TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
  city        TEXT,
  cents       INTEGER NOT NULL DEFAULT 0 CHECK (cents >= 0)
);
CREATE INDEX invoice_of ON invoice(customer_id);

CREATE TABLE invoice_line(
  invoice_id INTEGER NOT NULL REFERENCES invoice(invoice_id) ON DELETE CASCADE,
  line       INTEGER NOT NULL,
  track_id   INTEGER NOT NULL REFERENCES track(track_id),
  cents      INTEGER NOT NULL,
  quantity   INTEGER NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 99),
  PRIMARY KEY (invoice_id, line)
) WITHOUT ROWID;
CREATE INDEX sale_of ON invoice_line(track_id);

CREATE TABLE playlist(
  playlist_id INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE,
  customer_id INTEGER REFERENCES customer(customer_id) ON DELETE CASCADE
);

CREATE TABLE playlist_track(
  playlist_id INTEGER NOT NULL REFERENCES playlist(playlist_id) ON DELETE CASCADE,
  track_id    INTEGER NOT NULL REFERENCES track(track_id) ON DELETE CASCADE,
  position    INTEGER,
  PRIMARY KEY (playlist_id, track_id)
) WITHOUT ROWID;
CREATE INDEX playlists_of ON playlist_track(track_id);

-- The catalogue's full-text index.
CREATE VIRTUAL TABLE track_text USING fts5(
  name, composer, content = 'track', content_rowid = 'track_id');
CREATE TRIGGER track_text_insert AFTER INSERT ON track BEGIN
  INSERT INTO track_text(rowid, name, composer) VALUES (NEW.track_id, NEW.name, NEW.composer);
END;
CREATE TRIGGER track_text_delete AFTER DELETE ON track BEGIN
  INSERT INTO track_text(track_text, rowid, name, composer)
  VALUES ('delete', OLD.track_id, OLD.name, OLD.composer);
END;
CREATE TRIGGER track_text_update AFTER UPDATE OF track_id, name, composer ON track BEGIN
  INSERT INTO track_text(track_text, rowid, name, composer)
  VALUES ('delete', OLD.track_id, OLD.name, OLD.composer);
  INSERT INTO track_text(rowid, name, composer) VALUES (NEW.track_id, NEW.name, NEW.composer);
END;

-- Who changed what, and what an invoice comes to.
CREATE TRIGGER track_touch AFTER UPDATE OF name, composer, cents, number ON track BEGIN
  UPDATE track SET edits = edits + 1, updated_at = CAST(strftime('%s', 'now') AS INTEGER)
  WHERE track_id = NEW.track_id;
END;
CREATE TRIGGER customer_touch AFTER UPDATE OF name, mail, city ON customer BEGIN
  UPDATE customer SET updated_at = CAST(strftime('%s', 'now') AS INTEGER)
  WHERE customer_id = NEW.customer_id;
END;
CREATE TRIGGER line_insert AFTER INSERT ON invoice_line BEGIN
  UPDATE invoice SET cents = cents + NEW.cents * NEW.quantity WHERE invoice_id = NEW.invoice_id;
END;
CREATE TRIGGER line_update AFTER UPDATE OF cents, quantity ON invoice_line BEGIN
  UPDATE invoice SET cents = cents - OLD.cents * OLD.quantity + NEW.cents * NEW.quantity
  WHERE invoice_id = NEW.invoice_id;
END;
CREATE TRIGGER line_delete AFTER DELETE ON invoice_line BEGIN
  UPDATE invoice SET cents = cents - OLD.cents * OLD.quantity WHERE invoice_id = OLD.invoice_id;
END;

CREATE VIEW catalogue AS
  SELECT track.track_id, track.name, album.title, artist.name AS artist, genre.name AS genre
  FROM track JOIN album USING (album_id) JOIN artist USING (artist_id)
  LEFT JOIN genre USING (genre_id);
CREATE VIEW best_seller AS
  SELECT track_id, sum(quantity) AS sold FROM invoice_line GROUP BY track_id;
CREATE VIEW turnover AS
  SELECT customer.customer_id, customer.name, count(invoice_id) AS invoices, sum(cents) AS cents
  FROM customer LEFT JOIN invoice USING (customer_id) GROUP BY customer.customer_id;
