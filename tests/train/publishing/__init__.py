"""Publishing, by the real client against the stub of the Hub."""
