-- One row per record. Columns hold what a person would ask a shell for; `record` holds all of it as JSON.
CREATE TABLE cluster (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    status  TEXT NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;

CREATE TABLE container_instance (
    id      TEXT PRIMARY KEY,
    cluster TEXT NOT NULL,
    status  TEXT NOT NULL,
    version INTEGER NOT NULL,
    record  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE task_definition (
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    family   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    status   TEXT NOT NULL,
    record   TEXT NOT NULL,
    PRIMARY KEY (account, region, family, revision)
) WITHOUT ROWID;

CREATE TABLE task (
    id             TEXT PRIMARY KEY,
    cluster        TEXT NOT NULL,
    last_status    TEXT NOT NULL,
    desired_status TEXT NOT NULL,
    version        INTEGER NOT NULL,
    record         TEXT NOT NULL
);

CREATE TABLE client_token (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    cluster TEXT NOT NULL,
    token   TEXT NOT NULL,
    usage   TEXT NOT NULL,
    PRIMARY KEY (account, region, cluster, token)
) WITHOUT ROWID;
