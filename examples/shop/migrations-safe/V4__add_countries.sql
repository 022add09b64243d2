-- Reference data travels with the schema that needs it.

CREATE TABLE countries (
  code text PRIMARY KEY CHECK (code ~ '^[A-Z]{2}$'),
  name text NOT NULL
);

COPY countries (code, name) FROM stdin;
AT	Austria
CH	Switzerland
CZ	Czechia
DE	Germany
DK	Denmark
ES	Spain
FR	France
IT	Italy
NL	Netherlands
PL	Poland
XX	Not known
\.

-- Nullable first and filled in V5; the default only concerns users who sign up from now on.
ALTER TABLE users ADD COLUMN country_code text;
ALTER TABLE users ALTER COLUMN country_code SET DEFAULT 'XX';
