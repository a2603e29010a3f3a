"""The Space: what Hugging Face is told of it, the files it gets, how it runs here, and how it is deployed."""
