"""The dependency rule: services import flashsale, never each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("generator", "spark_jobs", "dags", "dashboard", "notifier", "evaluation", "embedded", "containers")
ALLOWED = {("dags", "spark_jobs"), ("evaluation", "generator")}
PACKAGES = ("flashsale", *SERVICES)


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(imported top package, whether inside a function) of each import in a file."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module]
        for name in names:
            yield name.split(".")[0], id(node) in inside


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_service_imports_another(package: str) -> None:
    for path in _files(package):
        for imported, inside_function in _imports(path):
            if imported not in SERVICES or imported == package:
                continue
            assert (package, imported) in ALLOWED, f"{path.relative_to(ROOT)} imports {imported}"
            if package == "dags":
                assert inside_function, f"{path.relative_to(ROOT)} imports {imported} while the DAG is parsed"


def test_the_contract_imports_no_service() -> None:
    assert _files("flashsale")
    for path in _files("flashsale"):
        assert not {name for name, _ in _imports(path)} & set(SERVICES), path


def test_no_redis_key_or_hdfs_path_is_spelled_outside_its_module() -> None:
    for package in PACKAGES:
        for path in _files(package):
            if path.name in ("redis_keys.py", "hdfs_paths.py"):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                    assert not node.value.startswith(("fs:", "/flashsale/")), f"{path}: {node.value}"
