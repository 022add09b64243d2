-- A constant default is kept in the catalog: no row is rewritten, however many there are.

ALTER TABLE users
  ADD COLUMN status text NOT NULL DEFAULT 'active' CONSTRAINT users_status_known CHECK (status IN ('active', 'blocked', 'closed'));
