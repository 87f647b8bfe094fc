# SPDX-License-Identifier: Apache-2.0
"""Tests, and the programs that run them. A package, so that no installed package called `tests` takes its place."""
