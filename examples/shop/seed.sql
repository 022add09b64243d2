-- What a few years of business leave behind: about 300,000 orders. Run once on the schema at version 2.

INSERT INTO users (email, name, created_at)
SELECT format('user%s@example.%s', n, (ARRAY['de', 'fr', 'nl', 'at', 'com'])[1 + n % 5]), 'User ' || n, now() - n * interval '20 minutes'
  FROM generate_series(1, 20000) AS n;

INSERT INTO products (sku, name, price)
SELECT format('SKU-%s', lpad(n::text, 5, '0')), 'Product ' || n, 1 + (n * 37 % 9900) / 100.0
  FROM generate_series(1, 500) AS n;

INSERT INTO inventory (product_id, on_hand)
SELECT id, 1000000 FROM products;

INSERT INTO orders (user_id, status, total, placed_at)
SELECT 1 + n % 20000, (ARRAY['paid', 'shipped', 'placed'])[1 + n % 3], 5 + (n::bigint * 7919 % 49500) / 100.0, now() - (300000 - n) * interval '2 minutes'
  FROM generate_series(1, 300000) AS n;

INSERT INTO order_items (order_id, product_id, quantity, unit_price)
SELECT n * 5, 1 + n % 500, 1 + n % 3, 5 FROM generate_series(1, 60000) AS n;

INSERT INTO payments (order_id, amount, method, paid_at)
SELECT id, round(total::numeric, 2), 'card', placed_at + interval '1 minute'
  FROM orders
 WHERE status = 'paid' AND id % 2 = 0;

ANALYZE users, products, inventory, orders, order_items, payments;
