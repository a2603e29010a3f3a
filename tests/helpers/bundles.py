"""Bundles for tests, made from the bundled models: damaged, trained by somebody, and as published on the Hub."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

from models import bundle
from models.catalog import BUNDLED


def damaged_bundles(directory: Path) -> dict[str, Path]:
    """Copies of the bundled models, by task.

    One with a flipped byte, one without its network, one of another schema, and a whole one under a new name, as a
    fourth classifier would be.
    """
    flipped = _copy("flower", directory / "flower")
    content = bytearray((flipped / bundle.MODEL_NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (flipped / bundle.MODEL_NAME).write_bytes(content)

    incomplete = _copy("digit", directory / "incomplete", task="incomplete")
    (incomplete / bundle.MODEL_NAME).unlink()

    newer = _copy("digit", directory / "newer", task="newer", schema_version=99)
    fourth = _copy("digit", directory / "fourth", task="fourth")
    return {"flower": flipped, "incomplete": incomplete, "newer": newer, "fourth": fourth}


def trained_runs(directory: Path) -> None:
    """Runs as `fit --data` and `export` leave them: a task of a person's own, a damaged one, and an own digit."""
    labels = [{"id": f"clase {n}", "es": f"Rosa ñ{n} <b>", "en": f"Rosa ñ{n} <b>"} for n in range(10)]
    _copy("digit", directory / "mis-rosas-20260101-000000" / "bundle", task="mis-rosas", labels=labels)
    (_copy("digit", directory / "torn-20260101-000000" / "bundle", task="torn") / bundle.MODEL_NAME).write_bytes(b"")
    _copy("digit", directory / "digit-20260101-000000" / "bundle", version="9.9.9")


def revision(version: str, network: bytes | None = None, **changes: object) -> dict[str, bytes]:
    """The files of the shipped model for digits as another version, as they are published: with Keras' own beside."""
    files = {bundle.MODEL_NAME: network or (BUNDLED / "digit" / bundle.MODEL_NAME).read_bytes()}
    manifest = json.loads((BUNDLED / "digit" / bundle.INFO_NAME).read_text(encoding="utf-8"))
    files |= dict.fromkeys((bundle.CARD_NAME, *bundle.KERAS_FILES), b"must not be fetched to serve")
    listed = {name: {"sha256": sha256(content).hexdigest(), "size": len(content)} for name, content in files.items()}
    files[bundle.INFO_NAME] = json.dumps(manifest | {"version": version, "files": listed} | changes).encode()
    return files


def reseal(directory: Path, **changes: object) -> None:
    """Make `vistazo.json` agree with the files that a test has changed, and change it."""
    path = directory / bundle.INFO_NAME
    said = json.loads(path.read_text(encoding="utf-8"))
    said["files"] = {
        file.relative_to(directory).as_posix(): bundle.describe_file(file).model_dump()
        for file in directory.rglob("*")
        if file.is_file() and file != path
    }
    path.write_text(json.dumps(said | changes), encoding="utf-8")


def _copy(source: str, target: Path, **changes: object) -> Path:
    shutil.copytree(BUNDLED / source, target)
    manifest = json.loads((target / bundle.INFO_NAME).read_text(encoding="utf-8"))
    (target / bundle.INFO_NAME).write_text(json.dumps(manifest | changes), encoding="utf-8")
    return target
