-- VALIDATE reads every row but lets writes go on. With a valid CHECK, SET NOT NULL needs no scan of its own (PostgreSQL 12 and later).

ALTER TABLE users VALIDATE CONSTRAINT users_country_code_present;
ALTER TABLE users ALTER COLUMN country_code SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_country_code_present;
