"""Small scenarios for tests."""

SMALL = """
name = "test_small"
seed = 7
duration_minutes = 10
shards = 2

[demand]
orders_per_second = 40.0
quantity_continue = 0.3
quantity_max = 4
discount_elasticity = 1.5
scarcity_boost = 0.5
scarcity_units = 20.0
city_size_exponent = 0.8

[products]
count = 12
zipf_exponent = 0.8
sellers = 6
sellers_per_product_max = 3
cost_share_min = 0.5
cost_share_max = 0.8

[[products.categories]]
name = "Audio"
weight = 1.0
price_min = 1_000.0
price_max = 20_000.0
price_sigma = 0.2

[[products.categories]]
name = "Toys"
weight = 1.0
price_min = 300.0
price_max = 4_000.0
price_sigma = 0.1

[cities]
names = ["Karachi", "Lahore", "Multan"]

[[warehouses]]
name = "Karachi South"
city = "Karachi"
capacity_units_per_minute = 800

[[warehouses]]
name = "Lahore East"
city = "Lahore"
capacity_units_per_minute = 1_200

[routing]
scale_km = 300.0
sold_out_weight = 0.3

[stock]
stocked_share = 0.7
cover_median_minutes = 3.0
cover_sigma_product = 0.8
cover_sigma_pair = 0.3

[inbound]
pairs_share = 0.6
cover_minutes = 2.0
per_pair_max = 3
lead_spread = 0.3
delay_mean_minutes = 0.5
short_share = 0.3

[fulfilment]
base_delay_minutes = 0.5
wave_seconds = 10
heartbeat_seconds = 60

[[campaigns]]
name = "Opening"
discount_pct = 20.0
starts_at_minute = 0
duration_minutes = 10
intensity = [[0, 1000], [5, 1500]]

[[campaigns]]
name = "Audio hour"
categories = ["Audio"]
discount_pct = 40.0
starts_at_minute = 2
duration_minutes = 4
intensity = [[0, 2000]]
"""
