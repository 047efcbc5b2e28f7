"""The host's tools run on any machine with Python 3.9 and nothing installed."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "containers" / "__init__.py", *sorted((ROOT / "containers" / "host").glob("*.py"))]
NEWER_THAN_3_9 = {"slots", "kw_only", "strict"}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_host_tool_needs_python_3_9_and_its_standard_library_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for name in _imported(tree):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or name.startswith("containers.host"), name
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            assert node.arg not in NEWER_THAN_3_9, f"{path.name}:{node.value.lineno} {node.arg}="
        if isinstance(node, ast.ImportFrom) and node.module == "datetime":
            assert "UTC" not in {alias.name for alias in node.names}, path.name
        assert not isinstance(node, ast.Match), path.name
    annotated = any(isinstance(node, ast.FunctionDef | ast.AnnAssign) for node in ast.walk(tree))
    assert not annotated or "from __future__ import annotations" in path.read_text(), path.name
