-- Tasks in the order in which they came, so that those that are written together are beside each other on disk; the program
-- knows which row is whose.
CREATE TABLE task_in_order (
    place          INTEGER PRIMARY KEY,
    id             TEXT NOT NULL,
    cluster        TEXT NOT NULL,
    last_status    TEXT NOT NULL,
    desired_status TEXT NOT NULL,
    version        INTEGER NOT NULL,
    record         TEXT NOT NULL
);
INSERT INTO task_in_order SELECT rowid, id, cluster, last_status, desired_status, version, record FROM task;
DROP TABLE task;
ALTER TABLE task_in_order RENAME TO task;

-- Versions of container instances change with every task, their records seldom.
CREATE TABLE container_instance_version (
    place   INTEGER PRIMARY KEY,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL
);
INSERT INTO container_instance_version (id, version) SELECT id, version FROM container_instance;
ALTER TABLE container_instance DROP COLUMN version;
