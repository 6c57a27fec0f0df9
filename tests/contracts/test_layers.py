"""Imports point one way: the contracts under [tool.importlinter] in pyproject.toml, and that they leave nothing out."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "groundswell"


def test_every_import_keeps_to_the_layers() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint_imports, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=15, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_has_its_layer() -> None:
    """A module that is in no layer may import anything, unnoticed."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {module.strip(" ()") for layer in layers for module in layer.split("|")}
    split = {module.rpartition(".")[0] for module in placed} - {"groundswell"}  # a package placed module by module
    there = {
        "groundswell." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for folder in (PACKAGE, *(PACKAGE / package.removeprefix("groundswell.") for package in split))
        for path in folder.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
        if path.stem not in ("__init__", "__main__")
    }
    assert there - placed - split == set()
