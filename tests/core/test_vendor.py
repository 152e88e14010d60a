"""Vendored packages are what their manifests say, byte for byte."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDORS = [ROOT / "static" / "vendor", ROOT / "tests" / "vendor"]


def _manifest(vendor: Path) -> dict[str, dict[str, str]]:
    packages = json.loads((vendor / "manifest.json").read_text())["packages"]
    return {package["folder"]: package["files"] for package in packages}


@pytest.mark.parametrize("vendor", VENDORS, ids=["static", "tests"])
def test_nobody_edited_added_or_removed_a_vendored_file(vendor: Path) -> None:
    on_disk = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    written = {
        f"{folder}/{name}": digest
        for folder, files in _manifest(vendor).items()
        for name, digest in files.items()
    }
    assert on_disk == written


@pytest.mark.parametrize("vendor", VENDORS, ids=["static", "tests"])
def test_each_vendored_package_states_its_version_and_brings_its_licence(vendor: Path) -> None:
    packages = json.loads((vendor / "manifest.json").read_text())["packages"]
    assert packages
    for package in packages:
        assert package["name"] and package["version"] and package["licence"]
        assert any(name.startswith("LICENSE") for name in package["files"]), package["name"]
