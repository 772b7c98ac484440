"""Model bundles as their readers see them, without the libraries that train, which take long to import.

- ``arrays``: features as one array of float32; re-exported here.
- ``columns``: compute features from the canonical columns; re-exported here.
- ``folder``: the files of a bundle, their checksums, and the metadata.
- ``stored``: read what was fitted from a preprocessor file.
"""

from steps.bundles.arrays import to_array
from steps.bundles.columns import FeatureColumns

__all__ = ["FeatureColumns", "to_array"]
