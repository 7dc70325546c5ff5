-- A tracker of tasks: people, projects, tasks with comments and labels, and the time they took.

CREATE TABLE person(
  id     TEXT PRIMARY KEY,
  handle TEXT NOT NULL COLLATE NOCASE UNIQUE,
  name   TEXT NOT NULL,
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1))
);

CREATE TABLE project(
  id      TEXT PRIMARY KEY,
  code    TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 2 AND 8),
  name    TEXT NOT NULL,
  lead_id TEXT REFERENCES person(id) ON DELETE SET NULL
);

CREATE TABLE membership(
  project_id TEXT NOT NULL REFERENCES project(id) ON DELETE CASCADE,
  person_id  TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE,
  role       TEXT NOT NULL DEFAULT 'guest' CHECK (role IN ('guest', 'member', 'owner')),
  PRIMARY KEY (project_id, person_id)
) WITHOUT ROWID;
CREATE INDEX member_of ON membership(person_id);

CREATE TABLE milestone(
  id         TEXT PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project(id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  start_day  INTEGER NOT NULL,
  due_day    INTEGER NOT NULL,
  UNIQUE (project_id, name),
  CHECK (start_day <= due_day)
);

CREATE TABLE task(
  id           INTEGER PRIMARY KEY,
  project_id   TEXT NOT NULL REFERENCES project(id) ON DELETE CASCADE,
  number       INTEGER NOT NULL CHECK (number > 0),
  parent_id    INTEGER REFERENCES task(id) ON DELETE SET NULL,
  milestone_id TEXT REFERENCES milestone(id) ON DELETE SET NULL,
  assignee_id  TEXT REFERENCES person(id) ON DELETE SET NULL,
  title        TEXT NOT NULL,
  body         TEXT,
  state        TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'doing', 'done')),
  done_at      TEXT,
  comments     INTEGER NOT NULL DEFAULT 0,
  revision     INTEGER NOT NULL DEFAULT 0,
  updated_at   TEXT DEFAULT CURRENT_TIMESTAMP,
  code         TEXT AS ('#' || number),
  CHECK (state = 'done' OR done_at IS NULL)
);
CREATE UNIQUE INDEX task_number ON task(project_id, number);
CREATE INDEX task_of ON task(assignee_id);
CREATE INDEX task_under ON task(parent_id);
CREATE INDEX task_until ON task(milestone_id);

CREATE TABLE dependency(
  task_id  INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  needs_id INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  PRIMARY KEY (task_id, needs_id),
  CHECK (task_id <> needs_id)
) WITHOUT ROWID;
CREATE INDEX needed_by ON dependency(needs_id);

CREATE TABLE label(
  id     TEXT PRIMARY KEY,
  name   TEXT NOT NULL COLLATE NOCASE UNIQUE,
  colour TEXT NOT NULL DEFAULT 'grey'
);

CREATE TABLE task_label(
  task_id  INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  label_id TEXT NOT NULL REFERENCES label(id) ON DELETE CASCADE,
  PRIMARY KEY (task_id, label_id)
) WITHOUT ROWID;
CREATE INDEX labelled ON task_label(label_id);

CREATE TABLE comment(
  id         TEXT PRIMARY KEY,
  task_id    INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  author_id  TEXT NOT NULL REFERENCES person(id),
  body       TEXT NOT NULL CHECK (body <> ''),
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX comment_on ON comment(task_id);
CREATE INDEX comment_by ON comment(author_id);

CREATE TABLE attachment(
  id      TEXT PRIMARY KEY,
  task_id INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  name    TEXT NOT NULL,
  content BLOB,
  UNIQUE (task_id, name)
);

-- A person works on one thing at a time.
CREATE TABLE timer(
  id         TEXT PRIMARY KEY,
  person_id  TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE,
  task_id    INTEGER NOT NULL REFERENCES task(id) ON DELETE CASCADE,
  started_at INTEGER NOT NULL,
  stopped_at INTEGER,
  CHECK (stopped_at IS NULL OR stopped_at >= started_at)
);
CREATE UNIQUE INDEX running ON timer(person_id) WHERE stopped_at IS NULL;
CREATE INDEX timer_on ON timer(task_id);

-- The full-text index of the tasks.
CREATE VIRTUAL TABLE task_text USING fts5(title, body, content = 'task', content_rowid = 'id');
CREATE TRIGGER task_text_insert AFTER INSERT ON task BEGIN
  INSERT INTO task_text(rowid, title, body) VALUES (NEW.id, NEW.title, NEW.body);
END;
CREATE TRIGGER task_text_delete AFTER DELETE ON task BEGIN
  INSERT INTO task_text(task_text, rowid, title, body)
  VALUES ('delete', OLD.id, OLD.title, OLD.body);
END;
CREATE TRIGGER task_text_update AFTER UPDATE OF id, title, body ON task BEGIN
  INSERT INTO task_text(task_text, rowid, title, body)
  VALUES ('delete', OLD.id, OLD.title, OLD.body);
  INSERT INTO task_text(rowid, title, body) VALUES (NEW.id, NEW.title, NEW.body);
END;

-- What the tracker keeps up by itself.
CREATE TRIGGER task_touch AFTER UPDATE OF title, body, state ON task BEGIN
  UPDATE task SET revision = revision + 1, updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;
CREATE TRIGGER comment_insert AFTER INSERT ON comment BEGIN
  UPDATE task SET comments = comments + 1 WHERE id = NEW.task_id;
END;
CREATE TRIGGER comment_delete AFTER DELETE ON comment BEGIN
  UPDATE task SET comments = comments - 1 WHERE id = OLD.task_id;
END;
CREATE TRIGGER lead_joins AFTER INSERT ON project WHEN NEW.lead_id IS NOT NULL BEGIN
  INSERT OR IGNORE INTO membership VALUES (NEW.id, NEW.lead_id, 'owner');
END;

CREATE VIEW open_task AS
  SELECT task.id, project.code || task.code AS code, title, person.handle AS assignee
  FROM task JOIN project ON project.id = project_id LEFT JOIN person ON person.id = assignee_id
  WHERE state <> 'done';
CREATE VIEW minutes AS
  SELECT task_id, sum((stopped_at - started_at) / 60) AS minutes FROM timer GROUP BY task_id;
CREATE VIEW tagged AS
  SELECT task_id, label.name AS label FROM task_label JOIN label ON label.id = label_id;
CREATE TRIGGER tag INSTEAD OF INSERT ON tagged BEGIN
  INSERT OR IGNORE INTO task_label SELECT NEW.task_id, id FROM label WHERE name = NEW.label;
END;
