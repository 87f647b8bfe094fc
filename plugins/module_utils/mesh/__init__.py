# SPDX-License-Identifier: Apache-2.0
"""The core: one declaration of a mesh in, a plan and an applied mesh out. Knows neither Ansible nor Pulumi."""
