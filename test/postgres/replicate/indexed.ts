/** Indexes of every kind that there is, some of which have to stay. */
export const INDEXED = `
  CREATE SCHEMA "Odd name";
  CREATE TABLE orders (id int PRIMARY KEY, code text UNIQUE, note text, amount numeric, tags text[], day int, tenant int);
  CREATE INDEX orders_note ON orders (note);
  CREATE INDEX orders_expression ON orders (lower(note) text_pattern_ops DESC NULLS LAST, (amount * 2)) WHERE amount > 0;
  ALTER INDEX orders_expression ALTER COLUMN 2 SET STATISTICS 77;
  CREATE INDEX orders_include ON orders USING btree (day) INCLUDE (tenant) WITH (fillfactor = 70, deduplicate_items = off);
  CREATE INDEX orders_tags ON orders USING gin (tags) WITH (fastupdate = off);
  CREATE INDEX orders_brin ON orders USING brin (day) WITH (pages_per_range = 8);
  CREATE INDEX "orders Odd ""name" ON orders USING hash (tenant);
  COMMENT ON INDEX "orders Odd ""name" IS 'it''s \\ odd';
  CREATE INDEX orders_clustered ON orders (tenant, id); ALTER TABLE orders CLUSTER ON orders_clustered;
  CREATE TABLE "Odd name".keyed (a int NOT NULL, b text); CREATE UNIQUE INDEX keyed_a ON "Odd name".keyed (a);
  ALTER TABLE "Odd name".keyed REPLICA IDENTITY USING INDEX keyed_a; CREATE INDEX keyed_b ON "Odd name".keyed (b COLLATE "C");
  CREATE TABLE unkeyed (a int, b int); CREATE INDEX unkeyed_b ON unkeyed (b); ALTER TABLE unkeyed REPLICA IDENTITY FULL;
  CREATE TABLE events (id int, day int, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
  CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (day);
  CREATE TABLE events_21 PARTITION OF events_2 FOR VALUES FROM (10) TO (20);
  CREATE INDEX events_1_own_name ON events_1 (what);
  CREATE INDEX events_what ON events (what);
  CREATE INDEX events_1_alone ON events_1 (day);
  CREATE TABLE others (id int PRIMARY KEY, note text); CREATE INDEX others_note ON others (note);
  INSERT INTO orders SELECT g, g::text, 'n' || g, g, ARRAY[g::text], g, g FROM generate_series(1, 500) g;
  INSERT INTO events SELECT g, g % 20, g::text FROM generate_series(1, 200) g`

export const INDEXED_TABLES = ['public.orders', '"Odd name".keyed', 'public.unkeyed', 'public.events']
