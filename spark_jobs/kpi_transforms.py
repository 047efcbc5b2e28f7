"""KPIs of one minute T from rollups and carried state: pure DataFrame -> DataFrame.

Definitions: DESIGN section 5.  Sums are over integers, so no partitioning or row order
can change a bit; a division of two exact integers is rounded once.
"""

from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.window import Window

from flashsale.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PAIR = ["product_id", "warehouse_id"]


def products(pairs: "DataFrame", prices: "DataFrame", elapsed_minutes: int, settings: Settings) -> "DataFrame":
    """One row per (product, warehouse) with stock ever known or demand in the window.

    `pairs` as `pass_inputs.pair_table` has them; `prices`: product_id, discounted_price.
    Velocities are units/min, money minor units, `unit_value_*` the exact ratio value ÷ units of
    the mean unit value.
    """
    joined = pairs.join(F.broadcast(prices), on="product_id", how="inner").where(
        F.col("available").isNotNull() | (F.col("units") > 0)
    )
    elapsed = F.lit(elapsed_minutes)
    none_left = F.col("available") == 0
    with_rates = (
        joined.withColumn("velocity", F.col("units") / elapsed)
        .withColumn(
            "unit_value_numerator", F.when(F.col("units") > 0, F.col("value")).otherwise(F.col("discounted_price"))
        )
        .withColumn("unit_value_denominator", F.greatest(F.col("units"), F.lit(1)))
    )
    unit_value = F.col("unit_value_numerator") / F.col("unit_value_denominator")
    sold_out = none_left & ((F.col("units") > 0) | F.col("latent_velocity").isNotNull())
    eta = F.when(sold_out, F.lit(0.0)).when(F.col("units") > 0, F.col("available") * elapsed / F.col("units"))
    endangered = (F.col("eta_minutes") <= settings.at_risk_eta_minutes) | (F.col("p15") >= settings.at_risk_p15)
    status = (
        F.when(F.col("available").isNull(), "unknown")
        .when(sold_out, "sold_out")
        .when(none_left, "not_stocked")
        .when(endangered, "at_risk")
        .otherwise("ok")
    )
    return (
        with_rates.withColumn("eta_minutes", eta)
        .withColumn("status", status)
        .select(
            *PAIR,
            "status",
            "available",
            "units",
            "value",
            "bot_orders",
            "velocity",
            "eta_minutes",
            "unit_value_numerator",
            "unit_value_denominator",
            # Of a pair that is not stocked nobody is short.
            F.when(F.col("status") == "not_stocked", F.lit(0))
            .otherwise(_whole(F.col("short_milliunits") * unit_value / 1000))
            .cast("long")
            .alias("value_at_risk"),
            F.when(F.col("status") == "sold_out", F.coalesce("latent_velocity", "velocity")).alias("latent_velocity"),
            (F.coalesce("carried_lost_milliunits", F.lit(0)) + F.col("lost_now")).alias("lost_milliunits"),
            (F.coalesce("carried_lost_value", F.lit(0)) + _whole(F.col("lost_now") * unit_value / 1000)).alias(
                "lost_value"
            ),
        )
    )


def headline(product_rows: "DataFrame") -> "DataFrame":
    """One row: high_risk_skus, sold_out_skus, value_at_risk, lost_milliunits, lost_value over all products."""
    counted = F.col("status").isin("ok", "at_risk", "sold_out")
    by_product = product_rows.groupBy("product_id").agg(
        F.max((F.col("status") == "at_risk").cast("int")).alias("at_risk"),
        F.sum(counted.cast("int")).alias("counted"),
        F.sum((F.col("status") == "sold_out").cast("int")).alias("sold_out"),
        F.sum("value_at_risk").alias("value_at_risk"),
        F.sum("lost_milliunits").alias("lost_milliunits"),
        F.sum("lost_value").alias("lost_value"),
    )
    all_sold_out = (F.col("sold_out") > 0) & (F.col("sold_out") == F.col("counted"))
    return by_product.agg(
        F.coalesce(F.sum("at_risk"), F.lit(0)).alias("high_risk_skus"),
        F.coalesce(F.sum(all_sold_out.cast("int")), F.lit(0)).alias("sold_out_skus"),
        F.coalesce(F.sum("value_at_risk"), F.lit(0)).alias("value_at_risk"),
        F.coalesce(F.sum("lost_milliunits"), F.lit(0)).alias("lost_milliunits"),
        F.coalesce(F.sum("lost_value"), F.lit(0)).alias("lost_value"),
    )


def warehouses(recent: "DataFrame", dimension: "DataFrame", minutes: int, settings: Settings) -> "DataFrame":
    """One row per warehouse of `dimension`: load and delay over the last `minutes` minutes.

    `recent`: warehouse_id, units, delay_ms_sum, delay_count of those minutes;
    `dimension`: warehouse_id, capacity_units_per_minute.  The overloaded ones are what
    GROUP BY ... HAVING leaves.
    """
    spark = recent.sparkSession
    totals = spark.sql(
        """
        SELECT d.warehouse_id, d.capacity_units_per_minute,
               coalesce(sum(r.units), 0L) AS units,
               coalesce(sum(r.delay_ms_sum), 0L) AS delay_ms_sum,
               coalesce(sum(r.delay_count), 0L) AS delay_count
        FROM {dimension} d LEFT JOIN {recent} r ON r.warehouse_id = d.warehouse_id
        GROUP BY d.warehouse_id, d.capacity_units_per_minute
        """,
        recent=recent,
        dimension=dimension,
    )
    overloaded = spark.sql(
        """
        SELECT r.warehouse_id, true AS overloaded
        FROM {recent} r JOIN {dimension} d ON r.warehouse_id = d.warehouse_id
        GROUP BY r.warehouse_id, d.capacity_units_per_minute
        HAVING sum(r.units) >= CAST(:load AS DECIMAL(18, 6)) * d.capacity_units_per_minute * :minutes
            OR try_divide(sum(r.delay_ms_sum), sum(r.delay_count)) >= :delay * 60000
        """,
        args={
            "load": settings.overload_load,
            "minutes": minutes,
            "delay": settings.overload_delay_minutes,
        },
        recent=recent,
        dimension=dimension,
    )
    return totals.join(overloaded, on="warehouse_id", how="left").select(
        "warehouse_id",
        (F.col("units") / F.lit(minutes)).alias("units_per_minute"),
        "capacity_units_per_minute",
        (F.col("units") / (F.col("capacity_units_per_minute") * F.lit(minutes))).alias("load"),
        F.try_divide(F.col("delay_ms_sum"), F.col("delay_count") * F.lit(60_000)).alias("mean_fulfillment_delay"),
        F.coalesce("overloaded", F.lit(False)).alias("overloaded"),
    )


def hidden_demand(pairs: "DataFrame", product_rows: "DataFrame", mix: "DataFrame") -> "DataFrame":
    """Demand that sold-out pairs did not take in, split by the cities that bought before.

    `pairs`: product_id, warehouse_id, out_of_stock_ms of the last minutes, more than 0; `product_rows`:
    the rows of `products` at risk or sold out; `mix`: product_id, warehouse_id, city_id, units.
    Columns: product_id, warehouse_id, city_id, milliunits.
    """
    share = F.col("units") / F.sum("units").over(Window.partitionBy(*PAIR))
    latent = product_rows.where(F.col("latent_velocity").isNotNull()).select(*PAIR, "latent_velocity")
    return (
        pairs.join(latent, on=PAIR, how="inner")
        .join(mix.select(*PAIR, "city_id", share.alias("share")), on=PAIR, how="inner")
        .select(
            *PAIR,
            "city_id",
            _whole(F.col("latent_velocity") * F.col("out_of_stock_ms") / 60 * F.col("share")).alias("milliunits"),
        )
    )


def city_risk(
    demand: "DataFrame", exposed: "DataFrame", hidden: "DataFrame", product_rows: "DataFrame", minutes: int
) -> "DataFrame":
    """Demand of the last `minutes` minutes, and the part of it at risk, by (city, warehouse) and by city.

    `demand`: city_id, warehouse_id, units of all pairs; `exposed`: product_id, warehouse_id, city_id,
    units of the pairs at risk or sold out, a row per cell; `hidden` as `hidden_demand` returns it,
    whose pairs are sold out; `product_rows`: the rows of `products` of all those pairs.
    The rows of a whole city have a null warehouse_id.  Columns: city_id, warehouse_id,
    demand_milliunits, at_risk_milliunits, at_risk_value_per_minute (minor units).
    """
    unit_value = F.col("unit_value_numerator") / F.col("unit_value_denominator")
    prices = F.broadcast(product_rows.select(*PAIR, unit_value.alias("unit_value")))
    none = F.lit(0).cast("long")
    place = ["city_id", "warehouse_id"]

    def at_risk(rows: "DataFrame", demanded: Column) -> "DataFrame":
        value = _whole(F.col("milliunits") * F.col("unit_value"))
        return rows.join(prices, on=PAIR, how="inner").select(
            *place, demanded.alias("demand"), F.col("milliunits").alias("at_risk"), value.alias("value")
        )

    observed = demand.select(
        *place, (F.col("units") * 1000).alias("demand"), none.alias("at_risk"), none.alias("value")
    )
    open_to_risk = exposed.select(*PAIR, "city_id", (F.col("units") * 1000).alias("milliunits"))
    cells = observed.unionByName(at_risk(open_to_risk, none)).unionByName(at_risk(hidden, F.col("milliunits")))
    by_place = cells.groupBy(*place).agg(
        F.sum("demand").alias("demand"), F.sum("at_risk").alias("at_risk"), F.sum("value").alias("value")
    )
    return (
        by_place.groupingSets([("city_id", "warehouse_id"), ("city_id",)], *place)
        .agg(
            F.sum("demand").alias("demand_milliunits"),
            F.sum("at_risk").alias("at_risk_milliunits"),
            _whole(F.sum("value") / (1000 * minutes)).alias("at_risk_value_per_minute"),
        )
        .select(*place, "demand_milliunits", "at_risk_milliunits", "at_risk_value_per_minute")
    )


def _whole(column: Column) -> Column:
    """Nearest whole number, halves up: the rounding of money and milli-units.

    A product of rounded quotients may lie a hair below the half it stands for, hence the inner rounding.
    """
    return F.floor(F.round(column, 6) + F.lit(0.5)).cast("long")
