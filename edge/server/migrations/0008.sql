-- How many transactions were committed. What is acknowledged beside the database says how many there should be.
CREATE TABLE commits (number INTEGER NOT NULL) STRICT;
INSERT INTO commits VALUES (0);
