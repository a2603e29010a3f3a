"""How a bundle becomes a public one: what is sent, and how the Hub takes it whole or not at all."""
