# SPDX-License-Identifier: Apache-2.0
"""The EXAMPLES and RETURN blocks of the modules, kept true by running them."""
