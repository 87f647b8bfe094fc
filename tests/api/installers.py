# SPDX-License-Identifier: Apache-2.0
"""The tools that people have installed meshes with until now, as they are run by hand."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.state import Lab

BIN = Path(__file__).resolve().parents[2] / ".lab" / "bin"
#: Helm's programs by major version.
HELM = {"helm3": "helm3", "helm4": "helm"}


@dataclass(frozen=True)
class Tools:
    """Runs programs of the lab on one of its clusters."""

    lab: Lab
    context: str

    def run(self, program: str, *arguments: str, text: str = "", fails: bool = False) -> str:
        """What a program says; ``fails``: it may end with an error."""
        place = {"helm": "--kube-context", "helm3": "--kube-context"}.get(program, "--context")
        command = [str(BIN / program), "--kubeconfig", str(self.lab.kubeconfig), place, self.context, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode and not fails:
            raise AssertionError(f"{program} {' '.join(arguments)}: {done.stderr}")
        return done.stdout + done.stderr

    def releases(self, program: str, namespace: str) -> dict[str, str]:
        """Releases that ``helm list`` shows by itself, with their status."""
        listed = json.loads(self.run(program, "list", "--namespace", namespace, "--output", "json"))
        return {item["name"]: item["status"] for item in listed}

    def install(self, tool: str, namespace: str, **values: Any) -> None:
        """A control plane, as ``helm3``, ``helm4``, ``istioctl``, or ``kubectl`` with istioctl's manifests."""
        if tool in HELM:
            self.charts(tool, namespace, {"istio-base": "base", "istiod": "istiod"}, **values)
            return
        settings = ["--set", "profile=minimal", "--istioNamespace", namespace]
        for key, value in {"global.istioNamespace": namespace, **values}.items():
            settings += ["--set", f"values.{key}={value}"]
        if tool == "istioctl":
            # Without nodes nothing becomes ready; everything is applied by then.
            told = self.run("istioctl", "install", "-y", "--readiness-timeout", "1s", *settings, fails=True)
            assert "resources not ready" in told, told
            return
        manifest = self.run("istioctl", "manifest", "generate", *settings)
        # The first round may meet custom resources before their definitions.
        self.run("kubectl", "apply", "--filename", "-", text=manifest, fails=True)
        self.run("kubectl", "apply", "--filename", "-", text=manifest)

    def charts(self, tool: str, namespace: str, charts: dict[str, str], **values: Any) -> None:
        """Releases of the lab's charts, by release and chart."""
        for release, chart in charts.items():
            settings = ["--set-string", f"global.istioNamespace={namespace}"]
            for key, value in values.items():
                settings += ["--set", f"{key}={value}"]
            path = f"{self.lab.charts}/{chart}"
            self.run(HELM[tool], "upgrade", "--install", release, path, "--namespace", namespace, *settings)


def chart(path: Path, name: str, *objects: dict[str, Any]) -> Path:
    """A chart of these objects."""
    made = path / name
    (made / "templates").mkdir(parents=True, exist_ok=True)
    (made / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": name, "version": "1.0.0"}))
    for old in (made / "templates").iterdir():
        old.unlink()
    for obj in objects:
        file = made / "templates" / f"{obj['kind']}-{obj['metadata']['name']}.yaml".lower()
        file.write_text(json.dumps(obj))
    return made
