# SPDX-License-Identifier: Apache-2.0
"""Measurements against what people use today: `python -m bench`."""
