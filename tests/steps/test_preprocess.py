from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from steps import tables
from tests.support import FEATURES

if TYPE_CHECKING:
    from tests.support import Chain


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"feature_set": "plain"}, 12),
        ({"feature_set": "derived"}, 17),
        ({"preset": "fast", "feature_set": "plain"}, 12),
    ],
)
def test_the_feature_set_can_be_chosen(own_chain: Chain, options: dict[str, str], count: int) -> None:
    own_chain.preprocess(**options)
    features = tables.read_metadata(own_chain["test_features"]).features
    assert len(features) == count
    assert list(features[:12]) == FEATURES
