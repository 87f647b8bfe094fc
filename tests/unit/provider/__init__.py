# SPDX-License-Identifier: Apache-2.0
"""The provider, as far as it needs neither engine nor cluster."""
