# SPDX-License-Identifier: Apache-2.0
"""The one version of collection, wheel and plugin."""

VERSION = "1.0.0"
