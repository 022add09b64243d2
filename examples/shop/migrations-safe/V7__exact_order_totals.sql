-- The same wish in steps that each hold a strong lock for an instant: a new column beside the old one, kept equal by a trigger, filled
-- in small transactions, then proved complete. Readers move over when they like; the old column goes in a later release.

ALTER TABLE payments ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
ALTER TABLE orders ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
ALTER TABLE orders ADD COLUMN total_exact numeric(12, 2);

CREATE FUNCTION orders_set_total_exact() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.total_exact := round(NEW.total::numeric, 2);
  RETURN NEW;
END
$$;

CREATE TRIGGER orders_total_exact BEFORE INSERT OR UPDATE OF total ON orders
  FOR EACH ROW EXECUTE FUNCTION orders_set_total_exact();

-- Interrupted, it goes on where it was: only what is missing is filled.
-- capstan: repeatable
DO $$
DECLARE
  last_id constant bigint := (SELECT coalesce(max(id), 0) FROM orders);
  step    constant bigint := 10000;
BEGIN
  FOR start_id IN 1..last_id BY step LOOP
    UPDATE orders
       SET total_exact = round(total::numeric, 2)
     WHERE id >= start_id AND id < start_id + step AND total_exact IS NULL;
    COMMIT;
  END LOOP;
END
$$;

ALTER TABLE orders ADD CONSTRAINT orders_total_exact_present CHECK (total_exact IS NOT NULL) NOT VALID;
ALTER TABLE orders VALIDATE CONSTRAINT orders_total_exact_present;
