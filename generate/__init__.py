# SPDX-License-Identifier: Apache-2.0
"""What follows from the specs: doc fragments, action plugins. ``python -m generate`` writes, ``--check`` compares."""
