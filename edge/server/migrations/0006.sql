-- What the principals of an account have set.
CREATE TABLE account_setting (
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    principal TEXT NOT NULL,
    name      TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (account, region, principal, name)
) WITHOUT ROWID;

-- Families whose greatest revision was deleted: its number is not given again.
CREATE TABLE task_family (
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    family        TEXT NOT NULL,
    last_revision INTEGER NOT NULL,
    PRIMARY KEY (account, region, family)
) WITHOUT ROWID;
