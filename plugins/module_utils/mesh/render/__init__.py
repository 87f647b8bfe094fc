# SPDX-License-Identifier: Apache-2.0
"""Specs and facts in, objects out. Pure, but for the chart renderer and its cache."""
