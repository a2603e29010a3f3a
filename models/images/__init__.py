"""From the bytes of a file to the input of a network."""
