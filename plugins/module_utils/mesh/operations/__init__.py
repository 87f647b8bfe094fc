# SPDX-License-Identifier: Apache-2.0
"""One file per capability; each reads like a sentence. The table below is all that the fronts need to know."""
