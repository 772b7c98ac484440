"""Where a version came from: proof link by link, signatures, repeated training, and the model card.

- ``links``: the links of the chain, and what a check says about each.
- ``evidence``: the files of a version or of a run, with what is wrong with them.
- ``forms``: the forms of the documents that are compared.
- ``origin``: the links from the source to the image: source, datasets, code, image.
- ``results``: the links from the boosters to the report.
- ``publication``: the links of the registry: manifest and aliases.
- ``verification``: the whole chain.
- ``signing``: sign a version with a key, and verify the signature.
- ``reproduction``: the command line that trains a version again, and the comparison of the models.
- ``card``: the model card.
- ``card_figures``: accuracy of the slices and calibration, for the card.
"""

__all__ = [
    "card",
    "card_figures",
    "evidence",
    "forms",
    "links",
    "origin",
    "publication",
    "reproduction",
    "results",
    "signing",
    "verification",
]
