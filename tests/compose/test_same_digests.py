"""The same facts under the same name: one machine's processes and the cluster in containers compute the same bytes."""

import json
from pathlib import Path

import pytest
from bson import json_util

from embedded.config import isolated_config
from flashsale.minutes import iso
from flashsale.sale_run import SaleRun
from flashsale.schema import CHECKPOINTS, DIMENSIONS, FACTS, KPI_HISTORY, REGISTRY_DATABASE, SALES
from flashsale.settings import Settings
from flashsale.stores.mongo import mongo_client
from flashsale.stores.provision import provision_registry, provision_sale
from flashsale.stores.sales import activate
from spark_jobs import minute_kpis
from tests.compose.stack import ComposeStack, inside
from tests.support.airflow_api import AirflowApi
from tests.support.random_sale import draw
from tests.support.shop import Pipeline, Shop, at
from tests.support.stacks import running_stack, temporary_home

pytestmark = [pytest.mark.compose, pytest.mark.timeout(2400)]

SALE_ID = "two_deployments"
START, END, WATERMARK = "09:00", "09:20", "09:30"


def _embedded_digests(settings: Settings, given: Path) -> dict[str, str]:
    """Digests of the processes' run; the sale as it was before it is written to `given`."""
    sale = SaleRun(SALE_ID, "test", 'name = "test"\n', 1, at(START), at("12:00"))
    with mongo_client(settings, "owner") as client:
        provision_registry(client, settings)
        provision_sale(client, sale)
        activate(client, sale)
        pipeline = Pipeline(settings, sale, Shop(products=4, capacities=(20, 30, 1000)))
        pipeline.add(*draw(11, START, 20))
        pipeline.acked_through(WATERMARK)
        names = [*(t.name for t in (*DIMENSIONS, *FACTS)), CHECKPOINTS]
        document = client[REGISTRY_DATABASE][SALES].find_one({"_id": SALE_ID})
        collections = {name: list(client[sale.database][name].find()) for name in names}
        collections = {name: documents for name, documents in collections.items() if documents}
        given.write_text(
            json_util.dumps(
                {"sale": document, "collections": collections}, json_options=json_util.CANONICAL_JSON_OPTIONS
            )
        )
        minute_kpis.backfill(settings, at(START), at(END), SALE_ID)
        found = client[sale.database][KPI_HISTORY].find({"settled": True})
        return {d["_id"].isoformat(): d["digest"] for d in found}


def test_fixed_facts_give_identical_digests_in_both_deployments(stack: ComposeStack, tmp_path: Path) -> None:
    given = tmp_path / "sale.json"
    with temporary_home() as home, running_stack(isolated_config(home), "mongo", "redis", "datanode", "spark") as here:
        embedded = _embedded_digests(here.config.settings, given)
    assert len(embedded) == 20
    tmp_path.chmod(0o755)
    given.chmod(0o644)
    stack.one_off("sale", inside("load_sale"), mounts=[f"{given}:/data/sale.json:ro"])
    airflow = AirflowApi(f"http://127.0.0.1:{stack.ports[1]}", "admin", stack.secrets()["airflow_admin"])
    window = {"from": iso(at(START)), "to": iso(at(END)), "sale_id": SALE_ID}
    assert airflow.trigger("backfill_kpis", window, seconds=240) == "success"
    assert json.loads(stack.one_off("sale", inside("read_digests"), SALE_ID)) == embedded
    print(f"\n{len(embedded)} minutes with identical digests")
