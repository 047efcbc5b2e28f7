-- The KPI definitions in plain SQL, for every minute of a sale.
--
-- Times are whole numbers, as in `kpi_reference_facts.sql`; `t` names the minute the KPIs are of: they cover what
-- happened before it began.  Money and shares that follow from counts are exact: whole numbers divided once, at the end.
-- Input: the tables of `kpi_reference_facts.sql`, warehouses_dim, cities_dim, rule, and `stated`: by t, product_id and
-- warehouse_id what the forecast says (p15, short_milliunits, latent, lost_milliunits, surge among it).

CREATE MACRO half_up(numerator, denominator) AS
    ((2 * numerator::HUGEINT + denominator::HUGEINT) // (2 * denominator::HUGEINT))::BIGINT;

CREATE TABLE products AS
WITH foreseen AS (
    SELECT *, available = 0 AND (units > 0 OR latent IS NOT NULL) AS sold_out
    FROM pairs LEFT JOIN stated USING (t, product_id, warehouse_id)
), judged AS (
    SELECT * EXCLUDE sold_out, CASE WHEN available IS NULL THEN 'unknown'
            WHEN sold_out THEN 'sold_out'
            WHEN available = 0 THEN 'not_stocked'
            WHEN units > 0 AND available * elapsed <= at_risk_eta * units THEN 'at_risk'
            WHEN p15 >= at_risk_p15 THEN 'at_risk'
            ELSE 'ok' END AS status
    FROM foreseen, rule
)
SELECT t, product_id, warehouse_id, available, units, all_units, bot_orders, out_of_stock_ms, paid, paid_for, status, surge,
       COLUMNS('^p(5|15|30)$|^eta_p'),
       units / elapsed AS velocity,
       CASE WHEN status = 'sold_out' THEN coalesce(latent, units / elapsed) END AS hidden,
       CASE WHEN status = 'sold_out' THEN 0.0::DOUBLE WHEN units > 0 THEN available * elapsed / units END AS eta_minutes,
       CASE WHEN status = 'not_stocked' THEN 0 ELSE half_up(short_milliunits * paid, 1000 * paid_for) END AS value_at_risk,
       sum(lost_milliunits) OVER so_far::BIGINT AS lost_milliunits,
       sum(half_up(lost_milliunits * paid, 1000 * paid_for)) OVER so_far::BIGINT AS lost_value
FROM judged
WINDOW so_far AS (PARTITION BY product_id, warehouse_id ORDER BY t)
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

-- City mix of a sold-out pair: that of the first window with demand since it sold out.
CREATE TABLE city_mix AS
WITH hiding AS (
    SELECT t, product_id, warehouse_id, all_units, t - row_number() OVER (
        PARTITION BY product_id, warehouse_id ORDER BY t) AS run
    FROM products WHERE status = 'sold_out'
), fixed AS (
    SELECT t, product_id, warehouse_id, min(t) FILTER (all_units > 0) OVER (
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
    FROM rule, products p JOIN pairs q
      ON q.product_id = p.product_id AND q.warehouse_id = p.warehouse_id AND q.t <= p.t AND q.t > p.t - risk_minutes
    WHERE p.status = 'sold_out'
    GROUP BY ALL
), demand AS (
    SELECT t, product_id, warehouse_id, city_id, 1000 * sum(order_qty)::BIGINT AS milliunits
    FROM rule, minutes JOIN orders ON minute < t AND minute >= t - risk_minutes
    GROUP BY ALL
    UNION ALL
    SELECT t, product_id, warehouse_id, city_id,
           floor(round(hidden * ms / 60 * units / all_units, 6) + 0.5)::BIGINT
    FROM empty_time JOIN city_mix USING (t, product_id, warehouse_id)
), priced AS (
    -- What only machines want of an unknown stock has no row among the products, and is demand all the same.
    SELECT d.*, coalesce(status IN ('at_risk', 'sold_out'), false) AS risky, half_up(milliunits * paid, paid_for) AS millivalue
    FROM demand d LEFT JOIN products USING (t, product_id, warehouse_id)
)
SELECT t, city_id, warehouse_id, sum(milliunits)::BIGINT AS demand,
       coalesce(sum(milliunits) FILTER (risky), 0)::BIGINT AS at_risk,
       half_up(coalesce(sum(millivalue) FILTER (risky), 0), 1000 * risk_elapsed) AS at_risk_value_per_minute
FROM priced JOIN minutes USING (t)
GROUP BY GROUPING SETS ((t, city_id, warehouse_id, risk_elapsed), (t, city_id, risk_elapsed));

CREATE TABLE headline AS
WITH of_minute AS (
    SELECT t, count(order_id) AS orders_per_minute, coalesce(sum(order_qty), 0)::BIGINT AS units_per_minute,
           coalesce(sum(order_value), 0)::BIGINT AS value_per_minute, count(*) FILTER (machine) AS bot_orders
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
       (SELECT half_up(coalesce(sum(lost_milliunits), 0), 1000) FROM products p WHERE p.t = m.t) AS lost_units,
       (SELECT coalesce(sum(lost_value), 0)::BIGINT FROM products p WHERE p.t = m.t) AS lost_value,
       (SELECT count(*) FROM stated s WHERE s.t = m.t AND surge) AS surging_pairs
FROM of_minute m;
