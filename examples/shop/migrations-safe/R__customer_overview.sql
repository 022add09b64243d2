-- Repeatable: applied again whenever this file changes, after all versioned migrations.

CREATE OR REPLACE VIEW customer_overview AS
SELECT u.id, u.name, u.status, c.name AS country, count(p.id) AS payment_count, coalesce(sum(p.amount), 0) AS paid_total
  FROM users u
  JOIN countries c ON c.code = u.country_code
  LEFT JOIN orders o ON o.user_id = u.id
  LEFT JOIN payments p ON p.order_id = o.id
 GROUP BY u.id, c.name;
