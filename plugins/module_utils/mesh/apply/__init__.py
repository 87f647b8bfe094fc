# SPDX-License-Identifier: Apache-2.0
"""The engine: facts, render, plan, stages, waits, proofs, report."""
