"""Load on an HTTP server: the client, the processes of the server, and the limit that no HTTP server can pass."""
