"""Where pictures come from: upstream's archives or a person's own folder, verified and split."""
