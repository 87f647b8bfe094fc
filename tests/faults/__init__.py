# SPDX-License-Identifier: Apache-2.0
"""Systematic faults: every request of a run fails once in every way, and the next run must put all right."""
