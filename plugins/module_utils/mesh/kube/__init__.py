# SPDX-License-Identifier: Apache-2.0
"""Everything that talks to an API server. The only place that imports kubernetes and urllib3."""
