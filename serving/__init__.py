"""How a model is offered: REST routes, the page, and what they say in two languages."""

__version__ = "0.1.0"
