# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from lab.domains import names
from lab.domains.home import DomainHome

ONE, TWO, THREE = (DomainHome(f"domain{number}") for number in (1, 2, 3))


def test_each_other_domain_is_asked_for_its_own_zone():
    text = names.configuration(ONE, [THREE, TWO, ONE])
    assert text.index("my.cluster1:53") < text.index("my.cluster2:53") < text.index("my.cluster3:53")
    assert text.count("my.cluster1:53") == 1
    assert "forward . 10.99.0.3\n" in text
    assert "forward . 10.99.0.4\n" in text
    assert "forward . 10.99.0.2\n" not in text


def test_the_order_of_domains_does_not_matter():
    """Else the server would read it again without need."""
    assert names.configuration(ONE, [TWO, THREE]) == names.configuration(ONE, [ONE, THREE, TWO])


def test_a_new_zone_leads_nowhere():
    text = names.zone(TWO)
    assert "$ORIGIN my.cluster2." in text
    assert "ns IN A 10.99.0.3" in text
    assert "nsm-system" not in text
