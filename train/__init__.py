"""Train models: fetch data, fit, evaluate, compare, export and publish. Imports `models`, never `serving`."""
