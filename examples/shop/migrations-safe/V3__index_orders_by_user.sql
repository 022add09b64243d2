-- A customer's own orders, newest first. CONCURRENTLY: writes go on while it is built, so it cannot be part of a transaction; one that
-- is interrupted leaves an invalid index behind, which the engine removes and builds anew.

CREATE INDEX CONCURRENTLY orders_user_id_placed_at_idx ON orders (user_id, placed_at DESC);
