# SPDX-License-Identifier: Apache-2.0
"""What others use to run playbooks, each with a playbook of ours that needs no cluster."""
