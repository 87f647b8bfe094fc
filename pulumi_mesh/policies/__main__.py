# SPDX-License-Identifier: Apache-2.0
"""The pack as Pulumi runs it; without an engine, the directory to give to ``--policy-pack``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_mesh.policies import RULES, Rule, objects_of


def pack() -> None:
    """Serve the rules to the engine."""
    from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

    policies: list[Any] = [ResourceValidationPolicy(rule.name, rule.description, validation(rule)) for rule in RULES]
    PolicyPack("mesh", policies, enforcement_level=EnforcementLevel.MANDATORY)


def validation(rule: Rule) -> Any:
    """A rule as pulumi-policy calls it."""

    def validate(args: Any, report: Callable[[str], None]) -> None:
        for text in rule.violations(objects_of(args.resource_type, args.props)):
            report(text)

    return validate


if __name__ == "__main__":
    # The engine starts the pack with its own address in the environment of the process.
    if "PULUMI_PROJECT" in os.environ or "PULUMI_ENGINE" in os.environ:
        pack()
    else:
        print(Path(__file__).parent)
