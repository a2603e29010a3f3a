"""Spanish and English: language negotiation, messages, number formats."""
