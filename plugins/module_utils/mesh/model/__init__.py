# SPDX-License-Identifier: Apache-2.0
"""Specs, errors, objects, operations and reports: data only, no input or output."""
