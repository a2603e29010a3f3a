"""How a model is made: fetch, fit, export. Imports `models`, never `serving`."""
