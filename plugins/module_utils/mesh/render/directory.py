# SPDX-License-Identifier: Apache-2.0
"""Sets of objects as directories of manifests, which Argo CD, Flux and ``kubectl apply -k`` read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, annotations_of, ref
from ..model.secrets import SECRET_FIELDS, leaves

try:
    import yaml

    _Safe: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class _Dumper(_Safe):  # type: ignore[misc]
        """Long texts line by line, so that a review shows what changed."""

    def _text(dumper: Any, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    _Dumper.add_representer(str, _text)

except ImportError:  # Ansible loads this file on hosts that need not have PyYAML
    yaml = None  # type: ignore[assignment]

#: The file that lists the others of a directory, in order; by it the next rendering knows which files are its own.
INDEX = "kustomization.yaml"
_HEAD = "# Rendered by meshops.mesh. What is listed here is written anew, and removed when it leaves the declaration.\n"


def directory(item: ObjectSet) -> dict[str, str]:
    """File name -> text for a set; the names follow from the objects alone. Secrets are not among them."""
    shared = [_spared(obj) for obj in item.fields]
    files = {_file_name(ref(obj)): _dumped(obj) for obj in (*shared, *item.objects) if obj["kind"] != "Secret"}
    index = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(files)}
    return {INDEX: _HEAD + _dumped(index), **files}


#: What of an object is ours is a few fields: whoever prunes must not take the whole of it.
_SPARED = {
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}


def _spared(obj: Object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**annotations_of(obj), **_SPARED}}}


def listed(index: str) -> list[str]:
    """The files that an index of ours lists; none where somebody else wrote it. Raises MeshError for a damaged one."""
    if not index.startswith(_HEAD):
        return []
    try:
        found: Any = yaml.load(index, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return [str(name) for name in found["resources"] or ()]
    except (yaml.YAMLError, KeyError, TypeError):
        hint = "mend or delete it"
        raise MeshError("invalid_option", "is damaged", where=INDEX, hint=hint) from None


def secrets(sets: Iterable[ObjectSet]) -> list[dict[str, Any]]:
    """``{namespace, name, keys}`` of every Secret that the sets hold: who applies them must bring it himself."""
    found = [obj for item in sets for obj in item.objects if obj["kind"] == "Secret"]
    return [
        {
            "namespace": ref(obj).namespace,
            "name": ref(obj).name,
            "keys": sorted({key for part in SECRET_FIELDS for key in obj.get(part) or ()}),
        }
        for obj in sorted(found, key=ref)
    ]


def refuse_secrets(sets: Iterable[ObjectSet], hide: Callable[[str], str]) -> None:
    """Raise MeshError for an object, other than a Secret, in which ``hide`` finds something secret."""
    for obj in (obj for item in sets for obj in (*item.fields, *item.objects) if obj["kind"] != "Secret"):
        texts = "\0".join(leaves(obj))
        if hide(texts) != texts:
            text = "holds a secret value, which would stand in a file"
            hint = "keep it in a Secret, and let the values refer to that"
            raise MeshError("invalid_object", text, where=str(ref(obj)), hint=hint)


def images(sets: Iterable[ObjectSet]) -> list[str]:
    """All container images of the sets, and those that istiod puts into pods: what a mirror must have."""
    return sorted({image for item in sets for obj in item.objects for image in _images(obj)})


def _images(obj: Object) -> Iterator[str]:
    if obj["kind"] == "ConfigMap":
        values = (obj.get("data") or {}).get("values")
        yield from _injected(values) if isinstance(values, str) and "sidecar-injector" in ref(obj).name else ()
    for pod in _pods(obj.get("spec")):
        for key in ("initContainers", "containers"):
            # The injector fills in what says auto.
            yield from (str(item["image"]) for item in pod.get(key) or () if item.get("image") not in (None, "auto"))


def _pods(spec: Any) -> Iterator[Mapping[str, Any]]:
    """Pod specs, at whatever depth the kind has its template."""
    if not isinstance(spec, Mapping):
        return
    if isinstance(spec.get("containers"), list):
        yield spec
    for key in ("template", "jobTemplate"):
        inner = spec.get(key)
        yield from _pods(inner.get("spec")) if isinstance(inner, Mapping) else ()


def _injected(values: str) -> Iterator[str]:
    """Images of injected pods (Istio's injection values: ``global.proxy.image``, ``global.proxy_init.image``)."""
    try:
        found = json.loads(values).get("global") or {}
    except ValueError:
        return
    for part in ("proxy", "proxy_init"):
        image = (found.get(part) or {}).get("image") or ""
        variant = f"-{found['variant']}" if found.get("variant") else ""
        if image:
            yield image if "/" in image else f"{found.get('hub')}/{image}:{found.get('tag')}{variant}"


#: Groups whose kinds everybody knows by their names alone.
_PLAIN = ("admissionregistration.k8s.io", "apiextensions.k8s.io", "networking.k8s.io", "rbac.authorization.k8s.io")


def _file_name(key: Ref) -> str:
    """Names of roles may have ``:``, which is not for every file system; in objects of others any part may have ``/``,
    which must not lead out of the directory."""
    kind = f"{key.kind}.{key.group}" if "." in key.group and key.group not in _PLAIN else key.kind
    return "_".join(quote(part, safe="") for part in (kind.lower(), key.namespace, key.name) if part) + ".yaml"


def _dumped(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, width=110, allow_unicode=True)
    return text
