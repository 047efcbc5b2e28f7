-- The KPI definitions in plain SQL, for every minute of a sale, from its facts alone.
--
-- Times are whole numbers: milliseconds since 1970, and minutes since 1970 where the name says minute.
-- `t` names the minute the KPIs are of: they cover what happened before it began.  Shares and money
-- are exact: whole numbers divided once, at the end.
-- Input: sent_orders, sent_inventory, products_dim, warehouses_dim, cities_dim, campaigns_dim, rule (one row).

CREATE MACRO half_up(numerator, denominator) AS
    ((2 * numerator::HUGEINT + denominator::HUGEINT) // (2 * denominator::HUGEINT))::BIGINT;

-- What counts: the first of each id, of known things, of the sale, not ahead of its writer, and in time.
CREATE TABLE orders AS
WITH first_sent AS (FROM sent_orders QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY position) = 1)
SELECT f.*, order_ts // 60000 AS minute
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
    SELECT t, product_id, warehouse_id, sum(order_qty) AS units, sum(order_value) AS value
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
SELECT e.*, available, coalesce(units, 0)::BIGINT AS units,
       CASE WHEN available IS NOT NULL THEN 60000 - coalesce(ms, 0) END AS out_of_stock_ms,
       -- mean unit value = paid / paid_for
       (CASE WHEN units > 0 THEN value ELSE price END)::BIGINT AS paid, greatest(1, units)::BIGINT AS paid_for
FROM every e
LEFT JOIN closing USING (t, product_id, warehouse_id)
LEFT JOIN stocked USING (t, product_id, warehouse_id)
LEFT JOIN demand USING (t, product_id, warehouse_id)
JOIN price USING (t, product_id);

-- Demand an empty shelf hides: the first velocity above 0 from the last minute that still closed with
-- stock.  A run is such a minute and the empty ones after it.
CREATE TABLE latent AS
WITH runs AS (
    SELECT *, count(*) FILTER (available IS DISTINCT FROM 0) OVER upto AS run
    FROM pairs WINDOW upto AS (PARTITION BY product_id, warehouse_id ORDER BY t)
)
SELECT * EXCLUDE run, CASE WHEN available = 0 THEN
       first_value(CASE WHEN units > 0 THEN {'units': units, 'minutes': elapsed} END IGNORE NULLS) OVER (
           PARTITION BY product_id, warehouse_id, run ORDER BY t ROWS UNBOUNDED PRECEDING) END AS hidden
FROM runs;

CREATE TABLE products AS
WITH losing AS (
    SELECT *, available = 0 AND (units > 0 OR hidden IS NOT NULL) AS sold_out,
           coalesce(half_up(hidden.units * out_of_stock_ms, hidden.minutes * 60), 0) AS lost_milliunits
    FROM latent
)
SELECT t, product_id, warehouse_id, available, units, elapsed, hidden, out_of_stock_ms, paid, paid_for,
       CASE WHEN available IS NULL THEN 'unknown'
            WHEN sold_out THEN 'sold_out'
            WHEN available = 0 THEN 'not_stocked'
            WHEN units > 0 AND available * elapsed <= at_risk_eta * units THEN 'at_risk'
            ELSE 'ok' END AS status,
       units / elapsed AS velocity,
       CASE WHEN sold_out THEN 0.0::DOUBLE WHEN units > 0 THEN available * elapsed / units END AS eta_minutes,
       CASE WHEN available IS NOT NULL THEN half_up(
           greatest(0, units * value_horizon - available * elapsed) * paid, elapsed * paid_for) END AS value_at_risk,
       sum(half_up(lost_milliunits * paid, 1000 * paid_for)) OVER (
           PARTITION BY product_id, warehouse_id ORDER BY t)::BIGINT AS lost_value
FROM losing, rule
QUALIFY available IS NOT NULL OR units > 0;

CREATE TABLE warehouses AS
WITH work AS (
    SELECT t, warehouse_id, order_qty AS units, NULL AS delay_ms
    FROM minutes JOIN orders ON minute < t AND minute >= t - load_minutes
    UNION ALL
    SELECT t, warehouse_id, 0, round(fulfillment_delay * 60000)::BIGINT
    FROM minutes JOIN inventory ON minute < t AND minute >= t - load_minutes
), overloaded AS (
    SELECT t, warehouse_id
    FROM work JOIN minutes USING (t) JOIN warehouses_dim USING (warehouse_id), rule
    GROUP BY t, warehouse_id, load_minutes, capacity_units_per_minute, overload_load, overload_delay
    HAVING sum(units) >= overload_load * capacity_units_per_minute * load_minutes
        OR sum(delay_ms) >= overload_delay * 60000 * count(delay_ms) AND count(delay_ms) > 0
)
SELECT t, warehouse_id, capacity_units_per_minute, coalesce(sum(units), 0)::BIGINT / load_minutes AS units_per_minute,
       coalesce(sum(units), 0)::BIGINT / (load_minutes * capacity_units_per_minute) AS load,
       sum(delay_ms)::BIGINT / (60000 * count(delay_ms)) AS mean_fulfillment_delay,
       (t, warehouse_id) IN (SELECT (t, warehouse_id) FROM overloaded) AS overloaded
FROM minutes CROSS JOIN warehouses_dim LEFT JOIN work USING (t, warehouse_id)
GROUP BY t, warehouse_id, capacity_units_per_minute, load_minutes;

-- City mix of a hiding pair: that of the first window with demand since it began to hide some.
CREATE TABLE city_mix AS
WITH hiding AS (
    SELECT t, product_id, warehouse_id, units, t - row_number() OVER (
        PARTITION BY product_id, warehouse_id ORDER BY t) AS run
    FROM latent WHERE hidden IS NOT NULL
), fixed AS (
    SELECT t, product_id, warehouse_id, min(t) FILTER (units > 0) OVER (
        PARTITION BY product_id, warehouse_id, run ORDER BY t) AS mixed_at
    FROM hiding
), bought AS (
    SELECT t, f.product_id, f.warehouse_id, city_id, sum(order_qty) AS units
    FROM rule, fixed f JOIN orders o ON o.product_id = f.product_id AND o.warehouse_id = f.warehouse_id
     AND o.minute < mixed_at AND o.minute >= mixed_at - window_minutes
    GROUP BY ALL
)
SELECT *, sum(units) OVER (PARTITION BY t, product_id, warehouse_id) AS all_units FROM bought;

CREATE TABLE cells AS
WITH empty_time AS (
    SELECT p.t, p.product_id, p.warehouse_id, any_value(p.hidden) AS hidden, sum(q.out_of_stock_ms) AS ms
    FROM rule, products p JOIN products q
      ON q.product_id = p.product_id AND q.warehouse_id = p.warehouse_id AND q.t <= p.t AND q.t > p.t - risk_minutes
    WHERE p.hidden IS NOT NULL
    GROUP BY ALL
), demand AS (
    SELECT t, product_id, warehouse_id, city_id, 1000 * sum(order_qty)::BIGINT AS milliunits
    FROM rule, minutes JOIN orders ON minute < t AND minute >= t - risk_minutes
    GROUP BY ALL
    UNION ALL
    SELECT t, product_id, warehouse_id, city_id,
           half_up(hidden.units * ms * units, hidden.minutes * 60 * all_units)
    FROM empty_time JOIN city_mix USING (t, product_id, warehouse_id)
), priced AS (
    SELECT d.*, status IN ('at_risk', 'sold_out') AS risky, half_up(milliunits * paid, paid_for) AS millivalue
    FROM demand d JOIN products USING (t, product_id, warehouse_id)
)
SELECT t, city_id, warehouse_id, sum(milliunits)::BIGINT AS demand,
       coalesce(sum(milliunits) FILTER (risky), 0)::BIGINT AS at_risk,
       half_up(coalesce(sum(millivalue) FILTER (risky), 0), 1000 * risk_elapsed) AS at_risk_value_per_minute
FROM priced JOIN minutes USING (t)
GROUP BY GROUPING SETS ((t, city_id, warehouse_id, risk_elapsed), (t, city_id, risk_elapsed));

CREATE TABLE headline AS
WITH of_minute AS (
    SELECT t, count(order_id) AS orders_per_minute, coalesce(sum(order_qty), 0)::BIGINT AS units_per_minute,
           coalesce(sum(order_value), 0)::BIGINT AS value_per_minute
    FROM minutes LEFT JOIN orders ON minute = t - 1 GROUP BY t
), skus AS (
    SELECT t, product_id, bool_or(status = 'at_risk') AS high_risk,
           count(*) FILTER (status NOT IN ('not_stocked', 'unknown')) AS stocked,
           count(*) FILTER (status = 'sold_out') AS gone
    FROM products GROUP BY ALL
)
SELECT m.*, (SELECT count(*) FROM skus s WHERE s.t = m.t AND high_risk) AS high_risk_skus,
       (SELECT count(*) FROM skus s WHERE s.t = m.t AND gone > 0 AND gone = stocked) AS sold_out_skus,
       (SELECT count(*) FROM warehouses w WHERE w.t = m.t AND overloaded) AS overloaded_warehouses,
       (SELECT coalesce(sum(value_at_risk), 0)::BIGINT FROM products p WHERE p.t = m.t) AS value_at_risk,
       (SELECT coalesce(sum(lost_value), 0)::BIGINT FROM products p WHERE p.t = m.t) AS lost_value
FROM of_minute m;
