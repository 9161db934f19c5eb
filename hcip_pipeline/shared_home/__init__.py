"""A home that several machines share through object storage (``storage: s3://bucket/prefix`` in ``settings.yaml``).

``address`` opens the storage, ``commits`` defines its content, ``scope`` which files of a home belong to an acceptance,
``state`` which of them this home has, ``fetching`` and ``synchronizing`` the exchange. ``docs/scale_out.md`` describes
the protocol.
"""
