"""Networks that differ from the user's in one respect: what `--vary` and possible fixes try."""
