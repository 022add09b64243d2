-- In small transactions, so that no row stays locked for long. Interrupted, it goes on where it was: only what is missing is filled,
-- and so it may run again, which the next line says.
-- capstan: repeatable
DO $$
DECLARE
  first_id constant bigint := 1;
  last_id  constant bigint := (SELECT coalesce(max(id), 0) FROM users);
  step     constant bigint := 5000;
BEGIN
  FOR start_id IN first_id..last_id BY step LOOP
    UPDATE users
       SET country_code = CASE substring(email FROM '\.([a-z]+)$')
                            WHEN 'at' THEN 'AT' WHEN 'de' THEN 'DE' WHEN 'fr' THEN 'FR' WHEN 'nl' THEN 'NL' ELSE 'XX'
                          END
     WHERE id >= start_id AND id < start_id + step AND country_code IS NULL;
    COMMIT;
  END LOOP;
END
$$;

-- NOT VALID holds for new rows at once and looks at no old one: the lock is gone in a millisecond.
ALTER TABLE users ADD CONSTRAINT users_country_code_present CHECK (country_code IS NOT NULL) NOT VALID;
