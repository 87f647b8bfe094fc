# SPDX-License-Identifier: Apache-2.0
"""One typed spec per capability; the option docs, defaults and checks of both fronts come from here."""
