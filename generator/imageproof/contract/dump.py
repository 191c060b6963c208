"""JSON values as text: as YAML that a person reads, and as a digest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml


class _Dumper(yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper):  # type: ignore[misc]  # at run time
    """YAML without anchors: a reader should not have to look things up, and editors fold them badly."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(data: Any) -> str:
    """Block-style YAML, keys in their own order."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def fingerprint(data: Any) -> str:
    """SHA-256 of a document's content: comments and layout do not count, the order of keys does."""
    return hashlib.sha256(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
