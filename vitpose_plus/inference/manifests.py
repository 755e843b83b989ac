"""``manifest.json``: states how predictions were made, and whether they are complete."""

import json
from pathlib import Path
from typing import Any

from vitpose_plus import files
from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.version import __version__

SCHEMA_VERSION = 1
MANIFEST = 'manifest.json'

Manifest = dict[str, Any]


def new_manifest(
    model: dict[str, Any],
    settings: dict[str, Any],
    skeletons: dict[str, Skeleton],
    digest: str,
) -> Manifest:
    """Returns the manifest of a run that begins.

    Args:
        model: The description of the model.
        settings: All other settings of the predictions.
        skeletons: Dataset name -> its keypoints.
        digest: The SHA-256 of the names and sizes of all pictures and films.
    """
    datasets = {
        name: dict(keypoints=skeleton.names, links=skeleton.links)
        for name, skeleton in skeletons.items()
    }
    return dict(
        schema_version=SCHEMA_VERSION,
        version=__version__,
        complete=False,
        model=model,
        settings=settings,
        sources_sha256=digest,
        datasets=datasets,
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    with files.replacing(folder / MANIFEST) as new:
        new.write_text(json.dumps(manifest, indent=2) + '\n', encoding='utf-8')


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the existing predictions; empty if it cannot be read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def first_change(earlier: Manifest, now: Manifest) -> str | None:
    """A phrase about the first difference of predictions; None if both are the same."""
    for part, phrase in (('model', 'of another model'), ('settings', 'of other settings')):
        old, new = earlier.get(part), json.loads(json.dumps(now[part]))
        if not isinstance(old, dict):
            return f'without a readable {MANIFEST} that states their settings'
        for key in [*new, *old]:
            if old.get(key) != new.get(key):
                return f'{phrase} ({key}: {_short(old.get(key))}, now {_short(new.get(key))})'
    if earlier.get('sources_sha256') != now['sources_sha256']:
        return 'of other pictures (some were added, removed or changed since)'
    return None


def _short(value: Any) -> str:
    """The value as a short text: there may be thousands of sources."""
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:77]}...'
