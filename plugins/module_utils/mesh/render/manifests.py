# SPDX-License-Identifier: Apache-2.0
"""From a chart and values to objects, through the cache."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, annotations_of
from ..model.secrets import of_values
from ..model.shapes import flaws
from . import cache
from .charts import Chart
from .helm import Helm

#: The C loader reads Istio's CRDs eight times faster; it is absent only where PyYAML was built without libyaml.
try:
    import yaml

    _Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class _Loader(_Safe):  # type: ignore[misc]
        """Refuses a key that is there twice: of which value would be applied, every tool thinks differently."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            """The map of a node."""
            given = len(node.value)
            merges = any(key.tag == "tag:yaml.org,2002:merge" for key, _value in node.value)
            mapping = super().construct_mapping(node, deep)
            if len(mapping) < given and not merges:
                raise yaml.constructor.ConstructorError(None, None, "a key is there twice", node.start_mark)
            return mapping

    # JSON has no dates: what looks like one stays the text that it is.
    _Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))

except ImportError:  # Ansible loads this file on hosts that need not have PyYAML
    yaml = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Target:
    """What charts may ask about the cluster."""

    kube_version: str
    api_versions: frozenset[str]


def render(
    helm: Helm, chart: Chart, release: str, namespace: str, values: Mapping[str, Any], target: Target
) -> list[Object]:
    """The objects of a chart, without hooks. What holds Secrets, or comes of secret values, is not kept."""
    api_versions = sorted(target.api_versions) if chart.asks_api_versions else []
    name = cache.key(chart.digest, release, namespace, values, target.kube_version, api_versions, helm.identity)
    kept = None if next(of_values(values), None) else cache.directory("rendered") / f"{name}.json"
    objects: list[Object] | None = cache.read(kept) if kept else None
    if objects is not None:
        return objects
    text = helm.template(chart.path, release, namespace, values, target.kube_version, api_versions)
    objects = [obj for obj in parse(text, f"chart {chart.name}") if "helm.sh/hook" not in annotations_of(obj)]
    if kept and not any(obj["kind"] == "Secret" for obj in objects):
        cache.write(kept, objects)
    return objects


def parse(text: str, where: str) -> list[Object]:
    """The objects of a YAML stream, Lists opened; raises MeshError ``invalid_object`` with file and line."""
    return [obj for _place, obj in located(text, where)]


def located(text: str, where: str) -> list[tuple[str, Object]]:
    """The same with the place of each, as ``file:line``."""
    return [found for line, value in _numbered(text, where) for found in opened(value, f"{where}:{line}")]


def documents(text: str, where: str) -> list[Any]:
    """The documents of a YAML stream as they are, empty ones as None; raises MeshError ``invalid_object`` with file and
    line."""
    return [value for _line, value in _numbered(text, where)]


def _numbered(text: str, where: str) -> list[tuple[int, Any]]:
    """Every document with the line on which it begins."""
    try:
        _refuse_depth(text, where)
        return list(_read(text))
    except (yaml.YAMLError, ValueError) as error:  # ValueError: !!int of what is none
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark else where
        raise MeshError("invalid_object", f"not YAML: {getattr(error, 'problem', error)}", where=place) from error


def _read(text: str) -> Iterator[tuple[int, Any]]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            yield node.start_mark.line + 1, loader.construct_document(node)
    finally:
        loader.dispose()


#: Levels beyond which the C loader, which calls itself for each, may run out of stack and take the process along.
_DEEPEST = 10_000
_MARGIN = re.compile(r"^[ \t?-]*", re.MULTILINE)


def _refuse_depth(text: str, where: str) -> None:
    """Raise MeshError for a text that nests too deeply; those that cannot, by their count of brackets and their
    indentation, are not looked at closely."""
    longest = max((len(found[0]) for found in _MARGIN.finditer(text)), default=0)
    if text.count("[") + text.count("{") + longest < _DEEPEST:
        return
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise MeshError("invalid_object", "is nested too deeply", where=where)


def flatten(documents: Iterable[Any], where: str) -> Iterator[Object]:
    """Objects of documents; empty documents are skipped, Lists opened, malformed ones refused."""
    for index, document in enumerate(documents):
        for _place, obj in opened(document, f"{where}, document {index + 1}"):
            yield obj


def opened(document: Any, place: str) -> Iterator[tuple[str, Object]]:
    """The objects of one document, each with its place."""
    if document is None:
        return
    if not isinstance(document, dict):
        raise MeshError("invalid_object", "is not an object", where=place)
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        for index, item in enumerate(document["items"]):
            yield from opened(item, f"{place}, document {index + 1}")
        return
    missing = next((key for key in ("apiVersion", "kind") if not isinstance(document.get(key), str)), None)
    metadata = document.get("metadata")
    if missing is None and not (isinstance(metadata, dict) and isinstance(metadata.get("name") or None, str)):
        missing = "metadata.name"
    if missing:
        raise MeshError("invalid_object", f"has no {missing}", where=place)
    flaw = next(flaws(document), None)
    if flaw:
        name = f"{place}, {document['kind']} {document['metadata']['name']}"
        raise MeshError("invalid_object", flaw, where=name)
    yield place, document
