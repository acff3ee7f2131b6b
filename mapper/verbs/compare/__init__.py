"""What a chip's integers lose against the ideal network, on data, and by which cause."""
