# SPDX-License-Identifier: Apache-2.0
"""Wanted and live objects in, changes out. Pure: no input or output."""
