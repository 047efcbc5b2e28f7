-- What counts of a sale's facts, and what each minute comes to, in plain SQL: the ground `kpi_reference.sql` stands on.
--
-- Times are whole numbers: milliseconds since 1970, and minutes since 1970 where the name says minute.
-- `t` names the minute the KPIs are of: they cover what happened before it began.
-- Input: sent_orders, sent_inventory, products_dim, warehouses_dim, cities_dim, campaigns_dim, machines (seller_id),
-- rule (one row).

-- What counts: the first of each id, of known things, of the sale, not ahead of its writer, and in time.
CREATE TABLE orders AS
WITH first_sent AS (FROM sent_orders QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY position) = 1)
SELECT f.*, order_ts // 60000 AS minute, seller_id IN (SELECT seller_id FROM machines) AS machine
FROM first_sent f, rule
WHERE order_ts >= first_minute * 60000 AND arrived_at >= first_minute * 60000
  AND order_ts - arrived_at <= max_ahead_ms
  AND arrived_at < (order_ts // 60000 + 1) * 60000 + lateness_ms
  AND product_id IN (SELECT product_id FROM products_dim)
  AND warehouse_id IN (SELECT warehouse_id FROM warehouses_dim)
  AND city_id IN (SELECT city_id FROM cities_dim);

CREATE TABLE inventory AS
WITH first_sent AS (FROM sent_inventory QUALIFY row_number() OVER (PARTITION BY inventory_event_id ORDER BY position) = 1)
SELECT f.*, inventory_ts // 60000 AS minute, greatest(0, inventory_on_hand - reserved_stock) AS available
FROM first_sent f, rule
WHERE inventory_ts >= first_minute * 60000 AND arrived_at >= first_minute * 60000
  AND inventory_ts - arrived_at <= max_ahead_ms
  AND arrived_at < (inventory_ts // 60000 + 1) * 60000 + lateness_ms
  AND product_id IN (SELECT product_id FROM products_dim)
  AND warehouse_id IN (SELECT warehouse_id FROM warehouses_dim);

-- Whole minutes since the minute of the first order; 1 until there is one.
CREATE TABLE minutes AS
WITH ends AS (
    SELECT unnest(range(first_minute + 1, last_minute + 1)) AS t FROM rule
)
SELECT t, greatest(1, coalesce(t - first_order_minute, 1)) AS age, least(age, window_minutes) AS elapsed,
       least(age, overload_minutes) AS load_minutes, least(age, risk_minutes) AS risk_elapsed
FROM ends, rule;

-- How long each stock stands, up to the next event of its pair.
CREATE TABLE stock_spans AS
SELECT product_id, warehouse_id, available, inventory_ts AS since,
       coalesce(lead(inventory_ts) OVER (
           PARTITION BY product_id, warehouse_id ORDER BY inventory_ts, inventory_event_id), 9e15::BIGINT) AS until
FROM inventory;

-- Every pair in every minute: the stock it closes with, time of the last minute it had none, the window's demand.
-- `units` and `value` are people's, `all_units` machines' too.
CREATE TABLE pairs AS
WITH every AS (
    SELECT t, elapsed, product_id, warehouse_id
    FROM minutes, (SELECT product_id, warehouse_id FROM orders UNION SELECT product_id, warehouse_id FROM inventory)
), closing AS (
    SELECT t, product_id, warehouse_id, available
    FROM minutes JOIN inventory i ON i.inventory_ts < t * 60000
    QUALIFY row_number() OVER (
        PARTITION BY t, product_id, warehouse_id ORDER BY inventory_ts DESC, inventory_event_id DESC) = 1
), stocked AS (
    SELECT t, product_id, warehouse_id, sum(least(until, t * 60000) - greatest(since, (t - 1) * 60000)) AS ms
    FROM minutes JOIN stock_spans ON since < t * 60000 AND until > (t - 1) * 60000 AND available > 0
    GROUP BY ALL
), demand AS (
    SELECT t, product_id, warehouse_id, sum(order_qty) FILTER (NOT machine) AS units,
           sum(order_value) FILTER (NOT machine) AS value, sum(order_qty) AS all_units,
           count(*) FILTER (machine) AS bot_orders
    FROM rule, minutes JOIN orders o ON o.minute < t AND o.minute >= t - window_minutes
    GROUP BY ALL
), price AS (
    SELECT t, p.product_id, floor(any_value(base_price) * (100 - coalesce(max(discount_pct), 0)) / 100 + 0.5)::BIGINT AS price
    FROM minutes, products_dim p LEFT JOIN campaigns_dim c
      ON c.starts_at <= (t - 1) * 60000 AND c.ends_at > (t - 1) * 60000
     AND (len(c.categories) + len(c.products) = 0
          OR list_contains(c.categories, p.category) OR list_contains(c.products, p.product_id))
    GROUP BY ALL
)
SELECT e.*, available, coalesce(units, 0)::BIGINT AS units, coalesce(all_units, 0)::BIGINT AS all_units,
       coalesce(bot_orders, 0) AS bot_orders,
       CASE WHEN available IS NOT NULL THEN 60000 - coalesce(ms, 0) END AS out_of_stock_ms,
       -- mean unit value = paid / paid_for
       (CASE WHEN units > 0 THEN value ELSE price END)::BIGINT AS paid, greatest(1, units)::BIGINT AS paid_for
FROM every e
LEFT JOIN closing USING (t, product_id, warehouse_id)
LEFT JOIN stocked USING (t, product_id, warehouse_id)
LEFT JOIN demand USING (t, product_id, warehouse_id)
JOIN price USING (t, product_id);

-- What the forecast is told of each minute: people's orders of the pairs that any fact has named by then.
CREATE TABLE told AS
WITH known AS (
    SELECT product_id, warehouse_id, min(minute) AS since
    FROM (SELECT product_id, warehouse_id, minute FROM orders
          UNION ALL SELECT product_id, warehouse_id, minute FROM inventory)
    GROUP BY ALL
), people AS (
    SELECT minute + 1 AS t, product_id, warehouse_id, sum(order_qty) AS units, sum(order_qty ** 2) AS squares,
           count(*) AS orders
    FROM orders WHERE NOT machine GROUP BY ALL
)
SELECT p.t, product_id, warehouse_id, coalesce(m.units, 0)::BIGINT AS units, coalesce(squares, 0)::BIGINT AS squares,
       coalesce(orders, 0) AS orders,
       -- What was sold in a minute without stock by the records was there all the same.
       CASE WHEN out_of_stock_ms = 60000 AND orders > 0 THEN 1
            ELSE (60000 - coalesce(out_of_stock_ms, 0)) / 60000 END::DOUBLE AS in_stock,
       available
FROM pairs p JOIN known USING (product_id, warehouse_id) LEFT JOIN people m USING (t, product_id, warehouse_id)
WHERE since < p.t;
