"""Serving: what a service needs at run time.

``following`` keeps the promoted version, ``proving`` loads and proves one, ``vector`` assembles the input of a model from
feature views and the request, ``answering`` turns quantiles into an answer, ``security`` guards the door, ``metrics`` counts,
``openapi`` documents, ``client`` asks.
"""
