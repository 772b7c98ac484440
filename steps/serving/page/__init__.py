"""The page at ``/`` of the service, for people, and the documents that it links to.

- ``card``: the model card as HTML.
- ``description``: columns, cover types and limits, as the page needs them.
- ``document``: the page as one text, and the headers that say what a browser may do with it.
- ``endpoints``: the routes.

``assets`` holds the page's markup, style and scripts. The service inserts the last two into the first: nothing is
built, and the page loads nothing from elsewhere.
"""

__all__ = ["card", "description", "document", "endpoints"]
